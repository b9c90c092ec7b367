//! The part of JSON Schema that the trigger's schema uses, with the verdicts of the engine's
//! library.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A schema. Keywords it does not know are refused when it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Schema {
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
    r#type: Option<Types>,
    r#enum: Option<Vec<Value>>,
    #[serde(deserialize_with = "regex")]
    pattern: Option<Regex>,
    max_length: Option<usize>,
    minimum: Option<f64>,
    required: Vec<String>,
    additional_properties: Option<bool>,
    properties: BTreeMap<String, Self>,
    items: Option<Box<Self>>,
    one_of: Option<Vec<Self>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Types {
    One(Type),
    Several(Vec<Type>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Null,
    Boolean,
    Integer,
    String,
    Array,
    Object,
}

impl Type {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            // 4.0 is an integer; 4.5 is not.
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let pattern = String::deserialize(deserializer)?;
    Regex::new(&pattern).map(Some).map_err(D::Error::custom)
}

impl Schema {
    /// Whether a request with this body fits.
    ///
    /// # Errors
    /// Says where it does not.
    pub fn accepts(&self, body: &Value) -> Result<(), String> {
        self.check(body, "")
    }

    /// Checks `value`; `place` is its path for the complaint.
    fn check(&self, value: &Value, place: &str) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{}{what}", prefix(place)));
        let types = match &self.r#type {
            Some(Types::One(one)) => std::slice::from_ref(one),
            Some(Types::Several(several)) => several,
            None => &[],
        };
        if !types.is_empty() && !types.iter().any(|one| one.is_of(value)) {
            return wrong(&format!("expected {types:?}").to_lowercase());
        }
        if self
            .r#enum
            .as_ref()
            .is_some_and(|legal| !legal.contains(value))
        {
            return wrong("not one of the values that are allowed");
        }
        match value {
            Value::String(text) => self.check_text(text).or_else(|what| wrong(&what)),
            Value::Object(object) => self.check_object(object, place),
            Value::Array(list) => self.check_items(list, place),
            _ => match (self.minimum, value.as_f64()) {
                (Some(minimum), Some(number)) if number < minimum => {
                    wrong(&format!("less than {minimum}"))
                }
                _ => Ok(()),
            },
        }?;
        self.check_choice(value, place)
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(text))
        {
            return Err("does not match the pattern".to_owned());
        }
        match self.max_length {
            Some(longest) if text.chars().count() > longest => {
                Err(format!("longer than {longest} characters"))
            }
            _ => Ok(()),
        }
    }

    fn check_object(&self, object: &Map<String, Value>, place: &str) -> Result<(), String> {
        if let Some(name) = self
            .required
            .iter()
            .find(|name| !object.contains_key(*name))
        {
            return Err(format!("{}{name} is missing", prefix(place)));
        }
        for (name, value) in object {
            match self.properties.get(name) {
                Some(schema) if place.is_empty() => schema.check(value, name)?,
                Some(schema) => schema.check(value, &format!("{place}.{name}"))?,
                None if self.additional_properties == Some(false) => {
                    return Err(format!("{}{name} is not expected", prefix(place)));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn check_items(&self, list: &[Value], place: &str) -> Result<(), String> {
        let Some(schema) = &self.items else {
            return Ok(());
        };
        let mut items = list.iter().enumerate();
        items.try_for_each(|(index, item)| schema.check(item, &format!("{place}[{index}]")))
    }

    fn check_choice(&self, value: &Value, place: &str) -> Result<(), String> {
        let Some(choices) = &self.one_of else {
            return Ok(());
        };
        let verdicts: Vec<_> = choices
            .iter()
            .map(|choice| choice.check(value, place))
            .collect();
        match verdicts.iter().filter(|verdict| verdict.is_ok()).count() {
            1 => Ok(()),
            0 => {
                let complaints: Vec<String> =
                    verdicts.into_iter().filter_map(Result::err).collect();
                Err(complaints.join(", or "))
            }
            _ => Err(format!("{}fits more than one of the forms", prefix(place))),
        }
    }
}

fn prefix(place: &str) -> String {
    match place {
        "" => String::new(),
        _ => format!("{place}: "),
    }
}

#[cfg(test)]
mod tests;
