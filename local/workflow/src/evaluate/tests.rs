use serde_json::json;

use super::*;
use crate::outcome::Status;

fn computed(text: &str, body: &Value) -> Result<Value, Failure> {
    let outcome = |outputs| Outcome {
        status: Status::Failed,
        outputs,
        why: None,
    };
    let answered = json!({ "statusCode": 202, "body": { "id": "i" } });
    let outcomes = [("Bare", Value::Null), ("Answered", answered)];
    let outcomes = outcomes.map(|(name, outputs)| (name.to_owned(), outcome(outputs)));
    let parameters = json!({ "p": [1] });
    let known = Known {
        body,
        workflow: &json!({}),
        parameters: parameters.as_object().expect("an object"),
        outcomes: &outcomes.into(),
        item: None,
        budget: &Budget::new(),
    };
    evaluate(&Expression::parse(text).expect(text), &known)
}

fn value(text: &str) -> Value {
    computed(
        text,
        &json!({ "a": { "Id": 7, "s": "x", "l": [1], "n": null, "d": 100.0 } }),
    )
    .expect(text)
}

#[test]
fn values_that_the_engine_gave() {
    for (text, expected) in [
        ("triggerBody()?['A']?['ID']", json!(7)),
        ("triggerBody()['a']?['missing']?['x']", json!(null)),
        ("triggerBody()['a']['l']?[9]", json!(null)),
        ("triggerBody()['a']['l'][0]", json!(1)),
        ("concat(null,'a',1,true,1.50)", json!("a1True1.5")),
        ("concat('a',triggerBody()['a']['l'])", json!("a[1]")),
        ("string(null)", json!("")),
        ("equals(1,1.0)", json!(true)),
        ("equals(100,triggerBody()['a']['d'])", json!(true)),
        ("equals(1,'1')", json!(false)),
        ("equals('a','A')", json!(false)),
        ("equals(json('[1]'),json('[1.0]'))", json!(false)),
        (
            "equals(json('{\"a\":1,\"b\":2}'),json('{\"b\":2,\"a\":1}'))",
            json!(true),
        ),
        ("if(false,triggerBody()['q'],2)", json!(2)),
        ("coalesce('',triggerBody()['q'])", json!("")),
        ("coalesce(null,null)", json!(null)),
        ("replace('aaa','aa','b')", json!("ba")),
        ("replace('Straße','SS','x')", json!("Straße")),
        ("split('a-b--c','-')", json!(["a", "b", "", "c"])),
        ("split('a','-')", json!(["a"])),
        ("split('','-')[0]", json!("")),
        ("decodeUriComponent('%0D%e2%98%83+%zz')", json!("\r☃ %zz")),
        ("decodeUriComponent('%FF')", json!("\u{FFFD}")),
        ("json('')", json!(null)),
        ("workflow()?['run']?['name']", json!(null)),
        ("outputs('Bare')?['statusCode']", json!(null)),
        ("body('Bare')", json!(null)),
        ("body('Answered')?['id']", json!("i")),
        ("parameters('p')", json!([1])),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    assert_eq!(value("guid()").as_str().map(str::len), Some(36));
}

#[test]
fn what_fails_on_the_engine_too() {
    let body = json!({ "a": { "s": "x", "l": [1], "u": 18446744073709551615_u64 } });
    for text in [
        "triggerBody()['a']['missing']",
        "triggerBody()['a']?['missing']['x']",
        "triggerBody()['a']['s']?['x']",
        "triggerBody()['a']['l']?['x']",
        "triggerBody()['a']['l'][9]",
        "triggerBody()?[null]",
        "triggerBody()[0]",
        "string(triggerBody()['a']['u'])",
        "if('true',1,2)",
        "if(null,1,2)",
        "replace(null,'x','y')",
        "replace('abc','','y')",
        "decodeUriComponent(null)",
        "json('x')",
        "json(null)",
        "outputs('Bare')['statusCode']",
        "outputs('Later')",
        "item()",
    ] {
        assert!(computed(text, &body).is_err(), "{text}");
    }
}
