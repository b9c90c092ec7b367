//! What the headers of a blob request say.

use std::collections::BTreeMap;
use std::ops::Range;

use axum::http::header::{IF_MATCH, IF_NONE_MATCH, RANGE};
use axum::http::{HeaderMap, StatusCode};

use crate::answer::Failure;
use crate::storage::{Conditions, ETagCondition};

/// In front of the name of each piece of metadata.
pub(crate) const METADATA_PREFIX: &str = "x-ms-meta-";

/// The value of a header, which has to be visible ASCII.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Failure> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| {
        let message = format!("The value of the header {name} is not ASCII text.");
        Failure::bad_request("InvalidHeaderValue", message)
    })
}

pub(crate) fn conditions(headers: &HeaderMap) -> Result<Conditions, Failure> {
    Ok(Conditions {
        if_match: text(headers, IF_MATCH.as_str())?.map(ETagCondition::parse),
        if_none_match: text(headers, IF_NONE_MATCH.as_str())?.map(ETagCondition::parse),
    })
}

pub(crate) fn metadata(headers: &HeaderMap) -> Result<BTreeMap<String, String>, Failure> {
    let mut metadata = BTreeMap::new();
    for header in headers.keys() {
        let Some(name) = header.as_str().strip_prefix(METADATA_PREFIX) else {
            continue;
        };
        if !is_identifier(name) {
            let message = format!("The metadata name {name:?} is not an identifier.");
            return Err(Failure::bad_request("InvalidMetadata", message));
        }
        let value = text(headers, header.as_str())?.unwrap_or_default();
        metadata.insert(name.to_owned(), value.to_owned());
    }
    Ok(metadata)
}

/// Metadata names follow the rules of C# identifiers; in a header that leaves ASCII.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The bytes a reader wants, or `None` for all of them. What is no range of bytes is ignored,
/// as RFC 9110 asks.
pub(crate) fn range(headers: &HeaderMap, length: usize) -> Result<Option<Range<usize>>, Failure> {
    let header = match text(headers, "x-ms-range")? {
        Some(header) => Some(header),
        None => text(headers, RANGE.as_str())?,
    };
    let Some((first, end)) = header.and_then(byte_range) else {
        return Ok(None);
    };
    if first >= length {
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        let message = "The range specified is invalid for the current size of the resource.";
        return Err(Failure::new(status, "InvalidRange", message));
    }
    Ok(Some(first..end.min(length)))
}

/// Reads `bytes=first-last` or `bytes=first-`; the end is exclusive.
fn byte_range(header: &str) -> Option<(usize, usize)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let end = match last {
        "" => usize::MAX,
        last => last.parse::<usize>().ok()?.saturating_add(1),
    };
    (first < end).then_some((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn ranges_are_cut_to_the_blob() {
        let wanted =
            |value| range(&header("x-ms-range", value), 10).map_err(|failure| failure.code);
        assert_eq!(wanted("bytes=0-3"), Ok(Some(0..4)));
        assert_eq!(wanted("bytes=8-99"), Ok(Some(8..10)));
        assert_eq!(wanted("bytes=2-"), Ok(Some(2..10)));
        assert_eq!(wanted("bytes=10-"), Err("InvalidRange"));
        for ignored in ["bytes=-5", "bytes=5-2", "lines=1-2", "bytes=1-2,4-5"] {
            assert_eq!(wanted(ignored), Ok(None), "{ignored}");
        }
    }

    #[test]
    fn metadata_names_are_identifiers() {
        let read = |name| metadata(&header(name, "8412")).map_err(|failure| failure.code);
        let sequence = BTreeMap::from([("sequence".to_owned(), "8412".to_owned())]);
        assert_eq!(read("x-ms-meta-sequence"), Ok(sequence));
        assert_eq!(read("x-ms-meta-message-id"), Err("InvalidMetadata"));
        assert_eq!(read("x-ms-meta-1st"), Err("InvalidMetadata"));
        assert_eq!(read("x-ms-meta-"), Err("InvalidMetadata"));
        assert_eq!(read("x-ms-version"), Ok(BTreeMap::new()));
    }
}
