//! One action: what all of them have, and what each type has of its own.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Refused, block, read, refused};
use crate::check::Names;
use crate::definition::{
    Action, Condition, HttpAction, Kind, ResponseAction, Status, Table, Terminate,
};
use crate::duration;
use crate::raw::{self, http};
use crate::template::Template;

pub(super) fn action(
    name: String,
    action: Value,
    place: &str,
    names: &Names,
) -> Result<Action, Refused> {
    let mut properties: Map<String, Value> = read(action, place)?;
    let r#type: String = read(
        properties.shift_remove("type").unwrap_or_default(),
        &format!("{place}.type"),
    )?;
    let run_after = properties.shift_remove("runAfter");
    let run_after = run_after.unwrap_or_else(|| Value::Object(Map::new()));
    properties.shift_remove("description");
    Ok(Action {
        name,
        run_after: run_after_of(run_after, &format!("{place}.runAfter"))?,
        kind: Reader { place, names }.kind(&r#type, properties.into())?,
    })
}

fn run_after_of(run_after: Value, place: &str) -> Result<Vec<(String, Vec<Status>)>, Refused> {
    let run_after: Map<String, Value> = read(run_after, place)?;
    let earlier = run_after.into_iter().map(|(name, statuses)| {
        let statuses: Vec<Status> = read(statuses, &format!("{place}.{name}"))?;
        Ok((name, statuses))
    });
    earlier.collect()
}

struct Reader<'a> {
    place: &'a str,
    names: &'a Names,
}

impl Reader<'_> {
    fn kind(&self, r#type: &str, properties: Value) -> Result<Kind, Refused> {
        let place = self.place;
        match r#type {
            "Scope" => {
                let scope: raw::Scope = read(properties, place)?;
                let inner = block(scope.actions, &format!("{place}.actions"), self.names)?;
                Ok(Kind::Scope(inner))
            }
            "If" => self.condition(read(properties, place)?).map(Kind::If),
            "Compose" => {
                let compose: raw::Plain<Value> = read(properties, place)?;
                self.template(compose.inputs, "inputs").map(Kind::Compose)
            }
            "Table" => self.table(read(properties, place)?).map(Kind::Table),
            "Http" => self.http(read(properties, place)?),
            "Response" => self.response(read(properties, place)?).map(Kind::Response),
            "Terminate" => {
                let terminate: raw::Plain<raw::Terminate> = read(properties, place)?;
                Ok(Kind::Terminate(Terminate {
                    status: terminate.inputs.run_status,
                    error: terminate.inputs.run_error,
                }))
            }
            other => Err(refused(
                place,
                format!("{other:?} is not a known type of action"),
            )),
        }
    }

    fn template(&self, value: Value, property: &str) -> Result<Template, Refused> {
        let template = self.names.template(value);
        template.map_err(|why| self.refused(property, why))
    }

    fn refused(&self, property: &str, why: impl Into<String>) -> Refused {
        refused(&format!("{}.{property}", self.place), why)
    }

    fn condition(&self, given: raw::If) -> Result<Condition, Refused> {
        let place = self.place;
        let otherwise = given.r#else.map(|scope| scope.actions).unwrap_or_default();
        Ok(Condition {
            expression: self.template(given.expression, "expression")?,
            then: block(given.actions, &format!("{place}.actions"), self.names)?,
            otherwise: block(otherwise, &format!("{place}.else.actions"), self.names)?,
        })
    }

    fn table(&self, given: raw::Plain<raw::Table>) -> Result<Table, Refused> {
        let columns = given.inputs.columns.into_iter().map(|column| {
            let value = self.names.row_template(column.value);
            match (value, column.header.contains('@')) {
                (Ok(value), false) => Ok((column.header, value)),
                (Err(why), _) => Err(self.refused("inputs.columns", why)),
                (_, true) => Err(self.refused("inputs.columns", "a header must be fixed words")),
            }
        });
        Ok(Table {
            columns: columns.collect::<Result<_, _>>()?,
            from: self.template(given.inputs.from, "inputs.from")?,
            format: given.inputs.format,
        })
    }

    fn response(&self, given: raw::Response) -> Result<ResponseAction, Refused> {
        Ok(ResponseAction {
            status: self.template(given.inputs.status_code, "inputs.statusCode")?,
            headers: self.template(given.inputs.headers, "inputs.headers")?,
            body: self.template(given.inputs.body, "inputs.body")?,
        })
    }

    fn http(&self, given: http::Http) -> Result<Kind, Refused> {
        let inputs = given.inputs;
        let retries = match inputs.retry_policy {
            http::RetryPolicy::Fixed { count, interval } => {
                let interval = self.duration(&interval, "inputs.retryPolicy.interval")?;
                vec![interval; usize::from(count)]
            }
            http::RetryPolicy::None {} => Vec::new(),
        };
        let audience = inputs
            .authentication
            .map(|http::Authentication::ManagedServiceIdentity { audience }| audience);
        Ok(Kind::Http(Box::new(HttpAction {
            method: self.template(inputs.method, "inputs.method")?,
            uri: self.template(inputs.uri, "inputs.uri")?,
            headers: self.template(inputs.headers, "inputs.headers")?,
            body: self.template(inputs.body, "inputs.body")?,
            audience,
            timeout: self.duration(&given.limit.timeout, "limit.timeout")?,
            retries,
        })))
    }

    fn duration(&self, text: &str, property: &str) -> Result<Duration, Refused> {
        duration::parse(text)
            .ok_or_else(|| self.refused(property, format!("{text} is no duration")))
    }
}
