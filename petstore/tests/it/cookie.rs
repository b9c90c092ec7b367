//! The key in the cookie: what we handed out comes back, and nothing else does.

use petstore::cookie::{ShopperKey, Transport};
use petstore::session::SessionId;
use proptest::prelude::*;

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOW: i64 = 20_000 * DAY;

/// The `Cookie` header that a browser makes of a `Set-Cookie` one.
fn header(transport: Transport, key: &ShopperKey) -> String {
    let set = transport.set_cookie(key);
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn the_key_comes_back_and_travels_as_safely_as_it_can() {
    let key = ShopperKey::fresh(NOW);
    let set = Transport::Secure.set_cookie(&key);
    assert!(
        set.starts_with("__Host-petstore=") && set.contains("; Secure"),
        "{set}"
    );
    for part in [
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=604800",
    ] {
        assert!(set.contains(part), "{set}");
    }
    let plain = Transport::plain("http://127.0.0.1:10000/petstore");
    assert!(!plain.set_cookie(&key).contains("Secure"));
    for transport in [Transport::Secure, plain] {
        assert_eq!(transport.find(&header(transport, &key)), Some(key));
    }
    assert_ne!(ShopperKey::fresh(NOW).name(), key.name());
}

#[test]
fn shops_of_one_laptop_keep_their_keys_apart_and_instances_of_a_shop_do_not() {
    let one = Transport::plain("http://127.0.0.1:10000/petstore");
    let other = Transport::plain("http://127.0.0.1:10001/petstore");
    let (a, b) = (ShopperKey::fresh(NOW), ShopperKey::fresh(NOW));
    let jar = format!("{}; {}", header(one, &a), header(other, &b));
    assert_eq!((one.find(&jar), other.find(&jar)), (Some(a), Some(b)));
    assert_eq!(one, Transport::plain("http://127.0.0.1:10000/petstore"));
}

#[test]
fn of_several_cookies_of_one_name_the_first_that_is_a_key_is_taken() {
    let transport = Transport::plain("here");
    let key = ShopperKey::fresh(NOW);
    let good = header(transport, &key);
    let (name, value) = good.split_once('=').unwrap();
    for jar in [
        format!("{name}=garbage; {good}"),
        format!("{good}; {name}=garbage"),
        format!("{name}=; x={value}; {name}={}; {good}", &value[1..]),
        format!(" {name} = {value} "),
    ] {
        assert_eq!(transport.find(&jar), Some(key), "{jar}");
    }
    assert_eq!(transport.find(&format!("{name}=garbage; x{good}")), None);
}

#[test]
fn a_key_without_a_record_is_old_before_the_record_of_a_key_goes() {
    let key = ShopperKey::fresh(NOW);
    assert!(!key.is_old(NOW) && !key.is_old(NOW + 27 * DAY));
    assert!(key.is_old(NOW + 28 * DAY));
}

#[test]
fn a_forms_token_is_one_keys_and_tells_neither_key_nor_name() {
    let (key, other) = (ShopperKey::fresh(NOW), ShopperKey::fresh(NOW));
    let token = key.form_token();
    assert!(key.is_form_token(&token) && !other.is_form_token(&token));
    for wrong in [
        "",
        "AAAA",
        &token.to_lowercase(),
        &token[1..],
        &other.form_token(),
    ] {
        assert!(!key.is_form_token(wrong), "{wrong}");
    }
    let value = header(Transport::Secure, &key);
    assert!(!value.contains(&token) && !format!("{key:?}").contains(&value[17..40]));
    assert_eq!(key.name().to_string().len(), 64);
    assert_ne!(key.name().first_session(), other.name().first_session());
    assert_eq!(key.name().first_session(), key.name().first_session());
}

proptest! {
    /// One byte more, less or other anywhere, and it does not open the same record.
    #[test]
    fn a_cookie_that_was_touched_opens_another_record_or_none(at in 0_usize..400, how in 0_u8..3, byte in 33_u8..127) {
        let key = ShopperKey::fresh(NOW);
        let good = header(Transport::Secure, &key);
        let (name, value) = good.split_once('=').unwrap();
        let (secret, day) = value.split_once('.').unwrap();
        let mut touched = secret.to_owned().into_bytes();
        let at = at % touched.len();
        match how {
            0 => touched[at] = byte,
            1 => { touched.remove(at); }
            _ => touched.insert(at, byte),
        }
        let touched = String::from_utf8(touched).unwrap();
        prop_assume!(touched != secret && !touched.contains([';', '.']));
        let found = Transport::Secure.find(&format!("{name}={touched}.{day}"));
        prop_assert!(found.is_none_or(|found| found.name() != key.name()));
    }

    #[test]
    fn nothing_makes_the_reader_fall_over(text in "\\PC{0,200}") {
        prop_assert_eq!(Transport::Secure.find(&text), None);
        prop_assert_eq!(Transport::Secure.find(&format!("__Host-petstore={text}")), None);
    }
}

#[test]
fn a_session_id_is_32_upper_case_hexadecimal_digits() {
    for _ in 0..100 {
        let id = SessionId::fresh();
        assert_eq!(SessionId::try_from(id.as_str().to_owned()), Ok(id));
    }
    let id = SessionId::of_bytes([0; 16]);
    assert_eq!(SessionId::try_from(id.as_str().to_owned()), Ok(id));
    for text in [
        "",
        "E7DBA502A3B795953DDE76EA965EBBF",
        "e7dba502a3b795953dde76ea965ebbf3",
        "E7DBA502A3B795953DDE76EA965EBBG3",
    ] {
        assert!(SessionId::try_from(text.to_owned()).is_err(), "{text}");
    }
}
