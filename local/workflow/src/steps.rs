//! What each type of action does.

use serde_json::{Map, Value, json};

use super::Failure;
use super::definition::{HttpAction, ResponseAction, Table, Terminate};
use super::evaluate::Known;
use super::http::{Call, Http, send};
use super::outcome::{Outcome, Response, RunError};
use super::run::{Flow, Run};
use super::select::kind;
use super::template::Template;
use super::text::text;

impl<H: Http> Run<'_, H> {
    pub(super) fn value(&self, template: &Template) -> Result<Value, Failure> {
        template.value(&self.known())
    }

    pub(super) fn decide(&self, expression: &Template) -> Result<bool, Failure> {
        match self.value(expression)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(Failure::new(format!(
                "a condition must be true or false, not {}",
                kind(&other)
            ))),
        }
    }

    pub(super) fn table(&self, table: &Table) -> Result<Value, Failure> {
        let Value::Array(items) = self.value(&table.from)? else {
            return Err(Failure::new("what a table is made from must be an array"));
        };
        let rows = items.iter().map(|item| {
            let known = Known {
                item: Some(item),
                ..self.known()
            };
            let cell = |(_, value): &(String, Template)| text(&value.value(&known)?);
            table.columns.iter().map(cell).collect()
        });
        let rows: Vec<Vec<String>> = rows.collect::<Result<_, Failure>>()?;
        let headers: Vec<&str> = table
            .columns
            .iter()
            .map(|(header, _)| header.as_str())
            .collect();
        Ok(json!({ "body": table.format.render(&headers, &rows) }))
    }

    pub(super) async fn call(&self, action: &HttpAction) -> Outcome {
        match self.request(action) {
            Ok(call) => send(self.http, &call, action.timeout, &action.retries).await,
            Err(why) => Err(why).into(),
        }
    }

    fn request(&self, action: &HttpAction) -> Result<Call, Failure> {
        Ok(Call {
            method: text(&self.value(&action.method)?)?,
            uri: text(&self.value(&action.uri)?)?,
            headers: self.headers(&action.headers)?,
            body: self.value(&action.body)?,
            audience: action.audience.clone(),
        })
    }

    fn headers(&self, headers: &Template) -> Result<Map<String, Value>, Failure> {
        match self.value(headers)? {
            Value::Null => Ok(Map::new()),
            Value::Object(headers) => {
                let entry = |(name, value): (String, Value)| Ok((name, text(&value)?.into()));
                headers.into_iter().map(entry).collect()
            }
            other => Err(Failure::new(format!("headers cannot be {}", kind(&other)))),
        }
    }

    pub(super) fn respond(&mut self, action: &ResponseAction) -> Result<Value, Failure> {
        if self.response.is_some() {
            return Err(Failure::new("the caller has a response already"));
        }
        let status = self.value(&action.status)?;
        let code = status.as_u64().and_then(|code| u16::try_from(code).ok());
        let response = Response {
            status: code.ok_or_else(|| Failure::new(format!("{status} is no status code")))?,
            headers: self.headers(&action.headers)?,
            body: self.value(&action.body)?,
        };
        let Response {
            status,
            headers,
            body,
        } = &response;
        let outputs = json!({ "statusCode": status, "headers": headers, "body": body });
        self.response = Some(response);
        Ok(outputs)
    }

    pub(super) fn terminate(action: &Terminate) -> Flow {
        let error = action.error.clone().map(|error| RunError {
            code: error.code,
            message: error.message,
        });
        Flow::Break((action.status.of_run(), error))
    }
}
