//! The signed cookie: what we sealed comes back, and nothing else does.

use petstore::cart::{Cart, QUANTITY_MAX, Step};
use petstore::catalogue::PRODUCTS;
use petstore::cookie::{Key, Transport};
use petstore::session::{SessionId, Visit};
use proptest::prelude::*;

use crate::support::shop::KEY;

fn full() -> Visit {
    let mut cart = Cart::default();
    for product in &PRODUCTS {
        for _ in 0..QUANTITY_MAX {
            cart.step(Step::Add, product.id).unwrap();
        }
    }
    Visit {
        revision: u64::MAX,
        email: Some("x".repeat(255)),
        cart,
        ..Visit::fresh()
    }
}

#[test]
fn the_fullest_visit_comes_back_and_fits_every_browser() {
    let key = Key::new(KEY).unwrap();
    let visit = full();
    let sealed = key.seal(&visit);
    assert_eq!(key.open(&sealed), Some(visit));
    let header = Transport::Secure.set_cookie(&sealed);
    assert!(header.len() < 1200, "{}", header.len());
    assert!(header.starts_with("__Host-petstore=") && header.contains("; Secure"));
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(header.contains(part), "{header}");
    }
    assert!(!Transport::Plain.set_cookie(&sealed).contains("Secure"));
}

proptest! {
    /// One byte more, less or other anywhere, and it is not ours.
    #[test]
    fn a_cookie_that_was_touched_is_none_of_ours(at in 0_usize..400, how in 0_u8..3, byte in 0_u8..128) {
        let key = Key::new(KEY).unwrap();
        let visit = Visit::fresh();
        let sealed = key.seal(&visit);
        let mut touched = sealed.clone().into_bytes();
        let at = at % touched.len();
        match how {
            0 => touched[at] = byte,
            1 => { touched.remove(at); }
            _ => touched.insert(at, byte),
        }
        let touched = String::from_utf8(touched).unwrap();
        prop_assume!(touched != sealed);
        prop_assert_eq!(key.open(&touched), None);
    }

    #[test]
    fn nothing_makes_the_reader_fall_over(text in "\\PC{0,200}") {
        prop_assert_eq!(Key::new(KEY).unwrap().open(&text), None);
    }
}

#[test]
fn another_key_opens_nothing_and_a_forms_token_is_no_signature() {
    let (ours, theirs) = (
        Key::new(KEY).unwrap(),
        Key::new(&KEY.to_uppercase()).unwrap(),
    );
    let visit = Visit::fresh();
    assert_eq!(theirs.open(&ours.seal(&visit)), None);
    let token = ours.form_token(&visit.session);
    assert!(ours.is_form_token(&visit.session, &token));
    assert!(!ours.is_form_token(&SessionId::fresh(), &token));
    assert!(!theirs.is_form_token(&visit.session, &token));
    assert!(!ours.is_form_token(&visit.session, ""));
    let payload = ours.seal(&visit).split('.').next().unwrap().to_owned();
    assert_eq!(ours.open(&format!("{payload}.{token}")), None);
    assert_eq!(ours.open(&format!("{payload}.")), None);
}

#[test]
fn a_session_id_is_32_upper_case_hexadecimal_digits() {
    for _ in 0..100 {
        let id = SessionId::fresh();
        assert_eq!(SessionId::try_from(id.as_str().to_owned()), Ok(id));
    }
    for text in [
        "",
        "E7DBA502A3B795953DDE76EA965EBBF",
        "e7dba502a3b795953dde76ea965ebbf3",
        "E7DBA502A3B795953DDE76EA965EBBG3",
    ] {
        assert!(SessionId::try_from(text.to_owned()).is_err(), "{text}");
    }
}
