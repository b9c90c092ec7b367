//! One run: the order of actions, what is skipped, how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::pin::Pin;

use super::budget::Budget;
use super::definition::{Action, Block, Kind, Status};
use super::evaluate::Known;
use super::http::Http;
use super::outcome::{Ended, Outcome, Response, RunError, RunStatus};
use super::text::text;
use super::{Start, Workflow};

/// Breaks with how the run ends.
pub(super) type Flow = ControlFlow<(RunStatus, Option<RunError>)>;

/// A run under way.
pub(super) struct Run<'a, H> {
    pub(super) workflow: &'a Workflow,
    pub(super) start: Start,
    pub(super) http: &'a H,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    pub(super) response: Option<Response>,
    budget: Budget,
}

pub(super) async fn run<H: Http>(workflow: &Workflow, start: Start, http: &H) -> Ended {
    let (outcomes, response) = (BTreeMap::new(), None);
    let mut run = Run {
        workflow,
        start,
        http,
        outcomes,
        response,
        budget: Budget::new(),
    };
    let tracking_id = workflow.tracking_id.value(&run.known());
    let tracking_id = tracking_id.and_then(|id| text(&id)).unwrap_or_default();
    let (status, error) = match run.block(&workflow.actions).await {
        ControlFlow::Break(end) => end,
        ControlFlow::Continue(()) => match run.status_of(&workflow.actions) {
            Status::Succeeded => (RunStatus::Succeeded, None),
            _ => (RunStatus::Failed, None),
        },
    };
    let reasons = run.outcomes.into_iter();
    let failed = reasons.filter_map(|(name, outcome)| Some(format!("{name}: {}", outcome.why?)));
    Ended {
        response: run.response,
        status,
        error,
        tracking_id,
        failed: failed.collect(),
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

    /// A block fails when one of its ends does; an end that was skipped counts like what it waited for.
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

    pub(super) fn known(&self) -> Known<'_> {
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
