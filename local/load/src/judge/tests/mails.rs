//! What is in mails.

use super::*;

#[test]
fn a_mail_with_half_an_order_or_for_another_session_is_told() {
    let mut evidence = fine();
    evidence.mailed.push(Mailed {
        order_sha256: None,
        ..mailed(A, 1, 1)
    });
    evidence.mailed.push(Mailed {
        session: Some(B.to_owned()),
        ..mailed(A, 1, 1)
    });
    assert_eq!(words(&evidence), ["mail", "mail"]);
}
