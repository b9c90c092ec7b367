//! Microsoft's clients for Python and Node receive, as they are: each step is seen from both sides,
//! by the client's library and in the queue.
#![cfg(unix)]

use std::time::Duration;

use bus::{
    AmqpDoor, AmqpOptions, AmqpService, DeadLetterReason, Holder, Message, MessageState, Queue,
    QueueOptions,
};
use serde_json::{Value, json};
use stand_in::Clock;
use testkit::clients::{self, Client, Receiving};

struct Meeting {
    queue: Queue,
    door: AmqpDoor,
    client: Receiving,
}

impl Meeting {
    async fn arrange(client: &Client, options: QueueOptions) -> Self {
        let queue = Queue::new("order-items", options, Clock::new());
        let service = AmqpService::new(AmqpOptions {
            queues: vec![queue.clone()],
            ..AmqpOptions::default()
        });
        let door = AmqpDoor::start(testkit::net::listener().await, service).unwrap();
        let connection = format!(
            "Endpoint=sb://localhost:{};SharedAccessKeyName=RootManageSharedAccessKey;\
             SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true",
            door.address().port()
        );
        Self {
            queue,
            door,
            client: client.receive(&connection),
        }
    }

    async fn in_sessions(client: &Client) -> Self {
        let options = QueueOptions {
            sessions: true,
            ..QueueOptions::default()
        };
        Self::arrange(client, options).await
    }

    async fn one(&mut self, name: &str) -> Value {
        let received = self.client.told(json!({"do":"receive","name":name})).await;
        let [message] = received.as_array().unwrap().as_slice() else {
            panic!("expected one message, found {received}");
        };
        message.clone()
    }

    async fn act(&mut self, what: &str, name: &str, sequence: u64) {
        let step = json!({"do":what,"name":name,"sequence":sequence});
        self.client.told(step).await;
    }

    fn holders(&self) -> Vec<u64> {
        self.queue
            .held_locks()
            .iter()
            .map(|lock| lock.sequence)
            .collect()
    }

    fn state_of(&self, sequence: u64) -> Option<MessageState> {
        self.queue.find(sequence).map(|peeked| peeked.state)
    }
}

fn typed_message(body: &'static str) -> Message {
    let mut message = Message::new(body).with_id(body);
    let properties = r#"{"kind":"cart","try":1,"big":5000000000,"half":0.5,"paid":true}"#;
    message.properties.application = serde_json::from_str(properties).unwrap();
    message
}

async fn receives_and_settles(client: &Client) {
    let mut meeting = Meeting::arrange(client, QueueOptions::default()).await;
    let queue = meeting.queue.clone();
    queue.enqueue(typed_message("a")).unwrap();
    meeting.client.told(json!({"do":"open","name":"r"})).await;
    let first = meeting.one("r").await;
    assert_eq!(first["body"], "a");
    assert_eq!(first["count"], 0);
    let sent = json!({"kind":"cart","try":1,"big":5_000_000_000_u64,"half":0.5,"paid":true});
    assert_eq!(first["properties"], sent);
    let held = &queue.held_locks()[0];
    assert_eq!(held.sequence, 1);
    let receivers = queue.receivers();
    let [receiver] = receivers.as_slice() else {
        panic!("{receivers:?}")
    };
    assert_eq!(held.by, Holder::Link(receiver.id));
    assert!(!receiver.client.is_empty() && receiver.address.starts_with("127.0.0.1:"));

    // Renewed: the client hears the new end, to the millisecond.
    let renewed = meeting
        .client
        .told(json!({"do":"renew","name":"r","sequence":1}))
        .await;
    let until = queue.held_locks()[0].until.unix_timestamp_nanos() as f64 / 1e9;
    assert!(
        (renewed.as_f64().unwrap() - until).abs() < 0.002,
        "{renewed} {until}"
    );

    meeting.act("abandon", "r", 1).await;
    assert_eq!(meeting.holders(), [0; 0]);
    let second = meeting.one("r").await;
    assert_eq!(second["count"], 1);
    meeting.act("defer", "r", 1).await;
    assert_eq!(meeting.state_of(1), Some(MessageState::Deferred));
    let aside = meeting
        .client
        .told(json!({"do":"deferred","name":"r","numbers":[1]}))
        .await;
    assert_eq!(
        (&aside[0]["body"], &aside[0]["count"]),
        (&json!("a"), &json!(2))
    );
    assert_eq!(meeting.holders(), [1]);
    meeting.act("complete", "r", 1).await;
    assert_eq!(queue.peek(), []);

    meeting.door.stop().await;
}

