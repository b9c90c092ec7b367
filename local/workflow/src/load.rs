//! JSON to definition. Whatever is not known is refused by its name and place.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::check::Names;
use crate::definition::{
    Action, Block, Condition, HttpAction, Kind, ResponseAction, Table, Terminate, Workflow,
};
use crate::outcome::Status;
use crate::schema::Schema;
use crate::template::Template;
use crate::{definition, raw};

/// Why a definition cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the workflow's definition: {place}: {why}")]
pub struct DefinitionRefused {
    /// Where, as a path of names.
    pub place: String,
    pub why: String,
}

fn refused(place: &str, why: impl Into<String>) -> DefinitionRefused {
    let (place, why) = (place.to_owned(), why.into());
    DefinitionRefused { place, why }
}

impl Workflow {
    /// Reads a definition; `parameters` must be those that it declares.
    ///
    /// # Errors
    /// [`DefinitionRefused`] names the place and what is not known there.
    pub fn load(
        definition: &str,
        parameters: Map<String, Value>,
    ) -> Result<Self, DefinitionRefused> {
        let definition = definition_of(definition)?;
        if !definition.outputs.is_empty() {
            return Err(refused("outputs", "they are not supported"));
        }
        check_parameters(definition.parameters, &parameters)?;
        let mut names = Names {
            parameters: parameters.keys().cloned().collect(),
            ..Names::default()
        };
        let added = names.add_actions(&definition.actions);
        added.map_err(|why| refused("actions", why))?;
        let (schema, tracking_id) = trigger(definition.triggers, &names)?;
        Ok(Self {
            schema,
            tracking_id,
            parameters,
            actions: block(definition.actions, "actions", &names)?,
        })
    }
}

impl Schema {
    /// The schema of the trigger of a definition; what else is in it does not count.
    ///
    /// # Errors
    /// As [`Workflow::load`], for the trigger alone.
    pub fn of_trigger(definition: &str) -> Result<Self, DefinitionRefused> {
        let (place, trigger) = single(definition_of(definition)?.triggers)?;
        schema_of(trigger.inputs.schema, &place)
    }
}

fn definition_of(text: &str) -> Result<raw::Definition, DefinitionRefused> {
    let definition: Value =
        serde_json::from_str(text).map_err(|error| refused("the file", error.to_string()))?;
    read(definition, "the root")
}

/// What serde makes of a value; its complaint names what it does not know.
fn read<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, DefinitionRefused> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let within = error.path().to_string();
        let place = match within.as_str() {
            "." => place.to_owned(),
            _ => format!("{place}.{within}"),
        };
        refused(&place, error.into_inner().to_string())
    })
}

fn check_parameters(
    declared: Map<String, Value>,
    given: &Map<String, Value>,
) -> Result<(), DefinitionRefused> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(refused(
            "parameters",
            format!("{name} is given but not declared"),
        ));
    }
    for (name, parameter) in declared {
        let place = format!("parameters.{name}");
        let raw::Parameter { r#type } = read(parameter, &place)?;
        let fits = match (r#type, given.get(&name)) {
            (raw::ParameterType::String, Some(value)) => value.is_string(),
            (raw::ParameterType::Array, Some(value)) => value.is_array(),
            (_, None) => return Err(refused(&place, "no value is given")),
        };
        if !fits {
            return Err(refused(&place, format!("the value given is no {type:?}")));
        }
    }
    Ok(())
}

fn trigger(
    triggers: Map<String, Value>,
    names: &Names,
) -> Result<(Schema, Template), DefinitionRefused> {
    let (place, trigger) = single(triggers)?;
    let schema = schema_of(trigger.inputs.schema, &place)?;
    let tracking_id = match trigger.correlation {
        Some(correlation) => names.template(correlation.client_tracking_id),
        None => Ok(definition::nothing()),
    };
    let place = format!("{place}.correlation");
    Ok((schema, tracking_id.map_err(|why| refused(&place, why))?))
}

/// The trigger and its place.
fn single(triggers: Map<String, Value>) -> Result<(String, raw::Trigger), DefinitionRefused> {
    let mut triggers = triggers.into_iter();
    let (Some((name, trigger)), None) = (triggers.next(), triggers.next()) else {
        return Err(refused("triggers", "there must be one"));
    };
    let place = format!("triggers.{name}");
    let trigger = read(trigger, &place)?;
    Ok((place, trigger))
}

fn schema_of(given: Value, place: &str) -> Result<Schema, DefinitionRefused> {
    read(given, &format!("{place}.inputs.schema"))
}

fn block(
    actions: Map<String, Value>,
    place: &str,
    names: &Names,
) -> Result<Block, DefinitionRefused> {
    let actions = actions.into_iter().map(|(name, action)| {
        let place = format!("{place}.{name}");
        read_action(name, action, &place, names)
    });
    let actions: Result<Vec<_>, _> = actions.collect();
    sort(actions?).map_err(|(name, why)| refused(&format!("{place}.{name}"), why))
}

