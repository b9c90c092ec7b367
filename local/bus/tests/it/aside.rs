//! Messages that no receiver is handed unasked, and the other ways to settle one. The clock is
//! paused throughout.

use std::time::Duration;

use bus::{
    Abandoned, AmqpBytes, DeadLetterReason, Enqueued, Holder, LockLost, Message, MessageState,
    NoSuchNumber, PropertyChanges, Queue, QueueOptions, SessionHeld, SessionLost, Transition,
};
use serde_json::json;
use stand_in::Clock;
use tokio::time::{advance, timeout};

const MINUTE: Duration = Duration::from_secs(60);

fn queue() -> Queue {
    Queue::new("order-items", QueueOptions::default(), Clock::new())
}

fn with_sessions() -> Queue {
    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    Queue::new("order-items", options, Clock::new())
}

fn in_minutes(queue: &Queue, minutes: u32, message: Message) -> Message {
    let mut message = message;
    message.properties.scheduled_enqueue = Some(queue.clock().now() + minutes * MINUTE);
    message
}

fn unchanged() -> PropertyChanges {
    PropertyChanges::default()
}

#[tokio::test(start_paused = true)]
async fn a_deferred_message_comes_by_its_number_only_and_stays_aside_when_it_is_given_back() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    let first = queue.receive().await;
    queue.defer(first.lock_token, unchanged()).unwrap();
    assert_eq!(queue.complete(first.lock_token), Err(LockLost));
    assert!(queue.try_receive().is_none());
    assert_eq!(queue.counts().deferred, 1);
    assert_eq!(queue.peek()[0].state, MessageState::Deferred);
    let missing = queue.receive_deferred(&[1, 9], None).unwrap();
    assert_eq!(missing, Err(NoSuchNumber::Deferred(9)), "all or none");
    for count in 2..=9 {
        let again = queue.receive_deferred(&[1, 1], None).unwrap().unwrap();
        assert_eq!((again.len(), again[0].delivery_count), (1, count));
        let out = queue.receive_deferred(&[1], None).unwrap();
        assert_eq!(out, Err(NoSuchNumber::Deferred(1)), "it is locked");
        let token = again[0].lock_token;
        assert_eq!(queue.abandon(token), Ok(Abandoned::Available));
        assert!(queue.try_receive().is_none());
    }
    queue.receive_deferred(&[1], None).unwrap().unwrap();
    advance(6 * MINUTE).await;
    assert_eq!(queue.counts().deferred, 0, "its last hand-out is over");
    assert_eq!(queue.dead_letters()[0].delivery_count, 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_given_back_unseen_counts_for_nothing() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    for _ in 0..30 {
        let delivery = queue.try_receive().unwrap();
        assert_eq!(delivery.delivery_count, 1);
        queue.give_back(delivery.lock_token).unwrap();
        assert_eq!(queue.give_back(delivery.lock_token), Err(LockLost));
    }
    assert_eq!(queue.counts().active, 1);
}