async fn gives_up_on_a_message_and_reads_why(client: &Client) {
    let mut meeting = Meeting::arrange(client, QueueOptions::default()).await;
    let queue = meeting.queue.clone();
    meeting.client.told(json!({"do":"open","name":"r"})).await;
    queue.enqueue(typed_message("b")).unwrap();
    let sequence = meeting.one("r").await["sequence"].as_u64().unwrap();
    let step = json!({"do":"deadLetter","name":"r","sequence":sequence,"reason":"Odd","description":"no cart"});
    meeting.client.told(step).await;
    let expected = DeadLetterReason::ByReceiver {
        reason: Some("Odd".to_owned()),
        description: Some("no cart".to_owned()),
    };
    assert_eq!(queue.dead_letters()[0].reason, expected);

    // And from the dead-letter queue, with the reason; its count stays what it was.
    let step = json!({"do":"open","name":"dead","letters":true});
    meeting.client.told(step).await;
    for _ in 0..2 {
        let letter = meeting.one("dead").await;
        assert_eq!(
            (&letter["reason"], &letter["description"]),
            (&json!("Odd"), &json!("no cart"))
        );
        assert_eq!(
            (&letter["properties"]["kind"], &letter["count"]),
            (&json!("cart"), &json!(0))
        );
        meeting.act("abandon", "dead", sequence).await;
    }
    meeting.one("dead").await;
    meeting.act("complete", "dead", sequence).await;
    assert_eq!(queue.dead_letters(), []);
    meeting.door.stop().await;
}

async fn loses_a_lock_and_hears_it(client: &Client) {
    let mut meeting = Meeting::arrange(client, QueueOptions::default()).await;
    let queue = meeting.queue.clone();
    queue.enqueue(Message::new("a")).unwrap();
    meeting.client.told(json!({"do":"open","name":"r"})).await;
    meeting.one("r").await;
    assert_eq!(queue.lose_locks(|_| true), 1);
    for step in ["complete", "renew"] {
        let said = meeting
            .client
            .ask(json!({"do":step,"name":"r","sequence":1}))
            .await;
        let said = said.expect_err("the lock is lost");
        assert!(said.contains("Lost"), "{step}: {said}");
    }
    let again = meeting.one("r").await;
    assert_eq!(again["count"], 1, "it came at once, and counted");
    meeting.act("complete", "r", 1).await;
    assert_eq!(queue.peek(), []);
    let missing = meeting
        .client
        .ask(json!({"do":"deferred","name":"r","numbers":[7]}))
        .await;
    let missing = missing.expect_err("no such number");
    assert!(
        missing.contains("no deferred message has the number 7"),
        "{missing}"
    );
    meeting.door.stop().await;
}

async fn peeks_deletes_schedules_and_calls_off(client: &Client) {
    let mut meeting = Meeting::arrange(client, QueueOptions::default()).await;
    let queue = meeting.queue.clone();
    for body in ["a", "b"] {
        queue.enqueue(Message::new(body)).unwrap();
    }
    let step = json!({"do":"schedule","body":"later","seconds":3600});
    let numbers = meeting.client.told(step.clone()).await;
    assert_eq!((&numbers, queue.counts().scheduled), (&json!([3]), 1));
    let open = json!({"do":"open","name":"r","deletes":true});
    meeting.client.told(open).await;
    let peeked = meeting.client.told(json!({"do":"peek","name":"r"})).await;
    let peeked: Vec<_> = peeked
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["body"])
        .collect();
    assert_eq!(peeked, ["a", "b", "later"]);
    assert_eq!(queue.counts().locked, 0);
    let received = meeting
        .client
        .told(json!({"do":"receive","name":"r","count":2}))
        .await;
    assert_eq!(received[0]["body"], "a");
    let taken = received.as_array().unwrap().len();
    assert_eq!(
        queue.counts().active,
        2 - taken,
        "gone as soon as they are handed out"
    );
    let step = json!({"do":"cancel","numbers":[3]});
    meeting.client.told(step.clone()).await;
    assert_eq!(queue.counts().scheduled, 0);
    let said = meeting.client.ask(step).await.expect_err("it is gone");
    assert!(
        said.contains("no scheduled message has the number 3"),
        "{said}"
    );

    // One whose time comes: woken by the clock alone.
    meeting.client.told(json!({"do":"close","name":"r"})).await;
    meeting.client.told(json!({"do":"open","name":"s"})).await;
    while queue.try_receive_and_delete().is_some() {}
    meeting
        .client
        .told(json!({"do":"schedule","body":"soon","seconds":1}))
        .await;
    let soon = meeting.one("s").await;
    assert_eq!(
        (&soon["body"], &soon["sequence"]),
        (&json!("soon"), &json!(5))
    );
    meeting.act("complete", "s", 5).await;
    meeting.door.stop().await;
}

