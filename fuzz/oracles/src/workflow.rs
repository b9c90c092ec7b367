//! Workflows: any definition is refused by name or runs to its end in bounded time, and text
//! survives the templates.

mod texts;

use allocation_counter::measure;
use serde_json::{Map, Value, json};
use workflow::{Answer, Call, Ended, Http, NoAnswer, Start, Workflow};

/// Bytes that a run may occupy, whatever its definition: values grow by doubling, and the stack
/// bounds them.
const ALLOCATED_MAX: u64 = 512 * 1024 * 1024;

/// The input is a definition; then it is text, expressions and JSON within one.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_definition(&text);
    texts::check(&text);
}

fn check_definition(text: &str) {
    let parameters = parameters_of(text);
    let workflow = match Workflow::load(text, parameters) {
        Ok(workflow) => workflow,
        Err(refused) => {
            assert!(
                !refused.place.is_empty() && !refused.why.is_empty(),
                "{refused}"
            );
            return;
        }
    };
    for body in [
        json!({}),
        json!({"order": {"products": [{"id": 1}]}}),
        json!("text"),
    ] {
        // The verdict is for the caller; a body that does not fit must not break a run either.
        workflow.accepts(&body).ok();
        let once = bounded(&workflow, &body);
        let twice = bounded(&workflow, &body);
        if !text.to_ascii_lowercase().contains("guid") {
            assert_eq!(once, twice, "the same run ends in the same way");
        }
    }
}

/// A value for each parameter that the definition declares.
fn parameters_of(text: &str) -> Map<String, Value> {
    let definition: Value = serde_json::from_str(text).unwrap_or_default();
    let declared = definition["parameters"].as_object().into_iter().flatten();
    let value = |of: &Value| match of["type"].as_str() {
        Some("Array") => json!(["a@b.example"]),
        _ => json!("https://mail.example"),
    };
    declared
        .map(|(name, of)| (name.clone(), value(of)))
        .collect()
}

fn bounded(workflow: &Workflow, body: &Value) -> Ended {
    let mut ended = None;
    let used = measure(|| ended = Some(run(workflow, body))).bytes_max;
    assert!(used <= ALLOCATED_MAX, "{used} bytes");
    ended.expect("it ran")
}

/// One run with a clock that only moves when the run waits.
fn run(workflow: &Workflow, body: &Value) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let start = Start {
        body: body.clone(),
        workflow: json!({"run": {"name": "run"}}),
    };
    runtime.block_on(workflow.run(start, &Echo))
}

/// The other side of every Http action: it says what it was asked, with the status that ends the
/// address.
struct Echo;

impl Http for Echo {
    async fn send(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let digits: String = call.uri.chars().rev().take(3).collect();
        let status = digits
            .chars()
            .rev()
            .collect::<String>()
            .parse()
            .unwrap_or(202);
        if status < 100 {
            return Err(NoAnswer::Failed("refused".to_owned()));
        }
        Ok(Answer {
            status,
            headers: call.headers.clone(),
            body: call.body.clone(),
        })
    }
}
