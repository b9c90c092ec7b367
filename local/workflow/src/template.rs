//! JSON with expressions in its texts: `@…`, `…@{…}…`, and `@@` for an `@` that is none.

use serde_json::{Map, Value};

use crate::evaluate::{Known, evaluate};
use crate::expression::Expression;
use crate::outcome::Failure;
use crate::text::text;

/// A value that is computed when its action runs. What is computed is data: it is not looked
/// through again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Template {
    Fixed(Value),
    /// `@…`: any value.
    Whole(Expression),
    /// `…@{…}…`: always a text.
    Text(Vec<Part>),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Fixed(String),
    Computed(Expression),
}

impl Template {
    /// Parses each text in `value`.
    pub(crate) fn parse(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::parse_text(&text)?,
            Value::Array(list) => {
                let list: Result<_, _> = list.into_iter().map(Self::parse).collect();
                Self::List(list?)
            }
            Value::Object(object) => {
                let entry = |(key, value)| Ok((key, Self::parse(value)?));
                let entries: Result<_, String> = object.into_iter().map(entry).collect();
                Self::Object(entries?)
            }
            fixed => Self::Fixed(fixed),
        })
    }

    fn parse_text(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            // The engine takes the rest as it is then, interpolations included.
            Some(rest) if rest.is_empty() || rest.starts_with('@') => {
                let fixed = if rest.is_empty() { text } else { rest };
                Ok(Self::Fixed(fixed.into()))
            }
            Some(rest) if !rest.starts_with('{') => Expression::parse(rest).map(Self::Whole),
            _ => parts(text).map(|parts| match parts.as_slice() {
                [] => Self::Fixed("".into()),
                [Part::Fixed(text)] => Self::Fixed(text.as_str().into()),
                _ => Self::Text(parts),
            }),
        }
    }

    /// Calls `look` with each expression.
    pub(crate) fn look<E>(
        &self,
        look: &mut impl FnMut(&Expression) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::Whole(expression) => look(expression),
            Self::Text(parts) => parts.iter().try_for_each(|part| match part {
                Part::Fixed(_) => Ok(()),
                Part::Computed(expression) => look(expression),
            }),
            Self::List(list) => list.iter().try_for_each(|inner| inner.look(look)),
            Self::Object(entries) => entries.iter().try_for_each(|(_, inner)| inner.look(look)),
        }
    }

    /// The value, by what is known now.
    pub(crate) fn value(&self, known: &Known<'_>) -> Result<Value, Failure> {
        Ok(match self {
            Self::Fixed(value) => {
                known.budget.pay_for(value)?;
                value.clone()
            }
            Self::Whole(expression) => evaluate(expression, known)?,
            Self::Text(parts) => {
                let mut whole = String::new();
                for part in parts {
                    match part {
                        Part::Fixed(fixed) => whole += fixed,
                        Part::Computed(expression) => {
                            whole += &text(&evaluate(expression, known)?)?;
                        }
                    }
                }
                Value::String(whole)
            }
            Self::List(list) => {
                let values: Result<_, _> = list.iter().map(|inner| inner.value(known)).collect();
                Value::Array(values?)
            }
            Self::Object(entries) => {
                let entry = |(key, inner): &(String, Self)| Ok((key.clone(), inner.value(known)?));
                let object: Result<Map<_, _>, Failure> = entries.iter().map(entry).collect();
                Value::Object(object?)
            }
        })
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut fixed = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        if let Some(before) = before.strip_suffix('@') {
            fixed = fixed + before + "@{";
            rest = after;
            continue;
        }
        fixed += before;
        if !fixed.is_empty() {
            parts.push(Part::Fixed(std::mem::take(&mut fixed)));
        }
        let (expression, after) = Expression::parse_start(after)?;
        parts.push(Part::Computed(expression));
        rest = after.strip_prefix('}').ok_or("an @{ is not closed by }")?;
    }
    fixed += rest;
    if !fixed.is_empty() {
        parts.push(Part::Fixed(fixed));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
