//! Storage, Logic App, proxies in front of both, and the broker's part.

use std::net::SocketAddr;

use blob::BlobEndpoint;
use logic_app::LogicApp;
use testkit::net::listener;
use testkit::scripted::{Gate, Scripted, Step};
use testkit::within;
use tokio::task::JoinSet;

use super::Point;
use super::oracle::Evidence;
use crate::support::rig::{settings, storage_at};
use crate::support::{Handler, Message};

/// Passes on what comes and what goes back.
fn through(to: SocketAddr) -> Vec<Step> {
    vec![Step::ReadAll, Step::Forward(to), Step::Relay]
}

/// Storage, Logic App, and a handler that is killed and started again.
pub(super) struct World {
    pub(super) endpoint: BlobEndpoint,
    pub(super) app: LogicApp,
    pub(super) storage: Scripted,
    pub(super) fallback: Scripted,
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) published: Vec<Message>,
}

impl World {
    pub(super) async fn start() -> Self {
        let endpoint = BlobEndpoint::start(listener().await).unwrap();
        let app = LogicApp::start(listener().await).unwrap();
        let url = url::Url::parse(&app.url()).unwrap();
        let app_address = url.socket_addrs(|| None).unwrap()[0];
        let storage = Scripted::start([], through(endpoint.address())).await;
        let fallback = Scripted::start([], through(app_address)).await;
        let mut settings = settings(&storage_at(storage.address), fallback.address);
        let trigger = app
            .url()
            .replace(&app_address.to_string(), &fallback.address.to_string());
        settings.retain(|(name, _)| *name != "FALLBACK_URL");
        settings.push(("FALLBACK_URL", trigger));
        Self {
            endpoint,
            app,
            storage,
            fallback,
            settings,
            published: Vec::new(),
        }
    }

    pub(super) fn publish(&mut self, sequence: u64) -> Message {
        let message = Message::new("cart", sequence);
        self.published.push(message.clone());
        message
    }

    pub(super) fn evidence(&self) -> Evidence {
        let history = self.endpoint.history("orders", "cart.json");
        let stored = history.into_iter().map(|blob| {
            let sequence = blob.metadata["sequence"].parse().unwrap();
            (sequence, blob.bytes)
        });
        Evidence {
            stored: stored.collect(),
            mailed: self
                .app
                .received()
                .into_iter()
                .map(|mail| mail.body)
                .collect(),
        }
    }

    /// The broker: hands out until it is acknowledged. An acknowledgement is judged at once.
    pub(super) async fn settle(&self, handler: &Handler, message: &Message) {
        let mut message = message.clone();
        for _ in 0..10 {
            if handler.deliver(&message).await.status == 200 {
                assert_eq!(self.evidence().keeps(&message), Ok(()), "acknowledged");
                return;
            }
            message = message.again();
        }
        panic!("dead-lettered: {message:?}");
    }

    /// Runs `message` into `point` and kills the process there.
    pub(super) async fn die_at(
        &self,
        mut handler: Handler,
        message: &Message,
        point: &Point,
        gate: &Gate,
    ) {
        point
            .storage
            .iter()
            .for_each(|steps| self.storage.next(steps.clone()));
        point
            .fallback
            .iter()
            .for_each(|steps| self.fallback.next(steps.clone()));
        let (door, invocation) = (handler.door.clone(), message.invocation());
        let mut under_way = JoinSet::new();
        under_way.spawn(async move { door.post(invocation).await });
        gate.reached().await;
        handler.kill().await;
        let answer = within("the end of the connection", under_way.join_next()).await;
        assert_eq!(
            answer.unwrap().unwrap(),
            None,
            "killed before it could answer"
        );
    }
}
