//! The named values in the body of a management request, each of the type that is expected.

use bytes::Bytes;
use fe2o3_amqp_types::primitives::{OrderedMap, Value};
use uuid::Uuid;

use super::refusal::AmqpRefusal;
use super::requests::AskedFor;

#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a>(&'a OrderedMap<Value, Value>);

impl<'a> Arguments<'a> {
    pub(super) fn of(asked: &'a AskedFor) -> Result<Self, AmqpRefusal> {
        let body = asked.body();
        body.map(Self)
            .ok_or_else(|| AmqpRefusal::invalid("$management: expected a map as the body"))
    }

    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(key, _)| match key {
            Value::String(key) => key == name,
            Value::Symbol(key) => key.as_str() == name,
            _ => false,
        })?;
        Some(value)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            Value::Symbol(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(super) fn number(self, name: &str) -> Result<u64, AmqpRefusal> {
        let number = self.get(name).and_then(number);
        number.ok_or_else(|| expected(name, "a whole number from 0"))
    }

    pub(super) fn numbers(self, name: &str) -> Result<Vec<u64>, AmqpRefusal> {
        let problem = "whole numbers from 0";
        let values = self.items(name).ok_or_else(|| expected(name, problem))?;
        let numbers = values.iter().map(number);
        let numbers: Option<Vec<u64>> = numbers.collect();
        numbers.ok_or_else(|| expected(name, problem))
    }

    pub(super) fn uuids(self, name: &str) -> Result<Vec<Uuid>, AmqpRefusal> {
        let values = self.items(name).ok_or_else(|| expected(name, "uuids"))?;
        let uuids = values.iter().map(|value| match value {
            Value::Uuid(uuid) => Some(Uuid::from_bytes(*uuid.as_inner())),
            _ => None,
        });
        let uuids: Option<Vec<Uuid>> = uuids.collect();
        uuids.ok_or_else(|| expected(name, "uuids"))
    }

    pub(super) fn maps(self, name: &str) -> Result<Vec<Self>, AmqpRefusal> {
        let values = self.items(name).ok_or_else(|| expected(name, "maps"))?;
        let maps = values.iter().map(|value| match value {
            Value::Map(map) => Some(Self(map)),
            _ => None,
        });
        let maps: Option<Vec<Self>> = maps.collect();
        maps.ok_or_else(|| expected(name, "maps"))
    }

    pub(super) fn binary(self, name: &str) -> Result<Bytes, AmqpRefusal> {
        match self.get(name) {
            Some(Value::Binary(bytes)) => Ok(bytes.to_vec().into()),
            _ => Err(expected(name, "binary")),
        }
    }

    fn items(self, name: &str) -> Option<&'a [Value]> {
        match self.get(name)? {
            Value::List(list) => Some(list),
            Value::Array(array) => Some(array),
            _ => None,
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Long(value) => u64::try_from(*value).ok(),
        Value::Int(value) => u64::try_from(*value).ok(),
        Value::Ulong(value) => Some(*value),
        Value::Uint(value) => Some(u64::from(*value)),
        Value::Ushort(value) => Some(u64::from(*value)),
        Value::Ubyte(value) => Some(u64::from(*value)),
        _ => None,
    }
}

fn expected(name: &str, what: &str) -> AmqpRefusal {
    AmqpRefusal::invalid(format!("{name}: expected {what}"))
}