async fn works_in_sessions(client: &Client) {
    let mut meeting = Meeting::in_sessions(client).await;
    let queue = meeting.queue.clone();
    for (session, body) in [("A", "a1"), ("B", "b1"), ("A", "a2"), ("B", "b2")] {
        let step = json!({"do":"send","body":body,"session":session});
        meeting.client.told(step).await;
    }
    let opened = meeting
        .client
        .told(json!({"do":"open","name":"x","session":"*"}))
        .await;
    assert_eq!(opened["session"], "A", "whose message waits longest");
    let held = &queue.held_sessions()[0];
    assert_eq!(held.session_id, "A");
    let receiver = queue
        .receivers()
        .into_iter()
        .find(|it| Holder::Link(it.id) == held.by);
    assert_eq!(receiver.unwrap().session.as_deref(), Some("A"));

    let said = meeting
        .client
        .ask(json!({"do":"open","name":"y","session":"A"}))
        .await;
    let said = said.expect_err("it is held");
    assert!(said.contains("annotBeLocked"), "{said}");
    let opened = meeting
        .client
        .told(json!({"do":"open","name":"z","session":"B"}))
        .await;
    assert_eq!(opened["session"], "B");

    let first = meeting.one("x").await;
    assert_eq!(
        (&first["body"], &first["session"]),
        (&json!("a1"), &json!("A"))
    );
    meeting.act("abandon", "x", 1).await;
    let again = meeting.one("x").await;
    assert_eq!(
        (&again["body"], &again["count"]),
        (&json!("a1"), &json!(1)),
        "the order is kept"
    );
    meeting.act("complete", "x", 1).await;
    let renewed = meeting
        .client
        .told(json!({"do":"renewSession","name":"x"}))
        .await;
    let held = queue.held_sessions();
    let until = held.iter().find(|it| it.session_id == "A").unwrap().until;
    let until = until.unix_timestamp_nanos() as f64 / 1e9;
    assert!(
        (renewed.as_f64().unwrap() - until).abs() < 0.002,
        "{renewed} {until}"
    );
    let state = meeting.client.told(json!({"do":"state","name":"x"})).await;
    assert_eq!(state, Value::Null);
    let state = meeting
        .client
        .told(json!({"do":"state","name":"x","value":"half done"}))
        .await;
    assert_eq!(state, "half done");

    meeting.door.stop().await;
}

async fn gives_sessions_back_and_loses_them(client: &Client) {
    let mut meeting = Meeting::in_sessions(client).await;
    let queue = meeting.queue.clone();
    for (session, body) in [("A", "a2"), ("B", "b1")] {
        queue
            .enqueue(Message::new(body).with_session(session))
            .unwrap();
    }
    meeting
        .client
        .told(json!({"do":"open","name":"x","session":"*"}))
        .await;
    meeting
        .client
        .told(json!({"do":"open","name":"z","session":"B"}))
        .await;
    meeting
        .client
        .told(json!({"do":"state","name":"x","value":"half done"}))
        .await;

    // Closed: what is unsettled comes again, uncounted, to whoever takes the session next.
    assert_eq!(meeting.one("x").await["body"], "a2");
    meeting.client.told(json!({"do":"close","name":"x"})).await;
    testkit::until("the session to be free", || {
        queue.held_sessions().iter().all(|it| it.session_id != "A")
    })
    .await;
    let opened = meeting
        .client
        .told(json!({"do":"open","name":"w","session":"*"}))
        .await;
    assert_eq!(opened["session"], "A");
    let again = meeting.one("w").await;
    assert_eq!((&again["body"], &again["count"]), (&json!("a2"), &json!(0)));
    let state = meeting.client.told(json!({"do":"state","name":"w"})).await;
    assert_eq!(state, "half done");

    // Deferred in a session, and asked for in it.
    let sequence = again["sequence"].as_u64().unwrap();
    meeting.act("defer", "w", sequence).await;
    let step = json!({"do":"deferred","name":"w","numbers":[sequence]});
    let aside = meeting.client.told(step).await;
    assert_eq!(aside[0]["body"], "a2");
    meeting.act("complete", "w", sequence).await;
    assert_eq!(queue.find(sequence), None);

    // Lost: the client hears it.
    assert!(queue.lose_session("B"));
    let said = meeting
        .client
        .ask(json!({"do":"renewSession","name":"z"}))
        .await;
    let said = said.expect_err("the session is lost");
    assert!(
        said.contains("SessionLockLost") || said.contains("session lock"),
        "{said}"
    );
    meeting.door.stop().await;
}

