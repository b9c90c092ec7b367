//! Expressions of the language: what stands behind an `@`. Literals, calls of known functions, and
//! selections behind calls.

use serde_json::{Number, Value};

/// The longest expression that the engine takes, in characters.
const EXPRESSION_MAX: usize = 8192;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
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
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (expression, rest) = Self::parse_start(text)?;
        if rest.is_empty() {
            Ok(expression)
        } else {
            Err(format!("{rest:?} is not expected after the expression"))
        }
    }

    /// Parses as far as an expression goes, blanks behind it included; gives the rest of the text
    /// too.
    pub(crate) fn parse_start(text: &str) -> Result<(Self, &str), String> {
        let (expression, rest) = parse(text)?;
        let length = text.chars().count() - rest.chars().count();
        if length > EXPRESSION_MAX {
            return Err(format!(
                "an expression of {length} characters, {EXPRESSION_MAX} are allowed"
            ));
        }
        Ok((expression, rest))
    }
}

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Body,
    Coalesce,
    Concat,
    DecodeUriComponent,
    Equals,
    Guid,
    If,
    Item,
    Json,
    Outputs,
    Parameters,
    Replace,
    Split,
    String,
    TriggerBody,
    Workflow,
}

/// Name, function, least and most parameters.
const FUNCTIONS: [(&str, Function, usize, usize); 16] = [
    ("body", Function::Body, 1, 1),
    ("coalesce", Function::Coalesce, 1, usize::MAX),
    ("concat", Function::Concat, 1, usize::MAX),
    ("decodeUriComponent", Function::DecodeUriComponent, 1, 1),
    ("equals", Function::Equals, 2, 2),
    ("guid", Function::Guid, 0, 0),
    ("if", Function::If, 3, 3),
    ("item", Function::Item, 0, 0),
    ("json", Function::Json, 1, 1),
    ("outputs", Function::Outputs, 1, 1),
    ("parameters", Function::Parameters, 1, 1),
    ("replace", Function::Replace, 3, 3),
    ("split", Function::Split, 2, 2),
    ("string", Function::String, 1, 1),
    ("triggerBody", Function::TriggerBody, 0, 0),
    ("workflow", Function::Workflow, 0, 0),
];

impl Function {
    /// The function of that name, in any case, when it takes so many parameters.
    pub(crate) fn find(name: &str, parameters: usize) -> Result<Self, String> {
        let known = FUNCTIONS
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name));
        match known {
            None => Err(format!("{name}() is not a known function")),
            Some((name, _, least, most)) if !(*least..=*most).contains(&parameters) => {
                Err(format!("{name}() cannot take {parameters} parameters"))
            }
            Some((_, function, ..)) => Ok(*function),
        }
    }
}

/// How deep calls and selections may nest, so that no text exhausts the stack.
const DEPTH_MAX: usize = 64;

/// The expression at the start of `text`, and what follows it.
fn parse(text: &str) -> Result<(Expression, &str), String> {
    let mut parser = Parser {
        rest: text,
        depth: 0,
    };
    let expression = parser.expression()?;
    parser.blanks();
    Ok((expression, parser.rest))
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn expression(&mut self) -> Result<Expression, String> {
        self.deeper()?;
        self.blanks();
        let expression = match self.rest.chars().next() {
            Some('\'') => self.text(),
            Some('0'..='9' | '+' | '-') => self.number(),
            Some('a'..='z' | 'A'..='Z' | '_') => self.word(),
            Some(other) => Err(format!("{other:?} is not expected in an expression")),
            None => Err("the expression ends too early".to_owned()),
        }?;
        self.depth -= 1;
        Ok(expression)
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
        Ok(())
    }

    /// `'…'`, a quote inside it doubled.
    fn text(&mut self) -> Result<Expression, String> {
        let mut text = String::new();
        self.take("'");
        loop {
            let piece = self.take_until('\'').ok_or("a quote is not closed")?;
            text += piece;
            self.take("'");
            if !self.take("'") {
                return Ok(Expression::Literal(text.into()));
            }
            text.push('\'');
        }
    }

    fn number(&mut self) -> Result<Expression, String> {
        let text =
            self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'));
        let integer = text.parse::<i64>().ok().map(Number::from);
        let is_fraction = text.contains(['.', 'e', 'E']);
        let double = || text.parse().ok().and_then(Number::from_f64);
        let number = integer.or_else(|| is_fraction.then(double).flatten());
        number
            .map(|number| Expression::Literal(Value::Number(number)))
            .ok_or_else(|| format!("{text} is not a number"))
    }

    /// `true`, `false`, `null` in any case, or a call with what is selected of it.
    fn word(&mut self) -> Result<Expression, String> {
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let literal = match word.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = literal {
            return Ok(Expression::Literal(value));
        }
        let parameters = self.parameters(word)?;
        let function = Function::find(word, parameters.len())?;
        self.selections(Expression::Call(function, parameters))
    }

    fn parameters(&mut self, word: &str) -> Result<Vec<Expression>, String> {
        let mut parameters = Vec::new();
        if !self.take_after_blanks("(") {
            return Err(format!("{word} is not followed by ("));
        }
        if self.take_after_blanks(")") {
            return Ok(parameters);
        }
        loop {
            parameters.push(self.expression()?);
            if self.take_after_blanks(")") {
                return Ok(parameters);
            }
            if !self.take_after_blanks(",") {
                return Err(format!("the call of {word}() lacks a , or )"));
            }
        }
    }

    fn selections(&mut self, mut of: Expression) -> Result<Expression, String> {
        let before = self.depth;
        loop {
            let optional = self.take_after_blanks("?");
            if !self.take_after_blanks("[") {
                self.depth = before;
                return match (optional, self.rest.starts_with('.')) {
                    (false, false) => Ok(of),
                    _ => Err("only [ can select behind a call".to_owned()),
                };
            }
            let key = self.expression()?;
            if !self.take_after_blanks("]") {
                return Err("a [ is not closed".to_owned());
            }
            of = Expression::Select {
                of: Box::new(of),
                key: Box::new(key),
                optional,
            };
            // A chain nests to the left, one level with each link.
            self.deeper()?;
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_after_blanks(&mut self, token: &str) -> bool {
        self.blanks();
        self.take(token)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// What stands before `end`, which stays; nothing when it does not come.
    fn take_until(&mut self, end: char) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at(self.rest.find(end)?);
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests;
