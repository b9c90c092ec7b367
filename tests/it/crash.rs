//! SIGKILL at every point of an upload: the real binary, a restart, and the broker's redelivery.
//!
//! Between the binary and its two servers stand proxies that stop a request where the test wants
//! it. A request that was under way when the process died is let go later, as a network would: it
//! is a write that nobody waits for any more. The oracle knows what was published, what storage
//! accepted and what was mailed, and nothing of how it came about.
#![cfg(test)]

use std::net::SocketAddr;

use bytes::Bytes;
use devstack::{blob::BlobEndpoint, logic_app::LogicApp};
use tokio::task::JoinSet;

use crate::support::{
    Gate, Handler, Message, Scripted, Step, contains, listener,
    rig::{settings, storage_at},
    scripted::{answer, refusing},
    within,
};

/// Passes on what comes and what goes back.
fn through(to: SocketAddr) -> Vec<Step> {
    vec![Step::ReadAll, Step::Forward(to), Step::Relay]
}

/// Where the process is killed.
#[derive(Default)]
struct Point {
    storage: Vec<Vec<Step>>,
    fallback: Vec<Vec<Step>>,
    /// Set when something of the dead process is still to take effect.
    is_late: bool,
    /// Set when there is no container yet.
    is_fresh: bool,
}

