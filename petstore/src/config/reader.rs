//! Reads single settings and collects what is wrong with them, as the function does.

use std::{ops::RangeInclusive, str::FromStr};

use order_items_reserver::config::{Mistake, Mistakes};

use super::SETTINGS;

/// Where settings come from, and what was wrong with them so far.
pub(super) struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    pub(super) mistakes: Mistakes,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            source,
            mistakes: Mistakes::default(),
        }
    }

    /// Records a mistake; `None`, so that a reading can end with it.
    pub(super) fn wrong<T>(
        &mut self,
        setting: &'static str,
        problem: impl Into<String>,
    ) -> Option<T> {
        let problem = problem.into();
        self.mistakes.0.push(Mistake { setting, problem });
        None
    }

    /// The value, trimmed; empty is unset.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    /// The value, or the default in [`SETTINGS`].
    pub(super) fn or_default(&self, name: &str) -> String {
        let mut known = SETTINGS.iter();
        let default = || {
            known
                .find(|(known, _)| *known == name)?
                .1
                .map(str::to_owned)
        };
        self.get(name).or_else(default).unwrap_or_default()
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let value = self.or_default(name);
        let parsed = value.parse().ok();
        parsed.or_else(|| self.wrong(name, format!("`{value}` is not {expected}")))
    }

    pub(super) fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.or_default(name);
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.or_else(|| {
            let (least, most) = (range.start(), range.end());
            let problem = format!("`{value}` is not a whole number from {least} to {most}");
            self.wrong(name, problem)
        })
    }
}
