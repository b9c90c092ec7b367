//! Odd batches: what comes twice, what nobody can tell apart, who waits for whom, and what panics.

use super::*;

/// The broker may hand out one message twice in one batch; and a publisher may name one session in
/// its properties, and in the body.
#[tokio::test(start_paused = true)]
async fn what_comes_twice_is_stored_once_and_mailed_never() {
    let cases = [
        (vec![cart("S", 1), cart("S", 1)], vec![STORED, STORED]),
        (
            vec![cart("S", 1), cart("S", 2), cart("S", 1), cart("S", 2)],
            vec![SUPERSEDED, STORED, SUPERSEDED, STORED],
        ),
    ];
    for (messages, expected) in cases {
        let outside = Outside::new();
        assert_eq!(ends(outside.reserve(&messages, 1).await), expected);
        assert_eq!(outside.seen().mails, [""; 0]);
        let newest = messages.last().unwrap();
        assert_eq!(outside.stored("S").unwrap(), newest.bytes);
    }
}

/// By its property, by its body, in a wrapper: the same file, so the same session.
#[tokio::test]
async fn a_session_is_one_wherever_it_is_named() {
    let outside = Outside::new();
    let carts = [cart("S", 1), cart("S", 2), cart("S", 3)];
    let mut deliveries = carts.each_ref().map(|one| one.delivery(1));
    deliveries[0].session_id = None;
    deliveries[1].session_id = None;
    let order = serde_json::to_string(std::str::from_utf8(&carts[1].bytes).unwrap()).unwrap();
    deliveries[1].body = format!(r#"{{"sessionId":"S","payload":{order}}}"#).into();
    let reserver = outside.reserver(64);
    let reservations = reserver.reserve_all(&deliveries, |_, _| ()).await;
    assert_eq!(ends(reservations), [SUPERSEDED, SUPERSEDED, STORED]);
    assert_eq!(outside.seen().puts, ["message-3"]);
    // Another case of letters is another file.
    let other = [cart("s", 4), cart("S", 5)];
    assert_eq!(ends(outside.reserve(&other, 1).await), [STORED, STORED]);
}

/// A workflow that hangs is the affair of the order that it is asked for. The newer one of the same
/// session is in the file long before.
#[tokio::test(start_paused = true)]
async fn a_newer_order_does_not_wait_for_the_mail_of_an_older_one() {
    let outside = Outside::new();
    outside.seen().workflow = Answers::Never;
    let nobody_can_tell = Message::new("S", 2, Some(at(in_partition(9, 1), 2)));
    let messages = [cart("S", 1), nobody_can_tell, cart("S", 3), poison(4)];
    let deliveries: Vec<_> = messages.iter().map(|one| one.delivery(1)).collect();
    let began = Instant::now();
    let stored = Mutex::new(Vec::new());
    let ended = |delivery: &Delivery, reservation: &Reservation| {
        if !reservation.is_given_back() {
            let id = delivery.message_id.clone().unwrap();
            stored.lock().unwrap().push((id, began.elapsed().as_secs()));
        }
    };
    let reserver = outside.reserver(64);
    let ends = ends(reserver.reserve_all(&deliveries, ended).await);
    let unanswered = Err(GivenBack::Fallback(FallbackError::TimedOut(
        Duration::from_secs(100),
    )));
    assert_eq!(ends, [STORED, unanswered.clone(), STORED, unanswered]);
    let stored = stored.into_inner().unwrap();
    let [(first, 0), (newer, seconds)] = stored.as_slice() else {
        panic!("{stored:?}");
    };
    assert_eq!((first.as_str(), newer.as_str()), ("message-1", "message-3"));
    assert!(*seconds <= 7, "after {seconds} s");
    assert_eq!(outside.stored("S").unwrap(), messages[2].bytes);
}

/// One after the other, each with its four attempts; the batch ends in time all the same, and what
/// did not get its turn comes again untried.
#[tokio::test(start_paused = true)]
async fn many_contradictory_orders_of_a_session_take_no_longer_than_a_batch_may() {
    for (uploads, workflow) in [
        (Answers::AtOnce, Answers::AtOnce),
        (Answers::AtOnce, Answers::Never),
        (Answers::Never, Answers::Never),
    ] {
        let outside = Outside::new();
        outside.seen().uploads = uploads;
        outside.seen().workflow = workflow;
        let one = |number: u16| {
            let place = at(in_partition(number, 7), 1);
            Message::new("S", number.into(), Some(place)).delivery(10)
        };
        let deliveries: Vec<_> = (1..=64).map(one).collect();
        let began = Instant::now();
        let reserver = outside.reserver(64);
        let ends = ends(reserver.reserve_all(&deliveries, |_, _| ()).await);
        assert!(began.elapsed() + MARGIN <= LOCK, "{:?}", began.elapsed());
        assert_eq!(ends.len(), 64);
        assert!(outside.seen().mails_at_once_max <= MAILS_AT_ONCE);
        let untried = ends.iter().filter(|it| **it == Err(GivenBack::OutOfTime));
        assert!(untried.count() > 0, "{uploads:?}: all had their turn");
    }
}

/// The mail service can tell a repeat: an operation belongs to the message, and not to its batch.
#[tokio::test(start_paused = true)]
async fn a_mail_that_goes_out_again_is_the_same_operation() {
    let outside = Outside::new();
    outside.seen().uploads = Answers::Failure;
    let carts = [cart("A", 1), cart("B", 2)];
    outside.reserve(&carts, 1).await;
    outside.reserve(&[cart("C", 3), cart("B", 2)], 2).await;
    let operations = outside.seen().operations.clone();
    let of = |id: &str, nth: usize| {
        let seen = outside.seen();
        let mut of_it = seen.mails.iter().zip(&operations);
        let mut of_it = of_it.by_ref().filter(|(mail, _)| *mail == id);
        of_it.nth(nth).map(|(_, operation)| *operation)
    };
    assert_eq!(of("message-2", 0), of("message-2", 1));
    assert_ne!(of("message-2", 0), of("message-1", 0));
    assert_eq!(operations.len(), 4);
}

/// Nobody renews the locks while it waits.
#[tokio::test(start_paused = true)]
async fn after_a_panic_a_batch_waits_no_longer_than_it_may_take() {
    for (time, waited) in [(300, 5 + 60), (30, 30)] {
        let outside = Outside::new();
        outside.seen().uploads = Answers::Panic(Duration::from_secs(5));
        let router = router(outside.reserver_for(64, Duration::from_secs(time)));
        let body = Body::from(redelivered(&[cart("A", 1), cart("B", 2)], 10));
        let began = Instant::now();
        let answer = router.oneshot(Request::post(ROUTE).body(body).unwrap());
        assert_eq!(answer.await.unwrap().status().as_u16(), 500);
        assert_eq!(began.elapsed().as_secs(), waited);
    }
}
