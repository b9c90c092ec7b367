//! Exhaustive enumeration of everything that a run can choose, as a tree: what a run never gets
//! to choose is never tried twice.

/// The choices of one run, and where the next run differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    path: Vec<(u8, u8)>,
    depth: usize,
}

impl Choices {
    /// A run whose first choices are given.
    pub(crate) fn fixed(choices: &[u8]) -> Self {
        Self {
            path: choices.iter().map(|&choice| (choice, u8::MAX)).collect(),
            depth: 0,
        }
    }

    /// One of `0..of`: what the path says, and 0 beyond its end.
    pub(crate) fn choose(&mut self, of: usize) -> usize {
        if self.depth == self.path.len() {
            self.path.push((0, u8::try_from(of).unwrap()));
        }
        let (choice, _) = self.path[self.depth];
        self.depth += 1;
        choice.into()
    }

    /// Moves on to the next run; `false` when all have been.
    pub(crate) fn advance(&mut self) -> bool {
        self.path.truncate(self.depth);
        self.depth = 0;
        while let Some((choice, of)) = self.path.pop() {
            if choice + 1 < of {
                self.path.push((choice + 1, of));
                return true;
            }
        }
        false
    }
}

#[test]
fn every_path_is_taken_once() {
    let (mut choices, mut seen) = (Choices::default(), Vec::new());
    loop {
        let first = choices.choose(3);
        let second = (first == 1).then(|| choices.choose(2));
        seen.push((first, second));
        if !choices.advance() {
            break;
        }
    }
    assert_eq!(seen, [(0, None), (1, Some(0)), (1, Some(1)), (2, None)]);
}
