//! One broken connection, or one bad front end behind it, must not take all four attempts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use testkit::scripted::{Scripted, Step, answer};

use super::{ETAG, assert_answered};
use crate::support::Message;
use crate::support::rig::{Rig, accepting};

#[tokio::test]
async fn a_retry_does_not_go_down_the_connection_that_failed() {
    let broken = Arc::<Mutex<Vec<SocketAddr>>>::default();
    let front_ends = Arc::clone(&broken);
    let storage = Scripted::choosing(move |_, request| {
        let answer = match front_ends.lock().unwrap().contains(&request.peer) {
            true => answer("503 Service Unavailable", "", ""),
            false => answer("201 Created", ETAG, ""),
        };
        vec![Step::Send(answer)]
    });
    let fallback = Scripted::start([], accepting()).await;
    let rig = Rig::start(storage.await, fallback, &[]).await;
    let peers = || -> Vec<SocketAddr> {
        let requests = rig.storage.received().into_iter();
        requests.map(|request| request.peer).collect()
    };

    for sequence in 1..=3 {
        let warm = Message::new("warm", sequence);
        assert_eq!(rig.handler.deliver(&warm).await.status, 200);
    }
    let warm = peers();
    assert!(warm.iter().all(|peer| *peer == warm[0]), "pooled: {warm:?}");
    // Whoever came until now meets 503 from now on.
    broken.lock().unwrap().clone_from(&warm);

    let ended = rig.deliver(&Message::new("cold", 4)).await;
    assert_answered(&ended, 200, "stored", 2);
    let cold = &peers()[warm.len()..];
    assert_ne!(cold[0], cold[1], "the retry has a connection of its own");
    assert!(rig.storage.methods().iter().all(|method| method == "PUT"));
    assert!(rig.fallback.received().is_empty());
}
