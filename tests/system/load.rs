//! The load verb against the real binary in the local stack: its judge agrees when the promise is
//! kept, and says so when somebody breaks it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode as Status, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use blob::{Blob, Conditions, Upload};
use load::evidence::sha256;
use load::judge::Violation;
use load::places::{Addresses, Places};
use load::{Pace, Plan, Report, run};
use serde_json::{Value, json};
use stack::{Ports, Stack};
use stand_in::{Fault, StatusCode};
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The dashboard's API, as far as the load verb uses it.
async fn dashboard(stack: Arc<Stack>) -> (String, JoinSet<()>) {
    let router = Router::new()
        .route(
            "/api/faults",
            get(|| async { Json(json!({})) }).put(set_faults),
        )
        .route("/api/state", get(|| async { Json(json!({})) }))
        .route("/api/handler/kill", post(kill))
        .route(
            "/api/handler/kill-during-upload",
            post(kill).delete(|| async {}),
        )
        .route("/api/blobs/history", get(history))
        .route("/api/handed-over", get(handed_over))
        .route("/api/messages", get(messages))
        .route("/api/dead-letters", get(dead_letters))
        .with_state(stack);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async { axum::serve(listener, router).await.unwrap() });
    (url, serving)
}

async fn set_faults(State(stack): State<Arc<Stack>>, Json(wish): Json<Value>) {
    let busy = Fault::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        error_code: "ServerBusy",
        retry_after: None,
    };
    let fault = |name: &Value| match name.as_str() {
        Some("none") => Fault::None,
        Some("applies-but-loses-the-reply") => Fault::ApplyThenDropConnection,
        _ => busy,
    };
    if let Some(name) = wish.get("storage") {
        stack.blob.as_ref().unwrap().faults().set(fault(name));
    }
    if let Some(name) = wish.get("logicApp") {
        stack.logic_app.as_ref().unwrap().faults().set(fault(name));
    }
}

async fn kill(State(stack): State<Arc<Stack>>) -> Status {
    stack.host.as_ref().unwrap().kill_handler();
    Status::ACCEPTED
}

async fn history(State(stack): State<Arc<Stack>>, uri: Uri) -> Json<Vec<Value>> {
    let blob = stack.blob.as_ref().unwrap();
    let requests = blob.requests();
    let names = requests
        .iter()
        .filter_map(|request| request.path.split_once("/orders/"));
    let names: std::collections::BTreeSet<&str> = names.map(|(_, name)| name).collect();
    let mut writes: Vec<(&str, Blob)> = Vec::new();
    for name in names {
        writes.extend(
            blob.history("orders", name)
                .into_iter()
                .map(|blob| (name, blob)),
        );
    }
    writes.sort_by_key(|(_, blob)| blob.last_modified);
    let skip: usize = uri
        .query()
        .unwrap()
        .strip_prefix("after=")
        .unwrap()
        .parse()
        .unwrap();
    let entry = |(name, blob): &(&str, Blob)| {
        json!({
            "container": "orders", "name": name, "etag": blob.etag, "length": blob.bytes.len(),
            "at": blob.last_modified.format(&Rfc3339).unwrap(),
            "sha256": sha256(&blob.bytes), "metadata": blob.metadata,
        })
    };
    Json(writes.iter().skip(skip).map(entry).collect())
}

async fn handed_over(State(stack): State<Arc<Stack>>) -> Json<Vec<Value>> {
    let received = stack.logic_app.as_ref().unwrap().received();
    Json(
        received
            .iter()
            .map(|mail| serde_json::from_slice(&mail.body).unwrap())
            .collect(),
    )
}

async fn messages(State(stack): State<Arc<Stack>>) -> Json<Vec<Value>> {
    let waiting = stack.queue.peek();
    Json(
        waiting
            .iter()
            .map(|peeked| waits(&peeked.accepted))
            .collect(),
    )
}

async fn dead_letters(State(stack): State<Arc<Stack>>) -> Json<Vec<Value>> {
    let letters = stack.queue.dead_letters();
    Json(
        letters
            .iter()
            .map(|letter| waits(&letter.accepted))
            .collect(),
    )
}

fn waits(accepted: &bus::Accepted) -> Value {
    let properties = &accepted.message.properties;
    json!({ "sequence": accepted.sequence, "messageId": properties.message_id, "sessionId": properties.session_id })
}

struct Field {
    stack: Arc<Stack>,
    places: Places,
    dashboard: JoinSet<()>,
}

impl Field {
    async fn start() -> Self {
        Self::start_in(&testkit::workspace()).await
    }

