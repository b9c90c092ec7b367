use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::template::Template;

fn why(text: &str) -> String {
    Expression::parse(text).expect_err(text)
}

#[test]
fn what_the_engine_takes() {
    for (text, value) in [
        ("'it''s'", json!("it's")),
        (" '}' ", json!("}")),
        ("-1", json!(-1)),
        ("+1", json!(1)),
        ("1.50", json!(1.5)),
        ("1e3", json!(1000.0)),
        ("TRUE", json!(true)),
        ("Null", json!(null)),
        ("'a\nb'", json!("a\nb")),
    ] {
        assert_eq!(
            Expression::parse(text),
            Ok(Expression::Literal(value)),
            "{text}"
        );
    }
    let spaced = Expression::parse(" Concat ( 'a' ,\n'b' ) ");
    assert_eq!(spaced, Expression::parse("concat('a','b')"));
    let selected = Expression::parse("triggerBody() ? [ 'a' ]['b']");
    assert_eq!(selected, Expression::parse("triggerBody()?['a']['b']"));
}

#[test]
fn what_is_refused_and_why() {
    for (text, part) in [
        ("", "ends too early"),
        ("nope()", "nope() is not a known function"),
        ("equals(1)", "equals() cannot take 1 parameters"),
        ("concat('a',)", "')' is not expected"),
        ("concat('a' 'b')", "lacks a , or )"),
        ("concat", "concat is not followed by ("),
        ("'a", "not closed"),
        ("'a' 'b'", "not expected after the expression"),
        ("true()", "not expected after the expression"),
        ("triggerBody()['a'", "[ is not closed"),
        ("triggerBody().a", "only [ can select"),
        ("triggerBody()?.a", "only [ can select"),
        ("\"x\"", "'\"' is not expected"),
        ("0x10", "0x10 is not a number"),
        ("12345678901234567890", "is not a number"),
        ("1e400", "is not a number"),
    ] {
        assert!(why(text).contains(part), "{text}: {}", why(text));
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = "string(".repeat(5000) + "1" + &")".repeat(5000);
    assert!(why(&deep).contains("nested deeper"));
    let chain = "triggerBody()".to_owned() + &"['a']".repeat(5000);
    assert!(why(&chain).contains("nested deeper"));
    let long = format!("'{}'", "ü".repeat(8191));
    assert!(why(&long).contains("8193 characters"));
    assert!(Expression::parse(&format!("'{}'", "ü".repeat(8190))).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        Expression::parse(&text).ok();
        Template::parse(text.into()).ok();
    }

    #[test]
    fn no_likely_text_either(pieces in prop::collection::vec(prop::sample::select(vec![
        "@", "@{", "}", "'", "''", "(", ")", "[", "]", "?", ",", " ", ".", "-", "1", "1e9", "ü", "🐕",
        "concat", "if", "null", "triggerBody()", "outputs('x')", "\u{85}", "\u{2028}",
    ]), 0..40)) {
        let text = pieces.concat();
        Expression::parse(&text).ok();
        Template::parse(text.into()).ok();
    }

    #[test]
    fn a_text_comes_back_as_it_was(text in "\\PC*") {
        let quoted = format!("'{}'", text.replace('\'', "''"));
        prop_assert_eq!(Expression::parse(&quoted), Ok(Expression::Literal(text.into())));
    }
}