/// Storage, Logic App, and a handler that is killed and started again.
struct World {
    endpoint: BlobEndpoint,
    app: LogicApp,
    storage: Scripted,
    fallback: Scripted,
    settings: Vec<(&'static str, String)>,
    published: Vec<Message>,
}

impl World {
    async fn start() -> Self {
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

    fn publish(&mut self, sequence: u64) -> Message {
        let message = Message::new("cart", sequence);
        self.published.push(message.clone());
        message
    }

    fn evidence(&self) -> Evidence {
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
    async fn settle(&self, handler: &Handler, message: &Message) {
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
    async fn die_at(&self, mut handler: Handler, message: &Message, point: &Point, gate: &Gate) {
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

/// What can be seen from outside: every state of the blob, and every mail.
#[derive(Debug, Default)]
struct Evidence {
    stored: Vec<(u64, Bytes)>,
    mailed: Vec<Bytes>,
}

impl Evidence {
    /// Whether this order is safe: stored, replaced by a newer one, or with a person.
    fn keeps(&self, message: &Message) -> Result<(), String> {
        let stored = self
            .stored
            .last()
            .is_some_and(|(number, _)| *number >= message.sequence);
        let mailed = self.mailed.iter().any(|mail| contains(mail, &message.body));
        match stored || mailed {
            true => Ok(()),
            false => Err(format!("order {} is lost: {self:?}", message.sequence)),
        }
    }

    /// The promise, once all messages are settled.
    fn judge(&self, published: &[Message]) -> Result<(), String> {
        if !self.stored.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(format!("the blob went back: {self:?}"));
        }
        for (number, bytes) in &self.stored {
            let message = published.iter().find(|message| message.sequence == *number);
            if message.is_none_or(|message| message.body != bytes) {
                return Err(format!("not what was published: {number} {bytes:?}"));
            }
        }
        published.iter().try_for_each(|message| self.keeps(message))
    }
}

/// What happens after the restart.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The message is delivered again, then the late request arrives.
    Redelivery,
    /// The late request arrives first.
    LateRequest,
    /// A newer order of the session overtakes both.
    NewerOrder,
}

/// Kills the process at `point`, in each situation before and after.
async fn kill_at(point: fn(SocketAddr, SocketAddr, &Gate, &Gate) -> Point) {
    let mut scenarios = JoinSet::new();
    for is_warm in [false, true] {
        for then in [Then::Redelivery, Then::LateRequest, Then::NewerOrder] {
            scenarios.spawn(scenario(point, is_warm, then));
        }
    }
    while let Some(ended) = scenarios.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn scenario(
    point: fn(SocketAddr, SocketAddr, &Gate, &Gate) -> Point,
    is_warm: bool,
    then: Then,
) {
    let mut world = World::start().await;
    let (gate, landed) = (Gate::new(), Gate::new());
    let app = url::Url::parse(&world.app.url())
        .unwrap()
        .socket_addrs(|| None)
        .unwrap()[0];
    let point = point(world.endpoint.address(), app, &gate, &landed);
    if !point.is_fresh {
        world.endpoint.storage().create_container("orders").unwrap();
    }
    let handler = Handler::start(&world.settings).await;
    if is_warm {
        let older = world.publish(1);
        world.settle(&handler, &older).await;
    }
    let message = world.publish(2);
    world.die_at(handler, &message, &point, &gate).await;
    let restarted = Handler::start(&world.settings).await;
    let let_go = async || {
        gate.open();
        if point.is_late {
            landed.reached().await;
        }
    };
    match then {
        Then::Redelivery => {
            world.settle(&restarted, &message.again()).await;
            let_go().await;
        }
        Then::LateRequest => {
            let_go().await;
            world.settle(&restarted, &message.again()).await;
        }
        Then::NewerOrder => {
            let newer = world.publish(3);
            world.settle(&restarted, &newer).await;
            let_go().await;
            world.settle(&restarted, &message.again()).await;
        }
    }
    let judged = world.evidence().judge(&world.published);
    assert_eq!(judged, Ok(()), "warm: {is_warm}, then: {then:?}");
}

macro_rules! killed {
    ($($(#[$why:meta])* $name:ident = $point:expr;)*) => {
        $($(#[$why])*
        #[tokio::test]
        async fn $name() {
            kill_at($point).await;
        })*
    };
}

fn four_refusals() -> Vec<Vec<Step>> {
    vec![refusing("503 Service Unavailable", "ServerBusy"); 4]
}

killed! {
    killed_before_storage_reads_the_upload_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![vec![
            Step::Hold(gate.clone()),
            Step::ReadAll,
            Step::Forward(store),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_in_the_head_of_the_upload_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![Step::Read(20), Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_in_the_body_of_the_upload_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![Step::Read(900), Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_before_the_upload_is_applied_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Hold(gate.clone()),
            Step::Forward(store),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_before_the_upload_is_answered_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![vec![Step::ReadAll, Step::Forward(store), Step::Hold(gate.clone()), Step::Relay]],
        ..Point::default()
    };

    killed_within_the_answer_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Forward(store),
            Step::Send(b"HTTP/1.1 201 Cre".to_vec()),
            Step::Hold(gate.clone()),
        ]],
        ..Point::default()
    };

    /// The server asks for 20 s, so the process is certain to be waiting.
    killed_between_two_attempts_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Send(answer("503 Service Unavailable", "retry-after: 20\r\n", "")),
            Step::Hold(gate.clone()),
            Step::Close,
        ]],
        ..Point::default()
    };

    /// The first attempt took effect without saying so; the second is on its way.
    killed_in_the_second_attempt_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![
            vec![Step::ReadAll, Step::Forward(store), Step::Reset],
            vec![
                Step::ReadAll,
                Step::Hold(gate.clone()),
                Step::Forward(store),
                Step::Hold(landed.clone()),
            ],
        ],
        is_late: true,
        ..Point::default()
    };

    killed_while_it_reads_what_is_stored_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![
            refusing("412 Precondition Failed", "ConditionNotMet"),
            vec![Step::ReadAll, Step::Hold(gate.clone()), Step::Close],
        ],
        ..Point::default()
    };

    killed_while_it_creates_the_container_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![
            refusing("404 Not Found", "ContainerNotFound"),
            vec![Step::ReadAll, Step::Forward(store), Step::Hold(gate.clone()), Step::Relay],
        ],
        is_fresh: true,
        ..Point::default()
    };

    killed_before_the_fallback_reads_nothing_is_lost_or_rolled_back = |_, app, gate, landed| Point {
        storage: four_refusals(),
        fallback: vec![vec![
            Step::Hold(gate.clone()),
            Step::ReadAll,
            Step::Forward(app),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_before_the_fallback_accepts_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![Step::ReadAll, Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_before_the_fallback_answers_nothing_is_lost_or_rolled_back = |_, app, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![Step::ReadAll, Step::Forward(app), Step::Hold(gate.clone()), Step::Relay]],
        ..Point::default()
    };

    /// Both sides said no: the process waits a second before it gives the message back.
    killed_before_the_message_is_given_back_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![
            Step::ReadAll,
            Step::Send(answer("502 Bad Gateway", "", "")),
            Step::Hold(gate.clone()),
            Step::Close,
        ]],
        ..Point::default()
    };
}

/// Killed while it may be answering: acknowledged or not, the order is safe.
#[tokio::test]
async fn killed_as_it_answers_an_acknowledgement_is_never_a_lie() {
    let mut world = World::start().await;
    for sequence in 1..=10 {
        let mut handler = Handler::start(&world.settings).await;
        let message = world.publish(sequence);
        let (door, invocation) = (handler.door.clone(), message.invocation());
        let mut under_way = JoinSet::new();
        under_way.spawn(async move { door.post(invocation).await });
        let is_stored =
            || !world.evidence().stored.is_empty() && world.evidence().keeps(&message).is_ok();
        crate::support::until("the order to be stored", is_stored).await;
        handler.kill().await;
        let answer = under_way.join_next().await.unwrap().unwrap();
        if answer.is_none_or(|answer| answer.status != 200) {
            let restarted = Handler::start(&world.settings).await;
            world.settle(&restarted, &message.again()).await;
        }
        assert_eq!(world.evidence().judge(&world.published), Ok(()));
    }
}

#[test]
fn the_oracle_can_tell_a_loss_a_roll_back_and_a_change() {
    let [first, second] = [1, 2].map(|number| Message::new("cart", number));
    let stored = |messages: &[&Message]| Evidence {
        stored: messages
            .iter()
            .map(|message| (message.sequence, message.body.clone()))
            .collect(),
        mailed: Vec::new(),
    };
    let published = [first.clone(), second.clone()];
    assert_eq!(stored(&[&first, &second]).judge(&published), Ok(()));
    assert_eq!(stored(&[&second]).judge(&published), Ok(()));
    assert!(stored(&[]).judge(&published).is_err(), "both lost");
    assert!(
        stored(&[&first]).judge(&published).is_err(),
        "the newer one lost"
    );
    assert!(
        stored(&[&second, &first]).judge(&published).is_err(),
        "went back"
    );
    assert!(
        stored(&[&second, &second]).judge(&published).is_err(),
        "written twice"
    );
    let changed = Message {
        body: first.body.clone(),
        ..second.clone()
    };
    assert!(
        stored(&[&changed]).judge(&published).is_err(),
        "other bytes"
    );
    let mailed = Evidence {
        mailed: vec![second.body.clone()],
        ..stored(&[&first])
    };
    assert_eq!(mailed.judge(&published), Ok(()));
}