#[tokio::test(start_paused = true)]
async fn receive_and_delete_is_one_step() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    let mut transitions = queue.transitions();
    let taken = queue.try_receive_and_delete().unwrap();
    assert_eq!(taken.delivery_count, 1);
    assert_eq!(queue.complete(taken.lock_token), Err(LockLost));
    assert_eq!(queue.peek().len(), 0);
    let completed = Transition::Completed { sequence: 1 };
    assert_eq!(transitions.try_recv(), Ok(completed));
    assert!(transitions.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn properties_are_changed_when_a_message_is_given_back_set_aside_or_given_up() {
    let queue = queue();
    let mut message = Message::new("a");
    message.properties.application = serde_json::from_str(r#"{"kind":"cart","try":1}"#).unwrap();
    queue.enqueue(message).unwrap();
    let changes = |value: u8| PropertyChanges {
        application: [("try".to_owned(), json!(value))].into_iter().collect(),
        typed: [("try".to_owned(), AmqpBytes(vec![0x50, value].into()))].into(),
    };
    let delivery = queue.receive().await;
    queue.abandon_with(delivery.lock_token, changes(2)).unwrap();
    let delivery = queue.receive().await;
    let application = |message: &Message| json!(message.properties.application);
    let expected = json!({"kind":"cart","try":2});
    assert_eq!(application(&delivery.accepted.message), expected);
    queue.defer(delivery.lock_token, changes(3)).unwrap();
    let deferred = queue.receive_deferred(&[1], None).unwrap().unwrap();
    let reason = DeadLetterReason::ByReceiver {
        reason: Some("Odd".to_owned()),
        description: Some("no such cart".to_owned()),
    };
    let token = deferred[0].lock_token;
    queue
        .dead_letter(token, reason.clone(), changes(4))
        .unwrap();
    let letter = queue.try_receive_dead_letter().unwrap();
    assert_eq!(letter.letter.reason, reason);
    queue
        .unlock_dead_letter_with(letter.lock_token, changes(5))
        .unwrap();
    let letter = &queue.dead_letters()[0];
    let expected = json!({"kind":"cart","try":5});
    assert_eq!(application(&letter.accepted.message), expected);
    let typed = &letter.accepted.message.typed["try"];
    assert_eq!(typed.0, [0x50, 5].as_slice());
    let lost = queue.abandon_with(delivery.lock_token, changes(9));
    assert_eq!(lost, Err(LockLost));
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_waits_from_its_time_on_under_a_new_number() {
    let queue = queue();
    let later = in_minutes(&queue, 10, Message::new("later").with_id("later"));
    let sent = queue.enqueue(later.clone()).unwrap();
    assert_eq!(sent, Enqueued::Accepted { sequence: 1 });
    assert_eq!(queue.enqueue(later).unwrap(), Enqueued::Duplicate);
    assert_eq!(queue.counts().scheduled, 1);
    queue.enqueue(Message::new("now")).unwrap();
    let now = queue.receive().await;
    assert_eq!(now.accepted.message.body, "now");
    queue.complete(now.lock_token).unwrap();
    let due = queue.clock().now() + 10 * MINUTE;
    // Nothing is sent meanwhile: the receiver wakes because the time has come.
    let delivery = queue.receive().await;
    assert_eq!(queue.clock().now(), due);
    assert_eq!(
        (delivery.accepted.sequence, delivery.accepted.enqueued),
        (3, due)
    );
    assert_eq!(delivery.accepted.expires, due + 14 * 24 * 60 * MINUTE);
    let past = Message::new("past");
    let mut past = in_minutes(&queue, 0, past);
    past.properties.scheduled_enqueue = Some(due - MINUTE);
    queue.enqueue(past).unwrap();
    assert_eq!(
        queue.receive().await.accepted.message.body,
        "past",
        "at once"
    );
}

#[tokio::test(start_paused = true)]
async fn scheduled_messages_come_in_the_order_of_their_times_and_before_what_is_sent_later() {
    let queue = queue();
    for (minutes, body) in [(3, "third"), (1, "first"), (2, "second"), (9, "called off")] {
        queue
            .enqueue(in_minutes(&queue, minutes, Message::new(body)))
            .unwrap();
    }
    assert_eq!(
        queue.cancel_scheduled(&[4, 7]),
        Err(NoSuchNumber::Scheduled(7))
    );
    assert_eq!(queue.counts().scheduled, 4, "all or none");
    queue.cancel_scheduled(&[4]).unwrap();
    advance(20 * MINUTE).await;
    // Nobody has looked since.
    queue.enqueue(Message::new("fourth")).unwrap();
    let order: Vec<_> = queue.peek().into_iter().map(|it| it.accepted).collect();
    let bodies: Vec<_> = order.iter().map(|it| &it.message.body[..]).collect();
    assert_eq!(
        bodies,
        [b"first".as_slice(), b"second", b"third", b"fourth"]
    );
    assert!(order.is_sorted_by_key(|it| it.enqueued));
    assert_eq!(
        queue.cancel_scheduled(&[2]),
        Err(NoSuchNumber::Scheduled(2)),
        "too late"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_message_is_dropped_where_the_queue_keeps_no_such_letters() {
    let options = QueueOptions {
        dead_letter_expired: false,
        ..QueueOptions::default()
    };
    let queue = Queue::new("order-items", options, Clock::new());
    let mut message = Message::new("a");
    message.properties.time_to_live = Some(30.0);
    for _ in 0..2 {
        queue.enqueue(message.clone()).unwrap();
    }
    let delivery = queue.receive().await;
    queue.defer(delivery.lock_token, unchanged()).unwrap();
    advance(MINUTE).await;
    assert!(queue.try_receive().is_none());
    assert_eq!(queue.dead_letters().len(), 0);
    assert_eq!(queue.peek().len(), 1);
    let deferred = queue.receive_deferred(&[1], None).unwrap();
    assert!(deferred.is_ok(), "what is set aside does not expire");
}

#[tokio::test(start_paused = true)]
async fn a_peek_takes_nothing_and_goes_on_where_it_is_told() {
    let queue = queue();
    for (session, body) in [("A", "1"), ("B", "2"), ("A", "3"), ("B", "4"), ("A", "5")] {
        queue
            .enqueue(Message::new(body).with_session(session))
            .unwrap();
    }
    queue
        .enqueue(in_minutes(&queue, 1, Message::new("6")))
        .unwrap();
    let [one, two] = [(); 2].map(|()| queue.try_receive().unwrap());
    queue.defer(one.lock_token, unchanged()).unwrap();
    let seen = |from, count, session| {
        let all = queue.peek_from(from, count, session).into_iter();
        all.map(|it| it.accepted.sequence).collect::<Vec<_>>()
    };
    assert_eq!(seen(0, 100, None), [1, 2, 3, 4, 5, 6]);
    assert_eq!(seen(2, 3, None), [2, 3, 4]);
    assert_eq!(seen(0, 100, Some("A")), [1, 3, 5]);
    assert_eq!(seen(7, 100, None), [0; 0]);
    let held = queue.held_locks();
    assert_eq!(
        (held.len(), held[0].sequence, held[0].by),
        (1, 2, Holder::InProcess)
    );
    assert_eq!(held[0].until, two.locked_until);
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_asked_for_by_name_and_keeps_a_state_for_whoever_comes_next() {
    let queue = with_sessions();
    let empty = queue.accept_named_session("S").unwrap();
    assert_eq!(queue.accept_named_session("S"), Err(SessionHeld));
    queue.enqueue(Message::new("a").with_session("S")).unwrap();
    assert!(
        timeout(MINUTE, queue.accept_session()).await.is_err(),
        "it is held"
    );
    assert_eq!(queue.session_state(empty.token), Ok(None));
    let left = Some(AmqpBytes(b"half done".to_vec().into()));
    queue.set_session_state(empty.token, left.clone()).unwrap();
    queue.close_session(empty.token);
    assert_eq!(queue.set_session_state(empty.token, None), Err(SessionLost));
    let next = queue.accept_session().await;
    assert_eq!(queue.session_state(next.token), Ok(left));
    queue.set_session_state(next.token, None).unwrap();
    assert_eq!(queue.session_state(next.token), Ok(None));
    assert_eq!(queue.session_names().into_iter().collect::<Vec<_>>(), ["S"]);
}

#[tokio::test(start_paused = true)]
async fn a_deferred_message_of_a_session_is_for_who_holds_the_session() {
    let queue = with_sessions();
    for session in ["A", "B"] {
        queue
            .enqueue(Message::new("x").with_session(session))
            .unwrap();
        let lock = queue.accept_named_session(session).unwrap();
        let received = queue.receive_in_session(lock.token, MINUTE).await;
        let token = received.unwrap().unwrap().lock_token;
        queue.defer(token, unchanged()).unwrap();
        queue.close_session(lock.token);
    }
    let lock = queue.accept_named_session("A").unwrap();
    assert_eq!(queue.receive_deferred(&[1], None), Err(SessionLost));
    let other = queue.receive_deferred(&[2], Some(lock.token)).unwrap();
    assert_eq!(other, Err(NoSuchNumber::Deferred(2)));
    let own = queue
        .receive_deferred(&[1], Some(lock.token))
        .unwrap()
        .unwrap();
    assert_eq!(own[0].locked_until, lock.locked_until);
    // Given back with the session, uncounted, and still aside.
    queue.close_session(lock.token);
    let lock = queue.accept_named_session("A").unwrap();
    let own = queue
        .receive_deferred(&[1], Some(lock.token))
        .unwrap()
        .unwrap();
    assert_eq!(own[0].delivery_count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_lost_or_refused_on_demand() {
    let queue = with_sessions();
    queue.enqueue(Message::new("a").with_session("S")).unwrap();
    let lock = queue.accept_session().await;
    assert_eq!(queue.held_sessions()[0].by, Holder::InProcess);
    queue.refuse_session("S", true);
    assert!(
        queue.renew_session(lock.token).is_ok(),
        "who has it keeps it"
    );
    assert!(queue.lose_session("S"));
    assert!(!queue.lose_session("S"));
    assert_eq!(queue.renew_session(lock.token), Err(SessionLost));
    assert_eq!(queue.accept_named_session("S"), Err(SessionHeld));
    assert!(timeout(MINUTE, queue.accept_session()).await.is_err());
    assert_eq!(queue.refused_sessions(), ["S"]);
    queue.refuse_session("S", false);
    assert_eq!(queue.accept_session().await.session_id, "S");
}
