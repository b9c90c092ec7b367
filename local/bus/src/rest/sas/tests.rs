use super::*;
use time::macros::datetime;

// Made with Microsoft's Python SDK 7.15.0.
const TOKEN: &str = "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
    &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600&skn=RootManageSharedAccessKey";

fn verdict(token: &str, queue: &str, now: OffsetDateTime) -> Result<(), Refused> {
    let key = AccessKey {
        name: "RootManageSharedAccessKey".to_owned(),
        secret: "c2VjcmV0+/key==".to_owned(),
    };
    check(token, &key, queue, now)
}

#[test]
fn a_token_of_the_official_sdk_is_let_in_until_it_expires() {
    assert_eq!(
        verdict(TOKEN, "order-items", datetime!(2025-12-31 23:59:59 UTC)),
        Ok(())
    );
    let late = verdict(TOKEN, "order-items", datetime!(2026-01-01 00:00:07 UTC));
    assert_eq!(late, Err(Refused::Expired(7)));
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let now = datetime!(2025-12-01 00:00 UTC);
    assert!(matches!(
        verdict(TOKEN, "other", now),
        Err(Refused::Resource { .. })
    ));
    let key_name = TOKEN.replace("RootManage", "Other");
    assert!(matches!(
        verdict(&key_name, "order-items", now),
        Err(Refused::KeyName { .. })
    ));
    for wrong in ["ii1", "se=17", "order-items"] {
        let tampered = TOKEN.replace(wrong, &format!("{wrong}9"));
        assert_eq!(
            verdict(&tampered, "order-items", now),
            Err(Refused::Signature),
            "{wrong}"
        );
    }
    assert_eq!(
        verdict("SharedAccessSignature sr=a", "q", now),
        Err(Refused::Missing("sig"))
    );
    assert_eq!(verdict("Basic abc", "q", now), Err(Refused::Scheme));
}

#[test]
fn a_bearer_token_and_a_token_for_the_whole_namespace_are_let_in() {
    assert_eq!(
        verdict("Bearer ey", "order-items", datetime!(2030-01-01 0:00 UTC)),
        Ok(())
    );
    assert!(covers("sb://localhost:5300/", "order-items"));
    assert!(covers(
        "http://localhost:5300/Order-Items/messages",
        "order-items"
    ));
}
