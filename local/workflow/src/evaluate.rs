//! The value of an expression.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Failure;
use super::budget::Budget;
use super::expression::Expression;
use super::functions::Function;
use super::outcome::Outcome;
use super::select::{kind, select};
use super::text::text;

/// What an expression may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) body: &'a Value,
    pub(super) workflow: &'a Value,
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) outcomes: &'a BTreeMap<String, Outcome>,
    /// The row of a table.
    pub(super) item: Option<&'a Value>,
    pub(super) budget: &'a Budget,
}

/// Computes it, and of `if` and `coalesce` only what counts.
pub(super) fn evaluate(expression: &Expression, known: &Known<'_>) -> Result<Value, Failure> {
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
            // The only function that makes more than the sum of what it takes.
            let found = of.matches(old.as_str()).count();
            known.budget.take(found.saturating_mul(new.len()))?;
            of.replace(old.as_str(), new).into()
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

#[cfg(test)]
mod tests;
