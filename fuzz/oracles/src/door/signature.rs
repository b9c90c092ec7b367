//! Signatures: ours open the door, and not one altered character does.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use service_bus::{SharedKey, shared_access_signature};

use super::opened::{Answer, with_door};

const KEY_NAME: &str = "Root";
const SECRET: &str = "secret/+=";

/// Long after every run.
const EXPIRY: i64 = 4_000_000_000;

/// `header` as it is; then it is what a token is signed for, and where one is altered.
pub(super) fn check(header: &[u8], body: &[u8]) {
    check_header(header);
    // Encoded behind a letter, so that nothing in it leads up again: who has the key may sign for
    // any place.
    let name = format!("x{}", percent_encode(header, NON_ALPHANUMERIC));
    let resource = format!("http://localhost:5300/order-items/{name}");
    let token = shared_access_signature(&resource, &key(), EXPIRY);
    assert_eq!(ask(token.as_bytes()).status, 201, "{token}");
    assert_eq!(ask(altered(&token, body).as_bytes()).status, 401, "{token}");
    let expired = ask(shared_access_signature(&resource, &key(), 1).as_bytes());
    assert!(
        expired.status == 401 && expired.text.contains("expired"),
        "{expired:?}"
    );
    let elsewhere = shared_access_signature(
        &format!("http://localhost/{name}/order-items"),
        &key(),
        EXPIRY,
    );
    assert_eq!(ask(elsewhere.as_bytes()).status, 401, "{elsewhere}");
}

/// Nobody guesses a signature; any bearer token is let in.
fn check_header(header: &[u8]) {
    if axum::http::HeaderValue::from_bytes(header).is_err() {
        return;
    }
    let answer = ask(header);
    let bearer = header
        .trim_ascii()
        .split(|byte| *byte == b' ')
        .next()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer"));
    match answer.status {
        201 => assert!(bearer, "{:?}", String::from_utf8_lossy(header)),
        401 => assert!(!answer.text.contains(SECRET), "{answer:?}"),
        431 => {}
        _ => panic!("{answer:?}"),
    }
}

/// The token with another digit or letter at a place that `material` chooses.
fn altered(token: &str, material: &[u8]) -> String {
    let start = token.find("sr=").expect("a resource") + "sr=".len();
    let end = token.find("&skn=").expect("a name");
    let within = material
        .iter()
        .map(|byte| usize::from(*byte))
        .sum::<usize>()
        % (end - start);
    let legal = |at: &usize| token.as_bytes()[*at].is_ascii_alphanumeric();
    // The base64 of 32 bytes ends with a character of which two bits mean nothing.
    let last_of_signature = token.find("%3D&se=").map(|at| at - 1);
    let places = (start + within..end).chain(start..end);
    let place = places
        .filter(legal)
        .find(|at| Some(*at) != last_of_signature)
        .expect("a letter of the host");
    let mut bytes = token.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).expect("ASCII")
}

fn ask(header: &[u8]) -> Answer {
    with_door(|door| door.send("Authorization", header, b"{}")).0
}

fn key() -> SharedKey {
    SharedKey {
        name: KEY_NAME.to_owned(),
        secret: SECRET.to_owned(),
    }
}
