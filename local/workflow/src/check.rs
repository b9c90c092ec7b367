//! Whether the names in expressions mean something.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::expression::{Expression, Function};
use crate::template::Template;

/// The names of a definition.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) actions: BTreeSet<String>,
    pub(crate) parameters: BTreeSet<String>,
}

impl Names {
    /// Takes in the actions of a block and of the blocks inside it.
    ///
    /// # Errors
    /// Names an action whose name is used twice; the engine does not tell capitals from others
    /// there.
    pub(crate) fn add_actions(&mut self, actions: &Map<String, Value>) -> Result<(), String> {
        for (name, action) in actions {
            if self
                .actions
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                return Err(format!("there are two actions {name}"));
            }
            self.actions.insert(name.clone());
            for inside in ["/actions", "/else/actions"] {
                if let Some(Value::Object(inner)) = action.pointer(inside) {
                    self.add_actions(inner)?;
                }
            }
        }
        Ok(())
    }

    /// Parses a template, and checks what its expressions refer to.
    pub(crate) fn template(&self, value: Value) -> Result<Template, String> {
        self.checked(value, false)
    }

    /// The same within the rows of a table, where `item()` is known.
    pub(crate) fn row_template(&self, value: Value) -> Result<Template, String> {
        self.checked(value, true)
    }

    fn checked(&self, value: Value, in_row: bool) -> Result<Template, String> {
        let template = Template::parse(value)?;
        template.look(&mut |expression| self.check(expression, in_row))?;
        Ok(template)
    }

    fn check(&self, expression: &Expression, in_row: bool) -> Result<(), String> {
        match expression {
            Expression::Literal(_) => Ok(()),
            Expression::Select { of, key, .. } => {
                self.check(of, in_row)?;
                self.check(key, in_row)
            }
            Expression::Call(function, parameters) => {
                self.check_call(*function, parameters, in_row)?;
                let mut parameters = parameters.iter();
                parameters.try_for_each(|inner| self.check(inner, in_row))
            }
        }
    }

    fn check_call(
        &self,
        function: Function,
        parameters: &[Expression],
        in_row: bool,
    ) -> Result<(), String> {
        let (names, what) = match function {
            Function::Item if !in_row => return Err("item() is known in a table only".to_owned()),
            Function::Outputs | Function::Body => (&self.actions, "action"),
            Function::Parameters => (&self.parameters, "parameter"),
            _ => return Ok(()),
        };
        match parameters {
            [Expression::Literal(Value::String(name))] if names.contains(name) => Ok(()),
            [Expression::Literal(name)] => Err(format!("there is no {what} {name}")),
            _ => Err(format!(
                "the name of the {what} must be written down, not computed"
            )),
        }
    }
}
