//! The functions that an expression may call.

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
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
    String,
    TriggerBody,
    Workflow,
}

/// Name, function, least and most parameters.
const ALL: [(&str, Function, usize, usize); 15] = [
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
    ("string", Function::String, 1, 1),
    ("triggerBody", Function::TriggerBody, 0, 0),
    ("workflow", Function::Workflow, 0, 0),
];

impl Function {
    /// The function of that name, in any case, when it takes so many parameters.
    pub(super) fn find(name: &str, parameters: usize) -> Result<Self, String> {
        let known = ALL
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
