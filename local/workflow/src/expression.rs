//! Expressions of the language: what stands behind an `@`.

mod parser;

use serde_json::Value;

use super::functions::Function;

/// The longest expression that the engine takes, in characters.
pub(super) const LENGTH_MAX: usize = 8192;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    Call(Function, Vec<Self>),
    Select {
        of: Box<Self>,
        key: Box<Self>,
        /// `?[…]`: null when there is no such thing.
        optional: bool,
    },
}

impl Expression {
    /// Parses the whole text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (expression, rest) = Self::parse_start(text)?;
        if rest.is_empty() {
            Ok(expression)
        } else {
            Err(format!("{rest:?} is not expected after the expression"))
        }
    }

    /// Parses as far as an expression goes, blanks behind it included; gives the rest of the text too.
    pub(super) fn parse_start(text: &str) -> Result<(Self, &str), String> {
        let (expression, rest) = parser::parse(text)?;
        let length = text.chars().count() - rest.chars().count();
        if length > LENGTH_MAX {
            return Err(format!(
                "an expression of {length} characters, {LENGTH_MAX} are allowed"
            ));
        }
        Ok((expression, rest))
    }
}
