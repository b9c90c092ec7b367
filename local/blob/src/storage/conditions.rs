//! The conditions a request puts on the present state of a blob.

use super::blob::StorageError;

/// The present ETag a condition speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ETagCondition {
    /// `*`: any state at all.
    Any,
    /// This state; quotes are optional.
    Is(String),
}

/// The conditions of one request; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Only if the blob is in this state.
    pub if_match: Option<ETagCondition>,
    /// Only if the blob is not in this state.
    pub if_none_match: Option<ETagCondition>,
}

impl ETagCondition {
    /// The value of an `If-Match` or `If-None-Match` header.
    pub fn parse(value: &str) -> Self {
        match value.trim() {
            "*" => Self::Any,
            etag => Self::Is(etag.to_owned()),
        }
    }

    fn meets(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Is(etag), Some(current)) => etag.trim_matches('"') == current.trim_matches('"'),
        }
    }
}

impl Conditions {
    /// For a write when the blob's ETag is `current`, `None` when there is no blob.
    pub(super) fn allow_write(&self, current: Option<&str>) -> Result<(), StorageError> {
        self.must_match(current)?;
        match &self.if_none_match {
            // The service's answer to "create" is a conflict; any other condition gives 412.
            Some(ETagCondition::Any) if current.is_some() => Err(StorageError::BlobAlreadyExists),
            Some(unwanted) if unwanted.meets(current) => Err(StorageError::ConditionNotMet),
            _ => Ok(()),
        }
    }

    pub(super) fn allow_delete(&self, current: &str) -> Result<(), StorageError> {
        self.must_match(Some(current))?;
        match &self.if_none_match {
            Some(unwanted) if unwanted.meets(Some(current)) => Err(StorageError::ConditionNotMet),
            _ => Ok(()),
        }
    }

    pub(super) fn allow_read(&self, current: &str) -> Result<(), StorageError> {
        self.must_match(Some(current))?;
        match &self.if_none_match {
            Some(known) if known.meets(Some(current)) => Err(StorageError::NotModified),
            _ => Ok(()),
        }
    }

    fn must_match(&self, current: Option<&str>) -> Result<(), StorageError> {
        match &self.if_match {
            Some(wanted) if !wanted.meets(current) => Err(StorageError::ConditionNotMet),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &str) -> Conditions {
        Conditions {
            if_match: Some(ETagCondition::parse(value)),
            ..Conditions::default()
        }
    }

    fn if_none_match(value: &str) -> Conditions {
        Conditions {
            if_none_match: Some(ETagCondition::parse(value)),
            ..Conditions::default()
        }
    }

    #[test]
    fn writes() {
        use StorageError::{BlobAlreadyExists, ConditionNotMet};
        let now = Some("\"0x2\"");
        let table = [
            (Conditions::default(), None, Ok(())),
            (Conditions::default(), now, Ok(())),
            (if_match("\"0x2\""), now, Ok(())),
            (if_match("0x2"), now, Ok(())),
            (if_match("\"0x1\""), now, Err(ConditionNotMet)),
            (if_match("\"0x1\""), None, Err(ConditionNotMet)),
            (if_match("*"), now, Ok(())),
            (if_match("*"), None, Err(ConditionNotMet)),
            (if_none_match("*"), None, Ok(())),
            (if_none_match("*"), now, Err(BlobAlreadyExists)),
            (if_none_match("\"0x1\""), now, Ok(())),
            (if_none_match("\"0x2\""), now, Err(ConditionNotMet)),
        ];
        for (conditions, current, expected) in table {
            let found = conditions.allow_write(current);
            assert_eq!(found, expected, "{conditions:?} on {current:?}");
        }
    }

    #[test]
    fn a_reader_who_knows_the_state_is_told_so() {
        let now = "\"0x2\"";
        assert_eq!(
            if_none_match(now).allow_read(now),
            Err(StorageError::NotModified)
        );
        assert_eq!(if_none_match("\"0x1\"").allow_read(now), Ok(()));
        assert_eq!(
            if_match("\"0x1\"").allow_read(now),
            Err(StorageError::ConditionNotMet)
        );
    }

    #[test]
    fn a_delete_is_held_to_its_conditions() {
        let now = "\"0x2\"";
        assert_eq!(if_match(now).allow_delete(now), Ok(()));
        assert_eq!(
            if_match("\"0x1\"").allow_delete(now),
            Err(StorageError::ConditionNotMet)
        );
        assert_eq!(
            if_none_match("*").allow_delete(now),
            Err(StorageError::ConditionNotMet)
        );
    }
}
