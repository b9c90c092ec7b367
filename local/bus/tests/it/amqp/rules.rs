//! The rules of AMQP 1.0 part 2 (transport) that a client may break, and what the door says to it
//! then.

use fe2o3_amqp_types::definitions::{
    AmqpError, ConnectionError, Error, ErrorCondition, Handle, SessionError,
};
use fe2o3_amqp_types::performatives::{Close, Detach, End, Flow, Performative};

use super::wire::{Client, MESSAGE, Stage, attach, begin, transfer};

fn aborted(id: u32) -> Performative {
    let Performative::Transfer(mut transfer) = transfer(id, false) else {
        unreachable!("a transfer")
    };
    transfer.aborted = true;
    Performative::Transfer(transfer)
}

fn flow(handle: Option<u32>) -> Performative {
    Performative::Flow(Flow {
        next_incoming_id: Some(0),
        incoming_window: 100,
        next_outgoing_id: 0,
        outgoing_window: 100,
        handle: handle.map(Handle),
        delivery_count: None,
        link_credit: None,
        available: None,
        drain: false,
        echo: true,
        properties: None,
    })
}

fn detach(handle: u32) -> Performative {
    Performative::Detach(Detach {
        handle: Handle(handle),
        closed: true,
        error: None,
    })
}

fn end() -> Performative {
    Performative::End(End { error: None })
}

fn condition(error: Option<Error>) -> ErrorCondition {
    error.expect("a reason").condition
}

/// The next thing said ends the connection, for this reason.
async fn is_closed(mut client: Client) -> ErrorCondition {
    match client.hear().await {
        (0, Performative::Close(Close { error })) => condition(error),
        (_, other) => panic!("expected a close, heard {other:?}"),
    }
}

/// The next thing said ends the session on channel 0, for this reason.
async fn is_ended(client: &mut Client) -> ErrorCondition {
    match client.hear().await {
        (0, Performative::End(End { error })) => condition(error),
        (_, other) => panic!("expected an end, heard {other:?}"),
    }
}

/// With a link on handle 0, whose first flow has been heard.
async fn attached(stage: &Stage) -> Client {
    let mut client = Client::begun(stage).await;
    client.say(0, &attach(0)).await;
    let (_, answer) = client.hear().await;
    assert!(matches!(answer, Performative::Attach(_)), "{answer:?}");
    let (_, answer) = client.hear().await;
    assert_eq!(credit(&answer), (0, 100));
    client
}

/// Delivery-count and link-credit of a link's flow.
fn credit(performative: &Performative) -> (u32, u32) {
    let Performative::Flow(flow) = performative else {
        panic!("expected a flow, heard {performative:?}")
    };
    assert_eq!(flow.handle, Some(Handle(0)));
    (flow.delivery_count.unwrap(), flow.link_credit.unwrap())
}

#[tokio::test]
async fn an_aborted_delivery_is_dropped_and_its_credit_granted_again() {
    let stage = Stage::open().await;
    let mut client = attached(&stage).await;
    for id in 0..250 {
        client.say_with(0, &transfer(id, true), b"half of a").await;
        client.say_with(0, &aborted(id), b"message").await;
        if id % 50 == 49 {
            // Aborted deliveries count as sent, and are settled without a word.
            let (_, answer) = client.hear().await;
            assert_eq!(credit(&answer), (id + 1, 100));
        }
    }
    client.say_with(0, &transfer(250, false), MESSAGE).await;
    let (_, answer) = client.hear().await;
    let Performative::Disposition(disposition) = answer else {
        panic!("expected a disposition, heard {answer:?}")
    };
    assert_eq!((disposition.first, disposition.last), (250, None));
    let waiting = stage.queue.peek();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].accepted.message.body, "{}");
    stage.door.stop().await;
}

#[tokio::test]
async fn what_an_aborting_transfer_carries_is_not_looked_at() {
    let stage = Stage::open().await;
    let mut client = attached(&stage).await;
    // Just below the size at which a delivery is not waited for any longer.
    for _ in 0..17 {
        client
            .say_with(0, &transfer(0, true), &[b'x'; 60_000])
            .await;
    }
    client.say_with(0, &aborted(0), &[b'x'; 60_000]).await;
    client.say_with(0, &transfer(1, false), MESSAGE).await;
    let (_, answer) = client.hear().await;
    assert!(
        matches!(&answer, Performative::Disposition(disposition) if disposition.first == 1),
        "{answer:?}"
    );
    assert_eq!(stage.queue.counts().active, 1);
    stage.door.stop().await;
}

