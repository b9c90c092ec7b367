//! Blob names: different for different sessions, legal, and inside the container.

use std::collections::HashSet;

use order_items_reserver::order::SessionId;
use proptest::prelude::*;

fn name(session: &str) -> String {
    SessionId::new(session).unwrap().blob_name().to_string()
}

/// Undoes RFC 3986 §2.1; `None` where a `%` has no two upper-case hexadecimal digits.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'A'..=b'F' => Some(byte - b'A' + 10),
            _ => None,
        };
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? * 16 + digit(bytes.next()?)?,
            other => other,
        });
    }
    Some(decoded)
}

/// 1 to 128 bytes; half of the characters are those that have tricked somebody before.
fn any_session() -> impl Strategy<Value = String> {
    let tricky = "./\\%:?#&+~ \0\r\n\"'<>|*$-_aA2F\u{202e}\u{2025}\u{ff0e}\u{feff}éе";
    let tricky = prop::sample::select(tricky.chars().collect::<Vec<_>>());
    let character = prop_oneof![tricky, any::<char>()];
    prop::collection::vec(character, 1..64).prop_map(|characters| {
        let mut text: String = characters.into_iter().collect();
        text.truncate(text.floor_char_boundary(128));
        text
    })
}

fn assert_legal(name: &str) {
    let stem = name.strip_suffix(".json").unwrap();
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_%".contains(c);
    assert!(!stem.is_empty() && stem.chars().all(kept), "{name}");
    assert!(name.len() <= 1024, "{name}");
}

proptest! {
    #[test]
    fn a_name_is_legal_and_gives_its_session_back(session in any_session()) {
        let name = name(&session);
        assert_legal(&name);
        let stem = name.strip_suffix(".json").unwrap();
        prop_assert_eq!(percent_decoded(stem).unwrap(), session.into_bytes());
    }

    #[test]
    fn different_sessions_have_different_names(one in any_session(), other in any_session()) {
        prop_assert_eq!(one == other, name(&one) == name(&other));
    }
}

#[test]
fn sessions_that_look_alike_have_different_names() {
    let alike = [
        "a",
        "A",
        "a.json",
        "a%2Ejson",
        "a/",
        "a%2F",
        "a%2f",
        "a%252F",
        "/a",
        "./a",
        "../a",
        "a/..",
        "..",
        ".",
        "...",
        "a\\",
        "a ",
        " a",
        "a\0",
        "a?",
        "a#",
        "é",
        "e\u{301}",
        "%C3%A9",
        "%",
        "%25",
        "\u{202e}a",
        "а",
    ];
    let names: HashSet<String> = alike.iter().map(|session| name(session)).collect();
    assert_eq!(names.len(), alike.len());
    names.iter().for_each(|name| assert_legal(name));
}

#[test]
fn the_longest_name_is_legal() {
    let longest = name(&"\u{10ffff}".repeat(32));
    assert_legal(&longest);
    assert_eq!(longest.len(), 389);
}

#[test]
fn names_are_as_documented() {
    assert_eq!(
        name("E7DBA502A3B795953DDE76EA965EBBF3"),
        "E7DBA502A3B795953DDE76EA965EBBF3.json"
    );
    assert_eq!(name("a-b_c"), "a-b_c.json");
    assert_eq!(name("../x y.json"), "%2E%2E%2Fx%20y%2Ejson.json");
    assert_eq!(name("Köln"), "K%C3%B6ln.json");
}
