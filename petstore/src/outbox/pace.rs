//! How soon the outbox does what it does again.

use std::time::Duration;

/// How soon to try again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first wait, at most; the next is twice as long, and so on.
    pub base: Duration,
    /// The longest wait. One answered message ends every wait early.
    pub longest: Duration,
    /// The wait after a refusal: a person has to act first.
    pub refused: Duration,
    /// How often to look at the marks.
    pub sweep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(200),
            longest: Duration::from_secs(15),
            refused: Duration::from_secs(60),
            sweep: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// Between half and all of the step, so that not everyone comes back at once.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        let step = self.base * 2_u32.saturating_pow(failures.min(16).saturating_sub(1));
        step.min(self.longest).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}
