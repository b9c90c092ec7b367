//! The queue: numbering, duplicates, locks, redelivery, dead letters. The clock is paused
//! throughout.

use std::time::Duration;

use bus::{
    Abandoned, Accepted, DeadLetter, DeadLetterReason, Enqueued, LockLost, Message, Queue,
    QueueOptions, Transition,
};
use stand_in::Clock;
use tokio::time::{advance, timeout};

const MINUTE: Duration = Duration::from_secs(60);

fn queue() -> Queue {
    Queue::new("order-items", QueueOptions::default(), Clock::new())
}

fn abandon_times(queue: &Queue, times: u32) {
    for count in 1..=times {
        let delivery = queue.try_receive().expect("a message");
        assert_eq!(delivery.delivery_count, count);
        assert_eq!(queue.abandon(delivery.lock_token), Ok(Abandoned::Available));
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_start_at_one_and_rise_and_enqueue_times_never_fall() {
    let queue = queue();
    assert_eq!(
        queue.enqueue(Message::new("a")).unwrap(),
        Enqueued::Accepted { sequence: 1 }
    );
    advance(Duration::from_millis(5)).await;
    assert_eq!(
        queue.enqueue(Message::new("b")).unwrap(),
        Enqueued::Accepted { sequence: 2 }
    );
    let (a, b) = (queue.receive().await, queue.receive().await);
    assert_eq!((a.accepted.sequence, b.accepted.sequence), (1, 2));
    assert_eq!(
        b.accepted.enqueued - a.accepted.enqueued,
        Duration::from_millis(5)
    );
    assert!(
        a.accepted.message.properties.message_id.is_some(),
        "a missing message id is given"
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_accepted_and_dropped_within_the_window_even_after_completion() {
    let queue = queue();
    queue.enqueue(Message::new("a").with_id("id-1")).unwrap();
    let delivery = queue.receive().await;
    queue.complete(delivery.lock_token).expect("the lock holds");
    advance(9 * MINUTE).await;
    assert_eq!(
        queue.enqueue(Message::new("a").with_id("id-1")).unwrap(),
        Enqueued::Duplicate
    );
    assert_eq!(queue.counts().active, 0);
    advance(MINUTE).await;
    assert_eq!(
        queue.enqueue(Message::new("a").with_id("id-1")).unwrap(),
        Enqueued::Accepted { sequence: 2 }
    );
}

/// A publisher that uses an id twice loses what it sent last, and gets the same answer.
#[tokio::test(start_paused = true)]
async fn a_duplicate_tells_whose_id_it_has_and_whether_it_is_a_repeat() {
    let queue = queue();
    let mut told = queue.transitions();
    let message =
        |body: &str, id: &str| Message::new(body.to_owned()).with_session("S").with_id(id);
    queue.enqueue(message("other", "id-0")).unwrap();
    queue.enqueue(message("a", "id-1")).unwrap();
    queue.enqueue(message("a", "id-1")).unwrap();
    queue.enqueue(message("b", "id-1")).unwrap();
    let batch = vec![
        message("c", "id-2"),
        message("d", "id-2"),
        message("e", "id-0"),
    ];
    queue.send(batch).unwrap();
    let mut duplicates = Vec::new();
    while let Ok(transition) = told.try_recv() {
        if let Transition::Duplicate {
            message_id,
            session_id,
            of,
            same_body,
        } = transition
        {
            assert_eq!(session_id.as_deref(), Some("S"));
            duplicates.push((message_id, of, same_body));
        }
    }
    let duplicate = |id: &str, of: u64, same: bool| (id.to_owned(), Some(of), Some(same));
    assert_eq!(
        duplicates,
        [
            duplicate("id-1", 2, true),
            duplicate("id-1", 2, false),
            duplicate("id-2", 3, false),
            duplicate("id-0", 1, false),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_message_comes_again_first_with_its_number_and_a_new_lock() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    queue.enqueue(Message::new("b")).unwrap();
    let first = queue.receive().await;
    queue.abandon(first.lock_token).expect("the lock holds");
    let again = queue.receive().await;
    assert_eq!(again.accepted, first.accepted);
    assert_eq!((first.delivery_count, again.delivery_count), (1, 2));
    assert_ne!(again.lock_token, first.lock_token);
}

#[tokio::test(start_paused = true)]
async fn the_tenth_hand_out_is_the_last_and_the_message_is_kept_whole() {
    let queue = queue();
    let message = Message::new(vec![0xE4, 0x00, 0xFF])
        .with_session("S")
        .with_id("poison");
    queue.enqueue(message.clone()).unwrap();
    queue.enqueue(Message::new("next")).unwrap();
    abandon_times(&queue, 9);
    let last = queue.try_receive().expect("a message");
    let dead = Abandoned::DeadLettered(DeadLetterReason::MaxDeliveryCountExceeded);
    assert_eq!(queue.abandon(last.lock_token), Ok(dead));
    let letters = queue.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].delivery_count, letters[0].accepted.sequence),
        (10, 1)
    );
    assert_eq!(letters[0].accepted.message, message);
    assert_eq!(
        queue.receive().await.accepted.message.body,
        "next",
        "the others go on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_settles_nothing_and_the_message_is_handed_out_again() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    let first = queue.receive().await;
    // Nothing is sent meanwhile: the receiver wakes because the lock ends.
    let second = queue.receive().await;
    assert_eq!(second.delivery_count, 2);
    assert_eq!(queue.clock().now(), first.locked_until);
    assert_eq!(queue.complete(first.lock_token), Err(LockLost));
    assert_eq!(queue.abandon(first.lock_token), Err(LockLost));
    assert_eq!(queue.renew(first.lock_token), Err(LockLost));
    assert_eq!(queue.complete(second.lock_token), Ok(()));
    assert_eq!(
        queue.complete(second.lock_token),
        Err(LockLost),
        "settled is settled"
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_receiver_learns_of_a_lock_taken_after_it_began_to_wait() {
    let queue = queue();
    let waiting = queue.receive();
    tokio::pin!(waiting);
    assert!(timeout(MINUTE, &mut waiting).await.is_err());
    queue.enqueue(Message::new("a")).unwrap();
    let first = queue.try_receive().expect("taken by another");
    let second = timeout(6 * MINUTE, waiting)
        .await
        .expect("woken when the lock ends");
    assert_eq!((first.delivery_count, second.delivery_count), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_renewed_lock_outlives_its_first_end() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    let delivery = queue.receive().await;
    advance(4 * MINUTE).await;
    assert_eq!(
        queue.renew(delivery.lock_token),
        Ok(delivery.locked_until + 4 * MINUTE)
    );
    advance(4 * MINUTE).await;
    assert_eq!(queue.complete(delivery.lock_token), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_expired_message_is_a_dead_letter_not_a_loss() {
    let queue = queue();
    let mut message = Message::new("a");
    message.properties.time_to_live = Some(30.0);
    queue.enqueue(message).unwrap();
    advance(MINUTE).await;
    assert!(queue.try_receive().is_none());
    assert_eq!(queue.dead_letters()[0].reason, DeadLetterReason::TtlExpired);
}

fn letter(sequence: u64, body: &'static str) -> DeadLetter {
    let enqueued = time::OffsetDateTime::UNIX_EPOCH;
    DeadLetter {
        accepted: Accepted {
            sequence,
            enqueued,
            expires: enqueued + 14 * 24 * 60 * MINUTE,
            message: Message::new(body).with_session("S"),
        },
        delivery_count: 10,
        at: enqueued + MINUTE,
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_handed_out_under_a_lock_and_counted_for_ever() {
    let queue = queue();
    queue.add_dead_letter(letter(7, "a"));
    for count in 11..=40 {
        let delivery = queue.try_receive_dead_letter().expect("a letter");
        assert_eq!(delivery.letter.delivery_count, count, "no maximum here");
        assert_eq!(delivery.letter.accepted, letter(7, "a").accepted);
        assert!(queue.try_receive_dead_letter().is_none(), "it is locked");
        assert_eq!(queue.counts().dead_lettered, 1, "and still there");
        assert_eq!(queue.unlock_dead_letter(delivery.lock_token), Ok(()));
    }
    let last = queue.receive_dead_letter().await;
    assert_eq!(queue.complete_dead_letter(last.lock_token), Ok(()));
    assert_eq!(
        queue.complete_dead_letter(last.lock_token),
        Err(LockLost),
        "settled is settled"
    );
    assert_eq!(queue.dead_letters(), []);
}

#[tokio::test(start_paused = true)]
async fn an_unlocked_dead_letter_keeps_its_place_and_others_are_not_held_up() {
    let queue = queue();
    for sequence in [3, 9, 4] {
        queue.add_dead_letter(letter(sequence, "a"));
    }
    let first = queue.receive_dead_letter().await;
    let second = queue.receive_dead_letter().await;
    assert_eq!(second.letter.accepted.sequence, 9, "as they came");
    assert_eq!(queue.unlock_dead_letter(first.lock_token), Ok(()));
    let again = queue.receive_dead_letter().await;
    assert_eq!(again.letter.accepted.sequence, 3);
    let accepted = queue.enqueue(Message::new("new")).unwrap();
    assert_eq!(accepted, Enqueued::Accepted { sequence: 10 });
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_dead_letter_ends_unless_it_is_renewed() {
    let queue = queue();
    queue.add_dead_letter(letter(7, "a"));
    let first = queue.receive_dead_letter().await;
    advance(4 * MINUTE).await;
    let renewed = queue.renew_dead_letter(first.lock_token);
    assert_eq!(renewed, Ok(first.locked_until + 4 * MINUTE));
    advance(4 * MINUTE).await;
    assert!(queue.try_receive_dead_letter().is_none());
    // Nothing comes meanwhile: the receiver wakes because the lock ends.
    let second = queue.receive_dead_letter().await;
    assert_eq!(queue.clock().now(), renewed.expect("renewed"));
    for settle in [Queue::complete_dead_letter, Queue::unlock_dead_letter] {
        assert_eq!(settle(&queue, first.lock_token), Err(LockLost));
    }
    assert_eq!(queue.renew_dead_letter(first.lock_token), Err(LockLost));
    assert_eq!(queue.complete_dead_letter(second.lock_token), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_lost_settles_nothing_and_its_message_comes_again_at_once() {
    let queue = queue();
    for body in ["a", "b", "c"] {
        queue.enqueue(Message::new(body)).unwrap();
    }
    let (a, b) = (queue.receive().await, queue.receive().await);
    assert_eq!(queue.lose_locks(|number| number == 1), 1);
    assert_eq!(queue.complete(a.lock_token), Err(LockLost));
    assert_eq!(queue.renew(a.lock_token), Err(LockLost));
    queue.complete(b.lock_token).expect("its lock holds");
    let again = queue.receive().await;
    assert_eq!((again.accepted.sequence, again.delivery_count), (1, 2));
    assert_eq!(queue.lose_locks(|_| true), 1, "of those handed out");
    assert_eq!(queue.counts().active, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_lost_ten_times_makes_a_dead_letter() {
    let queue = queue();
    queue.enqueue(Message::new("a")).unwrap();
    for _ in 0..10 {
        assert!(queue.try_receive().is_some());
        assert_eq!(queue.lose_locks(|_| true), 1);
    }
    assert!(queue.try_receive().is_none());
    assert_eq!(queue.dead_letters()[0].delivery_count, 10);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_lost_as_a_whole() {
    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    let queue = Queue::new("order-items", options, Clock::new());
    queue.enqueue(Message::new("a").with_session("S")).unwrap();
    let session = queue.accept_session().await;
    let received = queue.receive_in_session(session.token, MINUTE).await;
    let delivery = received.unwrap().unwrap();
    assert_eq!(queue.lose_locks(|_| true), 1);
    assert_eq!(queue.complete(delivery.lock_token), Err(LockLost));
    assert_ne!(queue.accept_session().await.token, session.token);
}
