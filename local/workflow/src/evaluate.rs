//! The value of an expression, and how much all values of a run may take.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::expression::{Expression, Function};
use crate::outcome::{Failure, Outcome};
use crate::text::text;

/// What an expression may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) body: &'a Value,
    pub(crate) workflow: &'a Value,
    pub(crate) parameters: &'a Map<String, Value>,
    pub(crate) outcomes: &'a BTreeMap<String, Outcome>,
    /// The row of a table.
    pub(crate) item: Option<&'a Value>,
    pub(crate) budget: &'a Budget,
}

/// Computes it, and of `if` and `coalesce` only what counts.
pub(crate) fn evaluate(expression: &Expression, known: &Known<'_>) -> Result<Value, Failure> {
    let value = unpaid(expression, known)?;
    known.budget.pay_for(&value)?;
    Ok(value)
}

/// The value before it counts: what is only selected from does not.
fn unpaid(expression: &Expression, known: &Known<'_>) -> Result<Value, Failure> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Call(function, parameters) => call(*function, parameters, known),
        Expression::Select { of, key, optional } => {
            select(&unpaid(of, known)?, &evaluate(key, known)?, *optional)
        }
    }
}

fn call(
    function: Function,
    parameters: &[Expression],
    known: &Known<'_>,
) -> Result<Value, Failure> {
    match (function, parameters) {
        (Function::Coalesce, _) => {
            let mut values = parameters.iter().map(|one| evaluate(one, known));
            let first = values.find(|value| !matches!(value, Ok(Value::Null)));
            first.unwrap_or(Ok(Value::Null))
        }
        (Function::If, [condition, yes, no]) => match evaluate(condition, known)? {
            Value::Bool(true) => evaluate(yes, known),
            Value::Bool(false) => evaluate(no, known),
            other => Err(Failure::new(format!(
                "if() asks for a boolean, not {}",
                kind(&other)
            ))),
        },
        _ => {
            let values: Result<Vec<_>, _> =
                parameters.iter().map(|one| evaluate(one, known)).collect();
            apply(function, &values?, known)
        }
    }
}

fn apply(function: Function, values: &[Value], known: &Known<'_>) -> Result<Value, Failure> {
    Ok(match (function, values) {
        (Function::TriggerBody, []) => known.body.clone(),
        (Function::Workflow, []) => known.workflow.clone(),
        (Function::Guid, []) => Uuid::new_v4().to_string().into(),
        (Function::Item, []) => {
            let item = known.item.cloned();
            item.ok_or_else(|| Failure::new("item() is known in a table only"))?
        }
        (Function::Parameters, [Value::String(name)]) => {
            let value = known.parameters.get(name).cloned();
            value.ok_or_else(|| Failure::new(format!("there is no parameter {name}")))?
        }
        (Function::Outputs, [Value::String(name)]) => outputs(name, known)?.clone(),
        (Function::Body, [Value::String(name)]) => outputs(name, known)?
            .get("body")
            .cloned()
            .unwrap_or_default(),
        (Function::Concat, _) => {
            let texts: Result<Vec<_>, _> = values.iter().map(text).collect();
            texts?.concat().into()
        }
        (Function::String, [value]) => text(value)?.into(),
        (Function::Equals, [one, other]) => equals(one, other).into(),
        (Function::Json, [Value::String(json)]) if json.is_empty() => Value::Null,
        (Function::Json, [Value::String(json)]) => {
            let parsed = serde_json::from_str(json);
            parsed.map_err(|error| Failure::new(format!("json() cannot parse it: {error}")))?
        }
        (Function::Replace, [Value::String(of), Value::String(old), Value::String(new)])
            if !old.is_empty() =>
        {
            // It makes more than the sum of what it takes.
            let found = of.matches(old.as_str()).count();
            known.budget.take(found.saturating_mul(new.len()))?;
            of.replace(old.as_str(), new).into()
        }
        (Function::Split, [Value::String(of), Value::String(at)]) if !at.is_empty() => {
            known
                .budget
                .take(of.matches(at.as_str()).count().saturating_mul(VALUE_SIZE))?;
            of.split(at.as_str()).map(Value::from).collect()
        }
        (Function::DecodeUriComponent, [Value::String(coded)]) => {
            let coded = coded.replace('+', " ");
            percent_decode_str(&coded).decode_utf8_lossy().into()
        }
        _ => {
            let kinds: Vec<_> = values.iter().map(kind).collect();
            let kinds = kinds.join(", ");
            return Err(Failure::new(format!("{function:?}() cannot take {kinds}")));
        }
    })
}

/// What the action of that name gave; null when it failed or was skipped.
fn outputs<'a>(name: &str, known: &Known<'a>) -> Result<&'a Value, Failure> {
    let outcome = known.outcomes.get(name);
    outcome
        .map(|outcome| &outcome.outputs)
        .ok_or_else(|| Failure::new(format!("the action {name} has not run yet")))
}

/// Numbers are compared by value, but only when they are compared themselves.
fn equals(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

/// What `key` selects of `of`: `x['name']`, `x[0]`, and the same behind a `?`.
fn select(of: &Value, key: &Value, optional: bool) -> Result<Value, Failure> {
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
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Bytes of all values that one run makes, about. The engine takes messages of up to 100 MB.
const VALUES_MAX: usize = 256 * 1024 * 1024;

/// What a value takes beside its text.
const VALUE_SIZE: usize = 64;

/// What is left of [`VALUES_MAX`]: values can grow by doubling, and a laptop's memory must not pay
/// for a definition's mistake.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(VALUES_MAX))
    }

    /// Takes so many bytes off.
    ///
    /// # Errors
    /// When so many are not left.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Failure> {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map(drop).map_err(|_| {
            Failure::new(format!(
                "the run makes values of more than {VALUES_MAX} bytes"
            ))
        })
    }

    /// Takes off what `value` needs.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(crate) fn pay_for(&self, value: &Value) -> Result<(), Failure> {
        self.take(size(value))
    }
}

fn size(value: &Value) -> usize {
    VALUE_SIZE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| key.len() + size(value))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests;