    async fn start_in(root: &Path) -> Self {
        let settings = BTreeMap::from([
            (
                "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath"
                    .to_owned(),
                crate::stack::handler(),
            ),
            ("UPLOAD_BACKOFF_BASE_MS".to_owned(), "5".to_owned()),
            ("UPLOAD_ATTEMPT_TIMEOUT_MS".to_owned(), "1000".to_owned()),
        ]);
        let stack = Arc::new(Stack::start(root, Ports::Auto, settings).await.unwrap());
        let (url, dashboard) = dashboard(Arc::clone(&stack)).await;
        let addresses = Addresses {
            queue: Some(format!("{}/{}", stack.door.url(), stack.queue.name())),
            blobs: Some(stack.blob.as_ref().unwrap().url().to_owned()),
            dashboard: Some(url),
            connection: stack.app.settings.get("ServiceBusConnection").cloned(),
            ..Addresses::default()
        };
        let places = Places::find("absent/stack.json".into(), addresses).unwrap();
        Self {
            stack,
            places,
            dashboard,
        }
    }

    async fn load(&self, plan: Plan) -> Report {
        run(&plan, &self.places, std::future::pending())
            .await
            .unwrap()
    }

    async fn stop(mut self) {
        self.dashboard.shutdown().await;
        // Connections of the dashboard end when they notice that their client is gone.
        let alone = async {
            while Arc::strong_count(&self.stack) > 1 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, alone).await.unwrap();
        Arc::into_inner(self.stack).unwrap().stop().await;
    }
}

fn plan(faults: &str) -> Plan {
    Plan {
        pace: Pace::Rate(100.0),
        carts: 10,
        through_petstore: false,
        duration: Duration::from_secs(3),
        faults: faults.parse().unwrap(),
        seed: 7,
        body_bytes: 0,
        settle: Duration::from_secs(60),
        out: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_s2_s3_a_load_with_faults_and_kills_keeps_the_promise() {
    let field = Field::start().await;
    let report = field
        .load(plan("storage=any,logic-app=502,handler=kills"))
        .await;
    println!("{report}");
    assert!(report.kept, "{report}");
    let faults = report.faults.unwrap();
    assert!(faults.storage_spells > 0 && faults.kills > 0, "{report}");
    assert_eq!(report.messages.due, 300);
    assert_eq!(
        report.messages.accepted as u64 + report.messages.replaced,
        300
    );
    let fates = report.fates;
    let found = fates.stored + fates.superseded + fates.mailed + fates.dead_lettered;
    assert_eq!(
        found, report.messages.accepted,
        "the faults are over: nothing waits"
    );
    field.stop().await;
}

/// One word in function.json, and nothing else. What waited for the end of a fault comes in batches,
/// and of each cart in one the newest alone is uploaded.
#[tokio::test(flavor = "multi_thread")]
async fn s1_s2_s3_a_load_with_faults_and_kills_keeps_the_promise_in_batches() {
    let app = crate::app_in_batches();
    let field = Field::start_in(app.path()).await;
    let plan = Plan {
        duration: Duration::from_secs(6),
        ..plan("storage=any,logic-app=502,handler=kills")
    };
    let report = field.load(plan).await;
    println!("{report}");
    assert!(report.kept, "{report}");
    let faults = report.faults.unwrap();
    assert!(faults.storage_spells > 0 && faults.kills > 0, "{report}");
    assert_eq!(report.messages.due, 600);
    let fates = report.fates;
    let found = fates.stored + fates.superseded + fates.mailed + fates.dead_lettered;
    assert_eq!(
        found, report.messages.accepted,
        "the faults are over: nothing waits"
    );
    let writes = field.stack.blob.as_ref().unwrap().storage().writes_after(0);
    let (writes, accepted) = (writes.len(), report.messages.accepted);
    assert!(
        writes * 5 < accepted * 4,
        "{writes} uploads of {accepted} carts"
    );
    field.stop().await;
}

/// The negative control: someone takes a blob back behind the function's back while the load runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_a_blob_that_somebody_takes_back() {
    let field = Field::start().await;
    let stack = Arc::clone(&field.stack);
    let vandal = async move {
        let blob = stack.blob.as_ref().unwrap();
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let requests = blob.requests();
            let mut names = requests
                .iter()
                .filter_map(|request| request.path.split_once("/orders/"));
            let Some((_, name)) = names.next() else {
                continue;
            };
            if let [first, _, .., _] = blob.history("orders", name).as_slice() {
                let old = Upload {
                    bytes: first.bytes.clone(),
                    metadata: first.metadata.clone(),
                    content_type: first.content_type.clone(),
                };
                blob.storage()
                    .put("orders", name, old, &Conditions::default())
                    .unwrap();
                return;
            }
        }
    };
    let mut quiet = plan("handler=kills");
    quiet.faults = <_>::default();
    let (report, ()) = tokio::join!(field.load(quiet), vandal);
    println!("{report}");
    assert!(!report.kept);
    let back = report
        .violations
        .iter()
        .any(|violation| matches!(violation, Violation::WentBack { .. }));
    assert!(back, "{report}");
    field.stop().await;
}
