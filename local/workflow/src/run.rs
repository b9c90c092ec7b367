//! One run: the order of actions, what each does, what is skipped, how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::pin::Pin;

use serde_json::{Map, Value, json};

use crate::definition::{
    Action, Block, HttpAction, Kind, ResponseAction, Table, Terminate, Workflow,
};
use crate::evaluate::{Budget, Known, kind};
use crate::http::{Call, Http, send};
use crate::outcome::{Ended, Failure, Outcome, Response, RunError, RunStatus, Status};
use crate::template::Template;
use crate::text::text;

/// What a run starts from.
#[derive(Debug, Clone)]
pub struct Start {
    pub body: Value,
    /// What `workflow()` gives.
    pub workflow: Value,
}

/// Breaks with how the run ends.
type Flow = ControlFlow<(RunStatus, Option<RunError>)>;

/// A run under way.
struct Run<'a, H> {
    workflow: &'a Workflow,
    start: Start,
    http: &'a H,
    outcomes: BTreeMap<String, Outcome>,
    response: Option<Response>,
    budget: Budget,
}

impl Workflow {
    /// Whether the trigger takes a request with this body.
    ///
    /// # Errors
    /// Says where the body does not fit the trigger's schema.
    pub fn accepts(&self, body: &Value) -> Result<(), String> {
        self.schema.accepts(body)
    }

    /// Runs to the end. The body must have been accepted.
    pub async fn run(&self, start: Start, http: &impl Http) -> Ended {
        let (outcomes, response) = (BTreeMap::new(), None);
        let mut run = Run {
            workflow: self,
            start,
            http,
            outcomes,
            response,
            budget: Budget::new(),
        };
        let tracking_id = self.tracking_id.value(&run.known());
        let tracking_id = tracking_id.and_then(|id| text(&id)).unwrap_or_default();
        let (status, error) = match run.block(&self.actions).await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => match run.status_of(&self.actions) {
                Status::Succeeded => (RunStatus::Succeeded, None),
                _ => (RunStatus::Failed, None),
            },
        };
        let reasons = run.outcomes.into_iter();
        let failed =
            reasons.filter_map(|(name, outcome)| Some(format!("{name}: {}", outcome.why?)));
        Ended {
            response: run.response,
            status,
            error,
            tracking_id,
            failed: failed.collect(),
        }
    }
}

impl<'a, H: Http> Run<'a, H> {
    /// Boxed, because blocks nest.
    fn block(&mut self, block: &'a Block) -> Pin<Box<dyn Future<Output = Flow> + Send + '_>> {
        Box::pin(async move {
            for action in block {
                self.step(action).await?;
            }
            Flow::Continue(())
        })
    }

    async fn step(&mut self, action: &'a Action) -> Flow {
        let is_wanted =
            |(earlier, wanted): &(String, Vec<Status>)| wanted.contains(&self.status(earlier));
        if !action.run_after.iter().all(is_wanted) {
            self.skip(action);
            return Flow::Continue(());
        }
        let outcome = match &action.kind {
            Kind::Scope(block) => self.inside(block).await?,
            Kind::If(condition) => match self.decide(&condition.expression) {
                Ok(answer) => {
                    let (chosen, other) = match answer {
                        true => (&condition.then, &condition.otherwise),
                        false => (&condition.otherwise, &condition.then),
                    };
                    other.iter().for_each(|action| self.skip(action));
                    self.inside(chosen).await?
                }
                Err(why) => {
                    action.kind.inner().for_each(|action| self.skip(action));
                    Err(why).into()
                }
            },
            Kind::Compose(inputs) => self.value(inputs).into(),
            Kind::Table(table) => self.table(table).into(),
            Kind::Http(http) => self.call(http).await,
            Kind::Response(response) => self.respond(response).into(),
            Kind::Terminate(terminate) => return Self::terminate(terminate),
        };
        self.outcomes.insert(action.name.clone(), outcome);
        Flow::Continue(())
    }

    async fn inside(
        &mut self,
        block: &'a Block,
    ) -> ControlFlow<(RunStatus, Option<RunError>), Outcome> {
        self.block(block).await?;
        ControlFlow::Continue(Outcome::bare(self.status_of(block)))
    }

    fn skip(&mut self, action: &Action) {
        self.outcomes
            .insert(action.name.clone(), Outcome::bare(Status::Skipped));
        action.kind.inner().for_each(|inner| self.skip(inner));
    }

    fn status(&self, name: &str) -> Status {
        self.outcomes
            .get(name)
            .map_or(Status::Skipped, |outcome| outcome.status)
    }

    /// A block fails when one of its ends does; an end that was skipped counts like what it waited
    /// for.
    fn status_of(&self, block: &Block) -> Status {
        let waits = block.iter().flat_map(|action| &action.run_after);
        let waited_for: BTreeSet<&str> = waits.map(|(earlier, _)| earlier.as_str()).collect();
        let mut failed = BTreeSet::new();
        // Each action comes after those it waits for, so one pass is enough.
        for action in block {
            let has_failed = match self.status(&action.name) {
                Status::Succeeded => false,
                Status::Failed | Status::TimedOut => true,
                Status::Skipped => {
                    let mut earlier = action.run_after.iter().map(|(name, _)| name.as_str());
                    earlier.any(|name| failed.contains(name))
                }
            };
            if has_failed {
                failed.insert(action.name.as_str());
            }
        }
        match failed.iter().all(|name| waited_for.contains(name)) {
            true => Status::Succeeded,
            false => Status::Failed,
        }
    }

    fn known(&self) -> Known<'_> {
        Known {
            body: &self.start.body,
            workflow: &self.start.workflow,
            parameters: &self.workflow.parameters,
            outcomes: &self.outcomes,
            item: None,
            budget: &self.budget,
        }
    }
}

/// What each type of action does.
impl<H: Http> Run<'_, H> {
    fn value(&self, template: &Template) -> Result<Value, Failure> {
        template.value(&self.known())
    }

    fn decide(&self, expression: &Template) -> Result<bool, Failure> {
        match self.value(expression)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(Failure::new(format!(
                "a condition must be true or false, not {}",
                kind(&other)
            ))),
        }
    }

    fn table(&self, table: &Table) -> Result<Value, Failure> {
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

    async fn call(&self, action: &HttpAction) -> Outcome {
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

    fn respond(&mut self, action: &ResponseAction) -> Result<Value, Failure> {
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

    fn terminate(action: &Terminate) -> Flow {
        Flow::Break((action.status, action.error.clone()))
    }
}
