//! The pairs of a connection string.

use super::AccountError;

/// `name=value` pairs; names in any case, values may contain `=`.
pub(super) struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, AccountError> {
        let pairs = text.split(';').map(str::trim).enumerate();
        let pairs = pairs.filter(|(_, part)| !part.is_empty());
        pairs
            .map(|(index, part)| part.split_once('=').ok_or(AccountError::NoPair(index + 1)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .0
            .iter()
            .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}