fn read_action(
    name: String,
    action: Value,
    place: &str,
    names: &Names,
) -> Result<Action, DefinitionRefused> {
    let mut properties: Map<String, Value> = read(action, place)?;
    let r#type: String = read(
        properties.shift_remove("type").unwrap_or_default(),
        &format!("{place}.type"),
    )?;
    let run_after = properties.shift_remove("runAfter");
    let run_after = run_after.unwrap_or_else(|| Value::Object(Map::new()));
    properties.shift_remove("description");
    properties.shift_remove("runtimeConfiguration"); // what the run history hides: here is none
    Ok(Action {
        name,
        run_after: run_after_of(run_after, &format!("{place}.runAfter"))?,
        kind: ActionReader { place, names }.kind(&r#type, properties.into())?,
    })
}

fn run_after_of(
    run_after: Value,
    place: &str,
) -> Result<Vec<(String, Vec<Status>)>, DefinitionRefused> {
    let run_after: Map<String, Value> = read(run_after, place)?;
    let earlier = run_after.into_iter().map(|(name, statuses)| {
        let statuses: Vec<Status> = read(statuses, &format!("{place}.{name}"))?;
        Ok((name, statuses))
    });
    earlier.collect()
}

struct ActionReader<'a> {
    place: &'a str,
    names: &'a Names,
}

impl ActionReader<'_> {
    fn kind(&self, r#type: &str, properties: Value) -> Result<Kind, DefinitionRefused> {
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

    fn template(&self, value: Value, property: &str) -> Result<Template, DefinitionRefused> {
        let template = self.names.template(value);
        template.map_err(|why| self.refused(property, why))
    }

    fn refused(&self, property: &str, why: impl Into<String>) -> DefinitionRefused {
        refused(&format!("{}.{property}", self.place), why)
    }

    fn condition(&self, given: raw::If) -> Result<Condition, DefinitionRefused> {
        let place = self.place;
        let otherwise = given.r#else.map(|scope| scope.actions).unwrap_or_default();
        Ok(Condition {
            expression: self.template(given.expression, "expression")?,
            then: block(given.actions, &format!("{place}.actions"), self.names)?,
            otherwise: block(otherwise, &format!("{place}.else.actions"), self.names)?,
        })
    }

    fn table(&self, given: raw::Plain<raw::Table>) -> Result<Table, DefinitionRefused> {
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

    fn response(&self, given: raw::Response) -> Result<ResponseAction, DefinitionRefused> {
        Ok(ResponseAction {
            status: self.template(given.inputs.status_code, "inputs.statusCode")?,
            headers: self.template(given.inputs.headers, "inputs.headers")?,
            body: self.template(given.inputs.body, "inputs.body")?,
        })
    }

    fn http(&self, given: raw::Http) -> Result<Kind, DefinitionRefused> {
        let inputs = given.inputs;
        let retries = match inputs.retry_policy {
            raw::RetryPolicy::Fixed { count, interval } => {
                let interval = self.duration(&interval, "inputs.retryPolicy.interval")?;
                vec![interval; usize::from(count)]
            }
            raw::RetryPolicy::None {} => Vec::new(),
        };
        let audience = inputs
            .authentication
            .map(|raw::Authentication::ManagedServiceIdentity { audience }| audience);
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

    fn duration(&self, text: &str, property: &str) -> Result<Duration, DefinitionRefused> {
        duration(text).ok_or_else(|| self.refused(property, format!("{text} is no duration")))
    }
}

/// Puts each action behind those it waits for; what may run first stays first.
///
/// # Errors
/// Names an action that waits for one outside the block, or for itself in the end.
fn sort(mut waiting: Vec<Action>) -> Result<Block, (String, String)> {
    for action in &waiting {
        for (earlier, _) in &action.run_after {
            if !waiting.iter().any(|other| other.name == *earlier) {
                let why = format!("runs after {earlier}, which is not beside it");
                return Err((action.name.clone(), why));
            }
        }
    }
    let mut sorted: Block = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_sorted = |name: &String| sorted.iter().any(|done: &Action| done.name == *name);
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|action| action.run_after.iter().all(|(name, _)| is_sorted(name)));
        if let (true, Some(stuck)) = (ready.is_empty(), rest.first()) {
            return Err((stuck.name.clone(), "waits for itself".to_owned()));
        }
        sorted.extend(ready);
        waiting = rest;
    }
    Ok(sorted)
}

/// An ISO 8601 duration of the form `PT…H…M…S`, when the text is one of whole hours, minutes and
/// seconds.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut seconds: u64 = 0;
    for (unit, size) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            let count: u64 = count.parse().ok()?;
            seconds = seconds.checked_add(count.checked_mul(size)?)?;
            rest = after;
        }
    }
    rest.is_empty().then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_in_their_order() {
        assert_eq!(duration("PT30S"), Some(Duration::from_secs(30)));
        assert_eq!(duration("PT1H2M3S"), Some(Duration::from_secs(3723)));
        for wrong in ["", "PT", "30S", "PT30", "PT1S2M", "P1D", "PT1.5S", "PT-1S"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