#[tokio::test]
async fn a_begin_on_a_channel_in_use_ends_the_connection() {
    let stage = Stage::open().await;
    let mut client = attached(&stage).await;
    client.say(0, &begin()).await;
    assert_eq!(is_closed(client).await, AmqpError::IllegalState.into());
    stage.serves_others().await;
}

#[tokio::test]
async fn a_channel_above_channel_max_ends_the_connection_whatever_is_said_on_it() {
    let stage = Stage::open().await;
    for performative in [begin(), flow(None), transfer(0, false), detach(0), end()] {
        let mut client = Client::opened(&stage).await;
        client.say(1000, &performative).await;
        let said = is_closed(client).await;
        assert_eq!(
            said,
            ConnectionError::FramingError.into(),
            "{performative:?}"
        );
    }
    let mut client = Client::opened(&stage).await;
    client.say(999, &begin()).await;
    let (channel, answer) = client.hear().await;
    assert!(matches!(answer, Performative::Begin(_)), "{answer:?}");
    assert_eq!(channel, 999);
    stage.serves_others().await;
}

#[tokio::test]
async fn a_channel_without_a_session_ends_the_connection_but_for_what_only_takes_leave() {
    let stage = Stage::open().await;
    for performative in [flow(None), transfer(0, false), attach(0)] {
        let mut client = Client::begun(&stage).await;
        client.say(1, &performative).await;
        assert_eq!(is_closed(client).await, AmqpError::NotFound.into());
    }
    let mut client = Client::begun(&stage).await;
    client.say(1, &detach(0)).await;
    client.say(1, &end()).await;
    client.say(1, &begin()).await;
    let (channel, answer) = client.hear().await;
    assert!(matches!(answer, Performative::Begin(_)), "{answer:?}");
    assert_eq!(channel, 1);
    stage.serves_others().await;
}

#[tokio::test]
async fn an_attach_on_a_handle_in_use_ends_the_session_and_the_rest_is_discarded() {
    let stage = Stage::open().await;
    let mut client = attached(&stage).await;
    client.say(0, &attach(0)).await;
    assert_eq!(
        is_ended(&mut client).await,
        SessionError::HandleInUse.into()
    );
    // Under way before the client heard of it.
    client.say_with(0, &transfer(0, false), MESSAGE).await;
    client.say(0, &flow(Some(0))).await;
    client.say(0, &end()).await;
    client.say(0, &begin()).await;
    let (_, answer) = client.hear().await;
    assert!(matches!(answer, Performative::Begin(_)), "{answer:?}");
    assert_eq!(stage.queue.counts().active, 0);

    // Until the client's own end the channel stays in use.
    client.say(0, &attach(0)).await;
    client.say(0, &attach(0)).await;
    client.say(0, &begin()).await;
    let (mut heard, mut last) = (Vec::new(), None);
    while !matches!(last, Some(Performative::Close(_))) {
        heard.extend(last.take());
        last = Some(client.hear().await.1);
    }
    let Some(Performative::Close(Close { error })) = last else {
        unreachable!("a close")
    };
    assert_eq!(condition(error), AmqpError::IllegalState.into());
    assert!(
        matches!(heard.last(), Some(Performative::End(_))),
        "{heard:?}"
    );
    stage.serves_others().await;
}

#[tokio::test]
async fn a_handle_above_handle_max_ends_the_connection() {
    let stage = Stage::open().await;
    let mut client = Client::begun(&stage).await;
    client.say(0, &attach(63)).await;
    let (_, answer) = client.hear().await;
    assert!(matches!(answer, Performative::Attach(_)), "{answer:?}");
    let mut client = Client::begun(&stage).await;
    client.say(0, &attach(64)).await;
    let said = is_closed(client).await;
    assert_eq!(said, ConnectionError::FramingError.into());
    stage.serves_others().await;
}

#[tokio::test]
async fn a_handle_without_a_link_ends_the_session_but_for_a_detach() {
    let stage = Stage::open().await;
    for performative in [transfer(0, false), flow(Some(0))] {
        let mut client = Client::begun(&stage).await;
        client.say(0, &performative).await;
        assert_eq!(
            is_ended(&mut client).await,
            SessionError::UnattachedHandle.into(),
            "{performative:?}"
        );
    }
    let mut client = Client::begun(&stage).await;
    client.say(0, &detach(0)).await;
    client.say(0, &flow(None)).await;
    let (_, answer) = client.hear().await;
    assert!(
        matches!(&answer, Performative::Flow(flow) if flow.handle.is_none()),
        "{answer:?}"
    );
    stage.serves_others().await;
}