/// A receiver's wait for a session ends when one comes, and when it has waited long enough.
async fn waits_for_a_session(client: &Client) {
    let mut meeting = Meeting::in_sessions(client).await;
    let queue = meeting.queue.clone();
    let step = json!({"do":"open","name":"x","session":"*"});
    let waits = || queue.receivers().iter().any(|it| it.waits_for_session);
    let comes = async {
        testkit::until("a receiver that waits", waits).await;
        queue.enqueue(Message::new("a").with_session("S")).unwrap();
    };
    let (opened, ()) = tokio::join!(meeting.client.told(step), comes);
    assert_eq!(opened["session"], "S");
    assert!(queue.receivers().iter().all(|it| !it.waits_for_session));
    assert_eq!(meeting.one("x").await["body"], "a");
    // Who leaves while it waits is forgotten.
    let connection_is_gone = || queue.receivers().is_empty();
    drop(meeting.client);
    testkit::until("no receiver", connection_is_gone).await;
    assert_eq!(queue.held_sessions(), []);
    meeting.door.stop().await;
}

async fn comes_back_after_a_cut(client: &Client) {
    let options = QueueOptions {
        lock_duration: Duration::from_secs(300),
        ..QueueOptions::default()
    };
    let mut meeting = Meeting::arrange(client, options).await;
    let queue = meeting.queue.clone();
    queue.enqueue(Message::new("a")).unwrap();
    meeting.client.told(json!({"do":"open","name":"r"})).await;
    meeting.one("r").await;
    assert_eq!(queue.cut_receivers(|_| true), 1);
    testkit::until("the receiver to be gone", || queue.receivers().is_empty()).await;
    assert_eq!(
        meeting.holders(),
        [1],
        "a message's lock outlives its link, as in Azure"
    );
    queue.enqueue(Message::new("b")).unwrap();
    let b = meeting.one("r").await;
    assert_eq!(b["body"], "b");
    meeting.act("complete", "r", 2).await;
    meeting.door.stop().await;
}

macro_rules! of_both_clients {
    ($($step:ident: $python:ident, $node:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $python() {
            if let Some(client) = clients::python() {
                $step(&client).await;
            }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $node() {
            if let Some(client) = clients::node() {
                $step(&client).await;
            }
        }
    )*};
}

of_both_clients! {
    receives_and_settles: python_receives_and_settles, node_receives_and_settles;
    gives_up_on_a_message_and_reads_why:
        python_gives_up_on_a_message_and_reads_why, node_gives_up_on_a_message_and_reads_why;
    loses_a_lock_and_hears_it: python_loses_a_lock_and_hears_it, node_loses_a_lock_and_hears_it;
    peeks_deletes_schedules_and_calls_off:
        python_peeks_deletes_schedules_and_calls_off, node_peeks_deletes_schedules_and_calls_off;
    works_in_sessions: python_works_in_sessions, node_works_in_sessions;
    gives_sessions_back_and_loses_them:
        python_gives_sessions_back_and_loses_them, node_gives_sessions_back_and_loses_them;
    waits_for_a_session: python_waits_for_a_session, node_waits_for_a_session;
    comes_back_after_a_cut: python_comes_back_after_a_cut, node_comes_back_after_a_cut;
}
