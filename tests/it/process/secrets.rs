//! What no output ever holds, whatever happens and however much is logged.

use testkit::net::nobody;
use testkit::scripted::{Scripted, Step, answering};
use tokio::task::JoinSet;

use super::assert_discreet;
use crate::support::handler::run;
use crate::support::rig::{accepting, storage_at};
use crate::support::{Handler, Message};

/// What must never be seen, one word for each kind.
const BODY: &str = "canary-of-the-body";
const EMAIL: &str = "canary@example.com";
const SAS: &str = "canary%2Bof%2Bthe%2BSAS";
const SIGNATURE: &str = "canary-of-the-trigger";

/// Messages that end in every way there is, all with what must not be shown.
fn telling_bodies() -> [String; 7] {
    [
        format!(r#"{{"id":"cart","email":"{EMAIL}","note":"{BODY}"}}"#),
        format!(r#"{{"id":"cart","email":"{EMAIL}","products":"{BODY}"}}"#),
        format!(r#"{{"id":{{"{EMAIL}":"{BODY}"}}}}"#),
        format!(r#"{{"id":"{BODY}","id":"{EMAIL}"}}"#),
        format!(r#"{{"email":"{EMAIL}" "{BODY}"#),
        format!(r#"["{EMAIL}","{BODY}"]"#),
        format!("{BODY} {EMAIL}"),
    ]
}

/// Ends every telling body in every way that these two servers lead to, all at once.
async fn talk(settings: &[(&'static str, String)]) -> Vec<String> {
    let mut handler = Handler::start(settings).await;
    let mut talking = JoinSet::new();
    for (number, body) in (1..).zip(telling_bodies()) {
        let mut message = Message::new(&format!("cart-{number}"), number);
        message.body = body.clone().into();
        // The same text once more, where the envelope should be.
        for invocation in [message.invocation(), body.into_bytes()] {
            let door = handler.door.clone();
            talking.spawn(async move { door.post(invocation).await.unwrap().body });
        }
    }
    let answers = talking.join_all().await;
    handler.kill().await;
    [answers, handler.stdout.all(), handler.stderr.all()].concat()
}

#[tokio::test]
async fn no_output_ever_holds_a_body_an_address_or_a_secret() {
    let dead = nobody();
    let reset = Scripted::start([], vec![Step::ReadAll, Step::Reset]).await;
    let taking = Scripted::start([], accepting()).await;
    let storing = Scripted::start([], answering("201 Created", "etag: \"1\"\r\n")).await;
    let sas = |address| {
        format!("BlobEndpoint=http://{address}/account;SharedAccessSignature=sv=1&sig={SAS}")
    };
    let trigger = |address| format!("http://{address}/invoke?sp=%2Frun&sig={SIGNATURE}");
    let mut running = JoinSet::new();
    for level in ["info", "trace"] {
        for (storage, fallback) in [
            (storing.address, taking.address),
            (dead.address, taking.address),
            (reset.address, taking.address),
            (dead.address, dead.address),
            (reset.address, reset.address),
        ] {
            for storage in [sas(storage), storage_at(storage)] {
                let settings = vec![
                    ("OrdersStorage", storage),
                    ("FALLBACK_URL", trigger(fallback)),
                    ("UPLOAD_BACKOFF_BASE_MS", "1".to_owned()),
                    ("RUST_LOG", level.to_owned()),
                ];
                running.spawn(async move {
                    let checked = run(&["--check"], &settings).await;
                    assert_discreet(&[checked.stdout, checked.stderr]);
                    assert_discreet(&talk(&settings).await);
                });
            }
        }
    }
    running.join_all().await;
}
