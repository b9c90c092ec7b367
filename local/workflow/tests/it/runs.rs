//! The workflow in infra/, held against vectors that the official engine made.

use std::sync::Mutex;

use serde_json::{Map, Value, json};
use testkit::workflow::{json_of, read};
use workflow::{Answer, Call, Ended, Http, NoAnswer, RunStatus, Start, Workflow};

/// Runs and refused requests in the file of vectors.
const RUNS: usize = 50;
const REFUSED: usize = 20;

fn list<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    vectors[name].as_array().expect(name)
}

fn workflow(vectors: &Value) -> Workflow {
    let parameters = vectors["parameters"].as_object().expect("parameters");
    Workflow::load(&read("fallback.definition.json"), parameters.clone()).expect("it loads")
}

/// The mail service: the same answer each time.
struct Mail {
    answer: Result<Answer, NoAnswer>,
    calls: Mutex<Vec<Call>>,
}

impl Mail {
    fn answering(vector: &Value) -> Self {
        let answer = match (vector["status"].as_u64(), vector["noAnswer"].as_str()) {
            (Some(status), None) => Ok(Answer {
                status: u16::try_from(status).expect("a status"),
                headers: Map::new(),
                body: vector["body"].clone(),
            }),
            (None, Some("TimedOut")) => Err(NoAnswer::TimedOut),
            (None, Some("Failed")) => Err(NoAnswer::Failed("refused".to_owned())),
            other => panic!("{other:?}"),
        };
        Self {
            answer,
            calls: Mutex::default(),
        }
    }
}

impl Http for Mail {
    async fn send(&self, call: &Call) -> Result<Answer, NoAnswer> {
        self.calls.lock().unwrap().push(call.clone());
        self.answer.clone()
    }
}

async fn play(workflow: &Workflow, request: &Value, mail: &Mail) -> Ended {
    let start = Start {
        body: request.clone(),
        workflow: json!({}),
    };
    workflow.run(start, mail).await
}

#[tokio::test(start_paused = true)]
async fn every_run_is_what_the_official_engine_made_of_it() {
    let vectors = json_of("golden.json");
    let workflow = workflow(&vectors);
    let runs = list(&vectors, "runs");
    assert_eq!(runs.len(), RUNS);
    for run in runs {
        let (name, request) = (&run["name"], &run["request"]);
        assert_eq!(workflow.accepts(request), Ok(()), "{name}");
        let mail = Mail::answering(&run["mailService"]);
        let ended = play(&workflow, request, &mail).await;
        let response = ended.response.expect("a response");
        let response = json!({
            "statusCode": response.status, "headers": response.headers, "body": response.body,
        });
        assert_eq!(response, run["response"], "{name}");
        assert_eq!(json!(format!("{:?}", ended.status)), run["end"], "{name}");
        assert_eq!(ended.tracking_id, "", "{name}: whoever calls chooses it");
        let calls = mail.calls.into_inner().unwrap();
        for call in &calls {
            let (method, uri, headers, body) = (&call.method, &call.uri, &call.headers, &call.body);
            let sent = json!({ "method": method, "uri": uri, "headers": headers, "body": body });
            // As text: the same bytes, in the same order.
            assert_eq!(sent.to_string(), run["mail"].to_string(), "{name}");
            assert_eq!(
                call.audience.as_deref(),
                Some("https://communication.azure.com")
            );
        }
        let retried = matches!(
            run["mailService"]["status"].as_u64(),
            None | Some(429 | 500)
        );
        assert_eq!(calls.len(), if retried { 2 } else { 1 }, "{name}");
    }
}

/// A mail service that takes requests and says nothing.
struct Silence;

