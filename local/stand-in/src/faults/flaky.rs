//! Faults at random, within bounds.

use super::Fault;

/// Faults in a row that a flaky service meets requests with, at the most.
const IN_A_ROW_MAX: u32 = 2;

/// Chooses a fault for each request at random. After two faults in a row comes a request that
/// meets none, so that things still get through.
#[derive(Debug)]
pub struct Flaky {
    random: fastrand::Rng,
    choices: Vec<Fault>,
    in_a_row: u32,
}

impl Flaky {
    /// Chooses among `choices`; the same seed gives the same faults.
    #[must_use]
    pub fn new(seed: u64, choices: Vec<Fault>) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            choices,
            in_a_row: 0,
        }
    }

    pub(super) fn choose(&mut self) -> Fault {
        let fault = match self.in_a_row {
            IN_A_ROW_MAX.. => Fault::None,
            _ => self
                .random
                .choice(&self.choices)
                .copied()
                .unwrap_or_default(),
        };
        self.in_a_row = match fault {
            Fault::None => 0,
            _ => self.in_a_row + 1,
        };
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_request_at_least_gets_through_and_a_seed_repeats_itself() {
        let choices = vec![Fault::Hang, Fault::FORBID_ALL, Fault::None];
        let faults = |seed| {
            let mut flaky = Flaky::new(seed, choices.clone());
            (0..1_000).map(|_| flaky.choose()).collect::<Vec<_>>()
        };
        let seen = faults(7);
        for three in seen.windows(3) {
            assert!(three.contains(&Fault::None), "{three:?}");
        }
        for choice in &choices {
            assert!(seen.contains(choice), "{choice:?}");
        }
        assert_eq!(seen, faults(7));
        assert_ne!(seen, faults(8));
    }
}
