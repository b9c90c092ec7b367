//! A queue with sessions: who holds one, and in which order its messages come. The clock is paused
//! throughout.

use std::time::Duration;

use bus::{Abandoned, LockLost, Message, Queue, QueueOptions, SendRefused, SessionLost};
use stand_in::Clock;
use testkit::fixture::Folder;
use tokio::time::{advance, timeout};

use crate::journal::{journal, open_in};

const MINUTE: Duration = Duration::from_secs(60);

fn queue() -> Queue {
    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    Queue::new("order-items", options, Clock::new())
}

fn send(queue: &Queue, session: &str, body: &'static str) {
    queue
        .enqueue(Message::new(body).with_session(session))
        .expect("accepted");
}

#[tokio::test(start_paused = true)]
async fn a_message_needs_a_session_and_a_batch_is_refused_whole() {
    let queue = queue();
    assert_eq!(
        queue.enqueue(Message::new("x")),
        Err(SendRefused::NoSession)
    );
    let batch = vec![Message::new("a").with_session("S"), Message::new("b")];
    assert_eq!(queue.send(batch), Err(SendRefused::NoSession));
    assert_eq!(queue.counts().active, 0);
    send(&queue, "S", "x");
    assert_eq!(queue.peek()[0].accepted.sequence, 1);
    assert!(
        queue.try_receive().is_none(),
        "not without taking its session"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_has_one_receiver_and_its_messages_come_in_order_one_at_a_time() {
    let queue = queue();
    for (session, body) in [("A", "a1"), ("B", "b1"), ("A", "a2")] {
        send(&queue, session, body);
    }
    let a = queue.accept_session().await;
    let b = queue.accept_session().await;
    assert_eq!((a.session_id.as_str(), b.session_id.as_str()), ("A", "B"));
    assert!(
        timeout(MINUTE, queue.accept_session()).await.is_err(),
        "both are held"
    );
    let next = async || queue.receive_in_session(a.token, MINUTE).await;
    let first = next().await.unwrap().expect("a message");
    assert_eq!(first.accepted.message.body, "a1");
    assert_eq!(next().await, Ok(None), "one is out");
    queue.complete(first.lock_token).unwrap();
    let second = next().await.unwrap().expect("a message");
    assert_eq!(second.accepted.message.body, "a2");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_message_is_the_first_of_its_session_until_it_is_dead() {
    let queue = queue();
    for body in ["poison", "next"] {
        send(&queue, "S", body);
    }
    let session = queue.accept_session().await;
    let next = async || {
        let received = queue.receive_in_session(session.token, MINUTE).await;
        received.unwrap().expect("a message")
    };
    for count in 1..=10 {
        let delivery = next().await;
        assert_eq!(delivery.accepted.message.body, "poison");
        assert_eq!(delivery.delivery_count, count);
        let last = queue.abandon(delivery.lock_token).unwrap() != Abandoned::Available;
        assert_eq!(last, count == 10);
    }
    assert_eq!(
        next().await.accepted.message.body,
        "next",
        "the session goes on"
    );
}

#[tokio::test(start_paused = true)]
async fn the_sessions_lock_decides_and_a_hand_out_it_ends_is_not_counted() {
    let queue = queue();
    send(&queue, "S", "x");
    let first = queue.accept_session().await;
    let delivery = queue.receive_in_session(first.token, MINUTE).await;
    let delivery = delivery.unwrap().expect("a message");
    assert_eq!(delivery.locked_until, first.locked_until);
    advance(4 * MINUTE).await;
    let renewed = queue.renew_session(first.token).unwrap();
    assert_eq!(renewed, first.locked_until + 4 * MINUTE);
    assert_eq!(
        queue.renew(delivery.lock_token),
        Ok(renewed),
        "the message's lock follows"
    );
    // Nothing is sent meanwhile: the receiver wakes because the lock ends.
    let second = queue.accept_session().await;
    assert_eq!(queue.clock().now(), renewed);
    assert_eq!(queue.complete(delivery.lock_token), Err(LockLost));
    assert_eq!(queue.renew_session(first.token), Err(SessionLost));
    let lost = queue.receive_in_session(first.token, MINUTE).await;
    assert_eq!(lost, Err(SessionLost));
    queue.close_session(first.token);
    let again = queue.receive_in_session(second.token, MINUTE).await;
    assert_eq!(again.unwrap().expect("a message").delivery_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_is_free_at_once_and_a_waiting_receiver_takes_it() {
    let queue = queue();
    send(&queue, "S", "x");
    let first = queue.accept_session().await;
    let waiting = queue.accept_session();
    tokio::pin!(waiting);
    assert!(timeout(MINUTE, &mut waiting).await.is_err());
    let before = queue.clock().now();
    queue.close_session(first.token);
    let second = waiting.await;
    assert_eq!(second.session_id, "S");
    assert_ne!(second.token, first.token);
    assert_eq!(queue.clock().now(), before);
}

#[tokio::test(start_paused = true)]
async fn messages_kept_from_a_time_without_sessions_are_delivered_one_after_another() {
    let folder = Folder::new();
    open_in(&folder).enqueue(Message::new("old")).unwrap();
    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    let queue =
        Queue::open("order-items", options, Clock::new(), &journal(&folder)).expect("opens");
    let session = queue.accept_session().await;
    let received = queue.receive_in_session(session.token, MINUTE).await;
    assert_eq!(
        received.unwrap().expect("a message").accepted.message.body,
        "old"
    );
}