impl Http for Silence {
    async fn send(&self, _: &Call) -> Result<Answer, NoAnswer> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_service_that_hangs_is_given_up_after_two_tries() {
    let vectors = json_of("golden.json");
    let workflow = workflow(&vectors);
    let start = Start {
        body: vectors["runs"][0]["request"].clone(),
        workflow: json!({}),
    };
    // The clock is the paused one: 30 s, a pause of 10 s, 30 s.
    let began = tokio::time::Instant::now();
    let ended = workflow.run(start, &Silence).await;
    assert_eq!(began.elapsed().as_secs(), 70);
    assert_eq!(ended.response.expect("a response").status, 502);
    assert_eq!(ended.failed, ["Send_email: no answer in time"]);
}

#[test]
fn every_wrong_request_is_refused() {
    let vectors = json_of("golden.json");
    let workflow = workflow(&vectors);
    let refused = list(&vectors, "refused");
    assert_eq!(refused.len(), REFUSED);
    for request in refused {
        assert!(
            workflow.accepts(&request["request"]).is_err(),
            "{}",
            request["name"]
        );
    }
}

#[test]
fn a_body_of_more_than_4_mib_is_refused() {
    let vectors = json_of("golden.json");
    let workflow = workflow(&vectors);
    let mut request = vectors["runs"][0]["request"].clone();
    for (length, fits) in [(5_592_408, true), (5_592_409, false)] {
        request["body"]["data"] = "x".repeat(length).into();
        assert_eq!(workflow.accepts(&request).is_ok(), fits, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_cannot_be_made_is_said_so_and_not_sent() {
    let vectors = json_of("golden.json");
    let workflow = workflow(&vectors);
    let mail = Mail::answering(&json!({ "status": 202 }));
    // The schema refuses it: only a definition that lost its schema would get here.
    let ended = play(
        &workflow,
        &json!({ "operationId": "x", "order": {} }),
        &mail,
    )
    .await;
    let response = ended.response.expect("a response");
    assert_eq!(
        (response.status, &response.body["status"]),
        (500, &json!("renderFailed"))
    );
    assert_eq!(ended.status, RunStatus::Failed);
    assert_eq!(ended.error.expect("words").code, "RenderFailed");
    assert!(mail.calls.into_inner().unwrap().is_empty());
    let facts = ended.failed.iter().find(|why| why.starts_with("Facts: "));
    assert!(
        facts.is_some_and(|why| why.contains("failure")),
        "{:?}",
        ended.failed
    );
}

/// The most that the function hands over: 4 MiB, and all that it shows of them.
#[tokio::test(start_paused = true)]
async fn the_largest_order_is_far_from_what_a_run_may_make() {
    let vectors = json_of("golden.json");
    let mut request = vectors["runs"][0]["request"].clone();
    let value = "🐠".repeat(200);
    let product = json!({ "id": value, "name": value, "quantity": value });
    request["shown"]["products"] = vec![product; 100].into();
    request["shown"]["text"] = "🐠".repeat(4_000).into();
    request["body"]["data"] = "x".repeat(5_592_408).into();
    let mail = Mail::answering(&json!({ "status": 202 }));
    let ended = play(&workflow(&vectors), &request, &mail).await;
    assert_eq!((ended.status, ended.failed), (RunStatus::Succeeded, vec![]));
    let calls = mail.calls.into_inner().unwrap();
    assert!(
        calls[0].body.to_string().len() < 10_000_000,
        "the mail service takes no more"
    );
}

/// A definition with these actions and a trigger that takes anything.
fn with_actions(actions: Value) -> Workflow {
    let mut definition = json_of("fallback.definition.json");
    definition["actions"] = actions;
    let vectors = json_of("golden.json");
    let parameters = vectors["parameters"].as_object().expect("parameters");
    Workflow::load(&definition.to_string(), parameters.clone()).expect("it loads")
}

/// Looked for along every path through them, this took until the end of days.
#[tokio::test(start_paused = true)]
async fn skipped_actions_that_wait_for_each_other_are_judged_once() {
    let nothing = json!({ "type": "Compose", "runAfter": {}, "inputs": 1 });
    let mut actions = json!({ "first": nothing });
    let mut earlier = json!({ "first": ["Failed"] });
    for layer in 0..60 {
        for side in ["left", "right"] {
            actions[format!("{side}{layer}")] = nothing.clone();
            actions[format!("{side}{layer}")]["runAfter"] = earlier.clone();
        }
        earlier = json!({
            format!("left{layer}"): ["Succeeded"], format!("right{layer}"): ["Succeeded"],
        });
    }
    let mail = Mail::answering(&json!({ "status": 202 }));
    let ended = play(&with_actions(actions), &json!({}), &mail).await;
    assert_eq!((ended.status, ended.failed), (RunStatus::Succeeded, vec![]));
}

/// Each action hands on twice what it got, or replaces each letter by all there is.
#[tokio::test(start_paused = true)]
async fn values_that_grow_without_end_fail_their_action() {
    let list = "@json(concat('[', string(outputs('a{}')), ',', string(outputs('a{}')), ']'))";
    for inputs in [
        "@concat(outputs('a{}'), outputs('a{}'))",
        "@replace(outputs('a{}'), 'x', outputs('a{}'))",
        list,
    ] {
        let first = if inputs == list {
            json!([1])
        } else {
            json!("xx")
        };
        let mut actions = json!({ "a0": { "type": "Compose", "runAfter": {}, "inputs": first } });
        for step in 1..40 {
            let earlier = (step - 1).to_string();
            actions[format!("a{step}")] = json!({
                "type": "Compose", "runAfter": { format!("a{earlier}"): ["Succeeded"] },
                "inputs": inputs.replace("{}", &earlier),
            });
        }
        let mail = Mail::answering(&json!({ "status": 202 }));
        let ended = play(&with_actions(actions), &json!({}), &mail).await;
        assert_eq!(ended.status, RunStatus::Failed);
        let [why] = ended.failed.as_slice() else {
            panic!("{:?}", ended.failed);
        };
        assert!(why.contains("values of more than"), "{why}");
    }
}
