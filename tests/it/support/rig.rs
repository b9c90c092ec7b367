//! The real binary between two scripted servers: one for Blob Storage, one for the Logic App.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blob::{ACCOUNT, ACCOUNT_KEY};
use serde_json::Value;
use testkit::scripted::{Scripted, Step, answer, answering};

use super::{Answer, Handler, Message};

/// Generous, so that no attempt times out on a busy machine where the test means another fault.
pub(crate) const ATTEMPT_TIMEOUT_MS: u32 = 20_000;

/// Storage at `address`, opened with the emulator's key.
pub(crate) fn storage_at(address: SocketAddr) -> String {
    format!(
        "AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint=http://{address}/{ACCOUNT}"
    )
}

/// The settings that every run needs.
pub(crate) fn settings(storage: &str, fallback: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("OrdersStorage", storage.to_owned()),
        ("FALLBACK_URL", format!("http://{fallback}/notify")),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", ATTEMPT_TIMEOUT_MS.to_string()),
        ("UPLOAD_BACKOFF_BASE_MS", "2".to_owned()),
        ("FALLBACK_TIMEOUT_MS", "60000".to_owned()),
        // A line for every order, also for one that is simply stored.
        ("RUST_LOG", "info,order_items_reserver=debug".to_owned()),
    ]
}

/// The workflow says yes.
pub(crate) fn accepting() -> Vec<Step> {
    let body = r#"{"status":"accepted"}"#;
    vec![Step::ReadAll, Step::Send(answer("202 Accepted", "", body))]
}

/// Blob Storage says no.
pub(crate) fn refusing(status: &str, code: &str) -> Vec<Step> {
    answering(status, &format!("x-ms-error-code: {code}\r\n"))
}

/// Storage, handler, Logic App.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) storage: Scripted,
    pub(crate) fallback: Scripted,
    pub(crate) handler: Handler,
}

/// The end of one delivery, from all sides.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) answer: Answer,
    pub(crate) line: Value,
}

impl Rig {
    /// A handler over the two servers; `changed` settings go before the usual ones.
    pub(crate) async fn start(
        storage: Scripted,
        fallback: Scripted,
        changed: &[(&'static str, &str)],
    ) -> Self {
        let mut settings = settings(&storage_at(storage.address), fallback.address);
        settings.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
        settings.extend(
            changed
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let handler = Handler::start(&settings).await;
        Self {
            storage,
            fallback,
            handler,
        }
    }

    pub(crate) async fn deliver(&self, message: &Message) -> Ended {
        let answer = self.handler.deliver(message).await;
        let line = self.handler.line(message).await;
        Ended { answer, line }
    }

    /// The notices that arrived, as JSON.
    pub(crate) fn notices(&self) -> Vec<Value> {
        let seen = self.fallback.received();
        let bodies = seen.iter().map(|seen| serde_json::from_slice(seen.body()));
        bodies.map(|body| body.expect("a notice is JSON")).collect()
    }

    /// Exactly one notice went out, with the whole order in it, byte for byte.
    pub(crate) fn assert_handed_over_whole(&self, message: &Message, attempts: u32) {
        let seen = self.fallback.received();
        assert_eq!(seen.len(), 1, "one call of the fallback per delivery");
        assert_eq!(seen[0].method(), "POST");
        assert_eq!(seen[0].target(), "/notify");
        self.assert_body(&message.body);
        let failure = &self.notices()[0]["failure"];
        assert_eq!(failure["attempts"], attempts);
        assert_eq!(failure["sessionId"], message.session);
        assert_eq!(failure["blobName"], message.blob_name());
        assert_eq!(failure["messageId"], message.id);
        assert_eq!(failure["sequenceNumber"], message.sequence);
    }

    /// The first notice has these bytes.
    pub(crate) fn assert_body(&self, expected: &[u8]) {
        let notices = self.notices();
        let data = notices[0]["body"]["data"].as_str().unwrap();
        assert_eq!(STANDARD.decode(data).unwrap(), expected, "byte for byte");
    }
}
