//! SIGKILL at every point of an upload: the real binary, a restart, and the broker's redelivery.
//!
//! Between the binary and its two servers stand proxies that stop a request where the test wants
//! it. A request that was under way when the process died is let go later, as a network would: it
//! is a write that nobody waits for any more. The oracle knows what was published, what storage
//! accepted and what was mailed, and nothing of how it came about.

mod oracle;
mod points;
mod world;

use std::net::SocketAddr;

use testkit::scripted::{Gate, Step};
use testkit::until;
use tokio::task::JoinSet;

use crate::support::Handler;
use world::World;

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
    scenarios.join_all().await;
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
        until("the order to be stored", is_stored).await;
        handler.kill().await;
        let answer = under_way.join_next().await.unwrap().unwrap();
        if answer.is_none_or(|answer| answer.status != 200) {
            let restarted = Handler::start(&world.settings).await;
            world.settle(&restarted, &message.again()).await;
        }
        assert_eq!(world.evidence().judge(&world.published), Ok(()));
    }
}
