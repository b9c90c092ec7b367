//! The expected signatures were computed with Python's `hmac` from strings written by hand.

use super::*;

const DATE_TEXT: &str = "Mon, 04 May 2026 09:30:10 GMT";

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).unwrap()
}

fn put(signature: &str) -> Request<Bytes> {
    let authorization = format!("SharedKey devstoreaccount1:{signature}");
    request(
        "PUT",
        "/devstoreaccount1/orders/E7DB%20x.json",
        &[
            ("x-ms-version", "2023-11-03"),
            ("x-ms-meta-sequence", "8412"),
            ("x-ms-meta-enqueued", "2026-05-04T09:30:10Z"),
            ("x-ms-date", DATE_TEXT),
            ("x-ms-blob-type", "BlockBlob"),
            ("content-length", "15"),
            ("content-type", "application/json"),
            ("if-none-match", "*"),
            ("authorization", &authorization),
        ],
    )
}

const PUT_SIGNATURE: &str = "49gKISn/4n6Xbnvqnjw5WexqfekYXtJiA4HQhdLN6/0=";

fn at(seconds: i64) -> OffsetDateTime {
    http_date::parse(DATE_TEXT).unwrap() + Duration::seconds(seconds)
}

fn refusal(request: &Request<Bytes>, now: OffsetDateTime) -> Option<(u16, &'static str)> {
    let failure = authorize(Account::ORDERS, request, now).err()?;
    Some((failure.status.as_u16(), failure.code))
}

#[test]
fn a_conditional_put_with_metadata() {
    assert_eq!(refusal(&put(PUT_SIGNATURE), at(0)), None);
}

#[test]
fn a_listing_signs_its_parameters_decoded_and_in_order() {
    let listing = request(
        "GET",
        "/devstoreaccount1/orders?restype=container&COMP=list&prefix=a%20b%2F&include=metadata",
        &[
            ("x-ms-date", DATE_TEXT),
            ("x-ms-client-request-id", "a-b-c"),
            ("x-ms-version", "2023-11-03"),
            ("content-length", "0"),
            (
                "authorization",
                "SharedKey devstoreaccount1:LF318fzv/jhZ2eA8Rl9lr+q2ktLVBT7Nel/9F/mgypY=",
            ),
        ],
    );
    assert_eq!(refusal(&listing, at(0)), None);
}

#[test]
fn the_plain_date_header_is_signed_when_there_is_no_other() {
    let delete = request(
        "DELETE",
        "/devstoreaccount1/orders/a.json",
        &[
            ("date", DATE_TEXT),
            ("x-ms-version", "2023-11-03"),
            ("if-match", "\"0x1\""),
            (
                "authorization",
                "SharedKey devstoreaccount1:cNpjilwB+QDUJt97+f2CKiwGTpDVe5qkxWFblI886MQ=",
            ),
        ],
    );
    assert_eq!(refusal(&delete, at(0)), None);
}

#[test]
fn every_signed_part_counts() {
    let forbidden = Some((403, "AuthenticationFailed"));
    let changed = |name: &'static str, value: &'static str| {
        let mut request = put(PUT_SIGNATURE);
        request.headers_mut().insert(name, value.parse().unwrap());
        refusal(&request, at(0))
    };
    assert_eq!(changed("if-none-match", "\"0x1\""), forbidden);
    assert_eq!(changed("if-match", "*"), forbidden);
    assert_eq!(changed("content-length", "16"), forbidden);
    assert_eq!(changed("content-type", "text/plain"), forbidden);
    assert_eq!(changed("x-ms-meta-sequence", "8413"), forbidden);
    assert_eq!(changed("x-ms-meta-more", "1"), forbidden);
    let mut moved = put(PUT_SIGNATURE);
    *moved.uri_mut() = "/devstoreaccount1/orders/E7DC%20x.json".parse().unwrap();
    assert_eq!(refusal(&moved, at(0)), forbidden);
}

#[test]
fn a_signature_grows_old() {
    assert_eq!(refusal(&put(PUT_SIGNATURE), at(15 * 60)), None);
    let old = Some((403, "AuthenticationFailed"));
    assert_eq!(refusal(&put(PUT_SIGNATURE), at(15 * 60 + 1)), old);
    assert_eq!(refusal(&put(PUT_SIGNATURE), at(-15 * 60 - 1)), old);
}

#[test]
fn what_is_no_shared_key_signature() {
    let with = |value: &'static str| {
        let mut request = put("");
        let value = value.parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        refusal(&request, at(0))
    };
    let unreadable = Some((400, "InvalidAuthenticationInfo"));
    assert_eq!(with("Bearer abc"), unreadable);
    assert_eq!(with("SharedKey devstoreaccount1"), unreadable);
    assert_eq!(with("SharedKey devstoreaccount1:?"), unreadable);
    let forbidden = Some((403, "AuthenticationFailed"));
    assert_eq!(with("SharedKey devstoreaccount1:"), forbidden);
    assert_eq!(
        with("SharedKey other:49gKISn/4n6Xbnvqnjw5WexqfekYXtJiA4HQhdLN6/0="),
        forbidden
    );
}

#[test]
fn only_reads_go_without_a_signature() {
    let plain = |method, uri| refusal(&request(method, uri, &[]), at(0));
    let uri = "/devstoreaccount1/orders/a.json";
    assert_eq!(plain("GET", uri), None);
    assert_eq!(plain("HEAD", uri), None);
    let unknown = Some((401, "NoAuthenticationInformation"));
    assert_eq!(plain("PUT", uri), unknown);
    assert_eq!(plain("DELETE", uri), unknown);
    let signed_url = "/devstoreaccount1/orders/a.json?sp=r&sig=abc";
    assert_eq!(
        plain("GET", signed_url),
        Some((403, "AuthenticationFailed"))
    );
}
