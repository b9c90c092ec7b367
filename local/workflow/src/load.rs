//! JSON to definition. Whatever is not known is refused by its name and place.

mod action;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::check::Names;
use super::definition::Block;
use super::raw::{Definition, Parameter, ParameterType, Trigger};
use super::schema::Schema;
use super::template::Template;
use super::{Workflow, definition, order};

/// Why a definition cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the workflow's definition: {place}: {why}")]
pub struct Refused {
    /// Where, as a path of names.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

fn refused(place: &str, why: impl Into<String>) -> Refused {
    let (place, why) = (place.to_owned(), why.into());
    Refused { place, why }
}

pub(super) fn load(text: &str, parameters: Map<String, Value>) -> Result<Workflow, Refused> {
    let definition: Value =
        serde_json::from_str(text).map_err(|error| refused("the file", error.to_string()))?;
    let definition: Definition = read(definition, "the root")?;
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
    Ok(Workflow {
        schema,
        tracking_id,
        parameters,
        actions: block(definition.actions, "actions", &names)?,
    })
}

/// What serde makes of a value; its complaint names what it does not know.
fn read<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Refused> {
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
) -> Result<(), Refused> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(refused(
            "parameters",
            format!("{name} is given but not declared"),
        ));
    }
    for (name, parameter) in declared {
        let place = format!("parameters.{name}");
        let Parameter { r#type } = read(parameter, &place)?;
        let fits = match (r#type, given.get(&name)) {
            (ParameterType::String, Some(value)) => value.is_string(),
            (ParameterType::Array, Some(value)) => value.is_array(),
            (_, None) => return Err(refused(&place, "no value is given")),
        };
        if !fits {
            return Err(refused(&place, format!("the value given is no {type:?}")));
        }
    }
    Ok(())
}

fn trigger(triggers: Map<String, Value>, names: &Names) -> Result<(Schema, Template), Refused> {
    let mut triggers = triggers.into_iter();
    let (Some((name, trigger)), None) = (triggers.next(), triggers.next()) else {
        return Err(refused("triggers", "there must be one"));
    };
    let place = format!("triggers.{name}");
    let trigger: Trigger = read(trigger, &place)?;
    let schema: Schema = read(trigger.inputs.schema, &format!("{place}.inputs.schema"))?;
    let tracking_id = match trigger.correlation {
        Some(correlation) => names.template(correlation.client_tracking_id),
        None => Ok(definition::nothing()),
    };
    let place = format!("{place}.correlation");
    Ok((schema, tracking_id.map_err(|why| refused(&place, why))?))
}

fn block(actions: Map<String, Value>, place: &str, names: &Names) -> Result<Block, Refused> {
    let actions = actions.into_iter().map(|(name, action)| {
        let place = format!("{place}.{name}");
        action::action(name, action, &place, names)
    });
    let actions: Result<Vec<_>, _> = actions.collect();
    order::sort(actions?).map_err(|(name, why)| refused(&format!("{place}.{name}"), why))
}
