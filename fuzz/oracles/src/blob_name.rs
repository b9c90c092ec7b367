//! Blob names: legal, one path segment inside the container, and each gives its session back.

use order_items_reserver::order::{BlobName, SESSION_ID_MAX, SessionId, SessionIdError};
use percent_encoding::percent_decode_str;
use url::Url;

/// The longest name that Blob Storage takes, in characters.
const NAME_MAX: usize = 1024;

/// The input is two session ids, divided by the first line break: both names, and that they differ
/// when the ids do.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    if let (Some(a), Some(b)) = (name(one), name(other)) {
        assert_eq!(one == other, a == b, "{one:?} and {other:?} share {a}");
    }
}

fn name(session: &str) -> Option<BlobName> {
    let session = match SessionId::new(session) {
        Ok(session) => session,
        Err(SessionIdError::Empty) => {
            assert!(session.is_empty());
            return None;
        }
        Err(SessionIdError::TooLong { bytes }) => {
            assert!(bytes == session.len() && bytes > SESSION_ID_MAX);
            return None;
        }
    };
    let name = session.blob_name();
    let stem = name
        .as_str()
        .strip_suffix(".json")
        .expect("it ends in .json");
    let decoded: Vec<u8> = percent_decode_str(stem).collect();
    assert_eq!(decoded, session.as_str().as_bytes(), "{name}");
    assert!(name.as_str().len() <= NAME_MAX, "{name}");
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_%".contains(&byte);
    assert!(stem.bytes().all(kept), "{name}");
    assert_inside(&name);
    Some(name)
}

/// As a segment of a URL it stays the last of two, spelled as it was: the name itself has no `/`,
/// and none appears when the segment is decoded once, as the service does.
fn assert_inside(name: &BlobName) {
    let mut url = Url::parse("http://127.0.0.1:10000/account/orders").unwrap();
    url.path_segments_mut().unwrap().push(name.as_str());
    let segments: Vec<&str> = url.path_segments().unwrap().collect();
    let ["account", "orders", blob] = segments.as_slice() else {
        panic!("{name} leaves the container: {url}");
    };
    let decoded = percent_decode_str(blob).decode_utf8().unwrap();
    assert_eq!(decoded, name.as_str());
}
