//! `x['name']`, `x[0]`, and the same behind a `?`.

use serde_json::{Map, Value};

use super::Failure;

/// What `key` selects of `of`.
pub(super) fn select(of: &Value, key: &Value, optional: bool) -> Result<Value, Failure> {
    match (of, key) {
        (_, Value::Null) => Err(Failure::new("null cannot select anything")),
        (Value::Null, _) if optional => Ok(Value::Null),
        (Value::Object(object), Value::String(name)) => match property(object, name) {
            Some(value) => Ok(value.clone()),
            None if optional => Ok(Value::Null),
            None => Err(Failure::new(format!("there is no property {name:?}"))),
        },
        (Value::Array(list), Value::Number(index)) if index.is_i64() || index.is_u64() => {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            match index.and_then(|index| list.get(index)) {
                Some(value) => Ok(value.clone()),
                None if optional => Ok(Value::Null),
                None => Err(Failure::new("the index is outside the array")),
            }
        }
        // Even behind a `?`: only what is missing is forgiven, not what is of another kind.
        _ => Err(Failure::new(format!(
            "{key} cannot be selected of {}",
            kind(of)
        ))),
    }
}

/// The property of that very name, else one that differs only by case.
fn property<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let alike = || {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    object.get(name).or_else(|| alike().map(|(_, value)| value))
}

/// What kind of value it is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
