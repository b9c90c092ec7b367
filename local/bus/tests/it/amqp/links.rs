//! The links on which a client receives, frame by frame: what is promised to every client, whatever
//! its library makes of it.

use bus::{Holder, Message, QueueOptions};
use fe2o3_amqp_types::definitions::{
    AmqpError, ErrorCondition, Fields, Handle, ReceiverSettleMode, Role, SenderSettleMode,
};
use fe2o3_amqp_types::messaging::{
    Accepted, DeliveryState, Modified, Rejected, Released, Source, Target, TargetArchetype,
};
use fe2o3_amqp_types::performatives::{Attach, Detach, Disposition, Flow, Performative, Transfer};
use fe2o3_amqp_types::primitives::{OrderedMap, Symbol, Value};

use super::wire::{Client, Stage, attach, transfer};

/// An attach to receive from the address.
fn receiver(handle: u32, address: &str) -> Attach {
    let Performative::Attach(sender) = attach(handle) else {
        unreachable!("an attach")
    };
    Attach {
        role: Role::Receiver,
        snd_settle_mode: SenderSettleMode::Unsettled,
        rcv_settle_mode: ReceiverSettleMode::Second,
        source: Some(Box::new(Source::builder().address(address).build())),
        target: Some(Box::new(TargetArchetype::Target(Target::default()))),
        ..sender
    }
}

fn in_session(session: Value, patience: u32) -> Attach {
    let mut attach = receiver(0, "order-items");
    let mut filter = OrderedMap::new();
    filter.insert(Symbol::from("com.microsoft:session-filter"), session);
    attach.source.as_mut().unwrap().filter = Some(filter);
    let mut properties = Fields::new();
    properties.insert(Symbol::from("com.microsoft:timeout"), Value::Uint(patience));
    attach.properties = Some(properties);
    attach
}

fn credit(handle: u32, count: u32, credit: u32, drain: bool) -> Performative {
    Performative::Flow(Flow {
        next_incoming_id: Some(count),
        incoming_window: 100_000,
        next_outgoing_id: 0,
        outgoing_window: 100,
        handle: Some(Handle(handle)),
        delivery_count: Some(count),
        link_credit: Some(credit),
        available: None,
        drain,
        echo: false,
        properties: None,
    })
}

fn disposition(id: u32, state: DeliveryState) -> Performative {
    Performative::Disposition(Disposition {
        role: Role::Receiver,
        first: id,
        last: None,
        settled: false,
        state: Some(state),
        batchable: false,
    })
}

async fn attached(client: &mut Client, attach: Attach) -> Attach {
    client.say(0, &Performative::Attach(attach)).await;
    match client.hear().await.1 {
        Performative::Attach(answer) => answer,
        other => panic!("expected an attach, heard {other:?}"),
    }
}

async fn delivered(client: &mut Client) -> (Transfer, Vec<u8>) {
    let (_, frame) = client.hear_frame().await;
    match serde_amqp::from_slice(&frame).unwrap() {
        Performative::Transfer(transfer) => (transfer, frame),
        other => panic!("expected a transfer, heard {other:?}"),
    }
}

async fn answered(client: &mut Client) -> DeliveryState {
    match client.hear().await.1 {
        Performative::Disposition(disposition) => {
            assert!(disposition.settled && disposition.role == Role::Sender);
            disposition.state.expect("a state")
        }
        other => panic!("expected a disposition, heard {other:?}"),
    }
}

async fn refused(client: &mut Client, attach: Attach) -> (ErrorCondition, String) {
    let answer = attached(client, attach).await;
    assert_eq!((answer.source, answer.target), (None, None));
    let Performative::Detach(Detach { error, closed, .. }) = client.hear().await.1 else {
        panic!("expected a detach")
    };
    assert!(closed);
    let error = error.expect("a reason");
    (error.condition, error.description.unwrap_or_default())
}

fn own(condition: &str) -> ErrorCondition {
    ErrorCondition::Custom(condition.into())
}

#[tokio::test]
async fn what_was_sent_goes_on_byte_for_byte_under_a_tag_that_is_the_lock() {
    // A header with a priority, properties with odd encodings, typed application properties, two
    // sections of data and a footer.
    let bare: &[u8] = b"\x00\x80\x00\x00\x00\x00\x00\x00\x00\x73\xd0\x00\x00\x00\x0a\x00\x00\x00\x01\xb1\x00\x00\x00\x01m\
        \x00\x53\x74\xc1\x0c\x04\xa1\x01a\x54\x05\xa1\x01b\x52\x05\
        \x00\x53\x75\xa0\x02{}\x00\x53\x75\xb0\x00\x00\x00\x01x\
        \x00\x53\x78\xc1\x01\x00";
    let sent = [b"\x00\x53\x70\xc0\x04\x02\x42\x50\x07".as_slice(), bare].concat();
    let stage = Stage::open().await;
    let mut client = Client::begun(&stage).await;
    client.say(0, &attach(1)).await;
    client.hear().await;
    client.hear().await;
    let Performative::Transfer(mut first) = transfer(0, false) else {
        unreachable!("a transfer")
    };
    first.handle = Handle(1);
    client
        .say_with(0, &Performative::Transfer(first), &sent)
        .await;
    assert!(matches!(
        client.hear().await.1,
        Performative::Disposition(_)
    ));
    assert_eq!(stage.queue.peek()[0].accepted.message.body, "{}x");

    // Attach and credit in one go: the attach is answered first.
    client
        .say(0, &Performative::Attach(receiver(0, "order-items")))
        .await;
    client.say(0, &credit(0, 0, 1, false)).await;
    let Performative::Attach(answer) = client.hear().await.1 else {
        panic!("expected an attach")
    };
    assert_eq!(answer.snd_settle_mode, SenderSettleMode::Unsettled);
    assert_eq!(answer.rcv_settle_mode, ReceiverSettleMode::Second);
    assert_eq!(answer.initial_delivery_count, Some(0));
    let (transfer, frame) = delivered(&mut client).await;
    assert!(frame.ends_with(bare), "{frame:?}");
    let tag = transfer.delivery_tag.unwrap();
    let token = uuid::Uuid::from_bytes_le(tag.as_slice().try_into().unwrap());
    assert!(stage.queue.handed_out(token).is_some());
    let id = stage.queue.receivers()[0].id;
    assert_eq!(stage.queue.held_locks()[0].by, Holder::Link(id));
    stage.door.stop().await;
}

#[tokio::test]
async fn each_outcome_is_answered_and_a_dead_letter_without_an_error() {
    let stage = Stage::open().await;
    for body in ["a", "b", "c"] {
        stage.queue.enqueue(Message::new(body)).unwrap();
    }
    let mut client = Client::begun(&stage).await;
    attached(&mut client, receiver(0, "order-items")).await;
    client.say(0, &credit(0, 0, 3, false)).await;
    for _ in 0..3 {
        delivered(&mut client).await;
    }
    let accepted = DeliveryState::Accepted(Accepted {});
    client.say(0, &disposition(0, accepted.clone())).await;
    assert_eq!(answered(&mut client).await, accepted);
    let rejected = DeliveryState::Rejected(Rejected { error: None });
    client.say(0, &disposition(1, rejected.clone())).await;
    assert_eq!(answered(&mut client).await, rejected);
    assert_eq!(stage.queue.dead_letters().len(), 1);
    stage.queue.lose_locks(|_| true);
    client.say(0, &disposition(2, accepted)).await;
    let DeliveryState::Rejected(Rejected { error: Some(error) }) = answered(&mut client).await
    else {
        panic!("the lock is lost")
    };
    assert_eq!(error.condition, own("com.microsoft:message-lock-lost"));
    assert_eq!(stage.queue.counts().active, 1);
    stage.door.stop().await;
}

#[tokio::test]
async fn a_message_given_back_unseen_rests_until_its_receiver_asks_anew() {
    let stage = Stage::open().await;
    stage.queue.enqueue(Message::new("a")).unwrap();
    let mut client = Client::begun(&stage).await;
    attached(&mut client, receiver(0, "order-items")).await;
    client.say(0, &credit(0, 0, 100, false)).await;
    for round in 0..20 {
        delivered(&mut client).await;
        let released = DeliveryState::Released(Released {});
        client.say(0, &disposition(round, released.clone())).await;
        // Its answer, and no transfer before the next flow: else it would come before the answer
        // to what follows.
        assert_eq!(answered(&mut client).await, released);
        assert_eq!(stage.queue.counts().active, 1);
        client.say(0, &credit(0, round + 1, 100, false)).await;
    }
    let (_, frame) = delivered(&mut client).await;
    // The count in the header is still that of a first delivery.
    let header = b"\x00\x53\x70";
    let at = frame
        .windows(3)
        .position(|window| window == header)
        .unwrap();
    assert_eq!(
        stage.queue.find(1).unwrap().delivery_count,
        1,
        "{:?}",
        &frame[at..]
    );
    stage.door.stop().await;
}

#[tokio::test]
async fn a_drain_hears_that_the_credit_is_gone_and_nothing_comes_after_it() {
    let stage = Stage::open().await;
    stage.queue.enqueue(Message::new("a")).unwrap();
    let mut client = Client::begun(&stage).await;
    attached(&mut client, receiver(0, "order-items")).await;
    client.say(0, &credit(0, 0, 5, true)).await;
    delivered(&mut client).await;
    let Performative::Flow(flow) = client.hear().await.1 else {
        panic!("expected a flow")
    };
    assert_eq!((flow.delivery_count, flow.link_credit), (Some(5), Some(0)));
    assert!(flow.drain);
    stage.queue.enqueue(Message::new("b")).unwrap();
    client.say(0, &credit(0, 5, 1, false)).await;
    let (transfer, _) = delivered(&mut client).await;
    assert_eq!(transfer.delivery_id, Some(1));
    stage.door.stop().await;
}

#[tokio::test]
async fn no_more_is_handed_out_than_window_credit_and_bound_allow() {
    let stage = Stage::open().await;
    let messages = (0..6000).map(|_| Message::new("x")).collect();
    stage.queue.send(messages).unwrap();
    let mut client = Client::begun(&stage).await;
    attached(&mut client, receiver(0, "order-items")).await;
    client.say(0, &credit(0, 0, u32::MAX / 2, false)).await;
    for _ in 0..5000 {
        delivered(&mut client).await;
    }
    assert_eq!(stage.queue.counts().locked, 5000);
    // One settled, one more.
    let accepted = DeliveryState::Accepted(Accepted {});
    client.say(0, &disposition(0, accepted)).await;
    answered(&mut client).await;
    delivered(&mut client).await;
    assert_eq!(stage.queue.counts().locked, 5000);
    // A range of ids beyond all bounds is looked up, not walked.
    let Performative::Disposition(mut all) = disposition(
        0,
        DeliveryState::Modified(Modified {
            delivery_failed: Some(true),
            undeliverable_here: None,
            message_annotations: None,
        }),
    ) else {
        unreachable!("a disposition")
    };
    (all.last, all.settled) = (Some(u32::MAX), true);
    client.say(0, &Performative::Disposition(all)).await;
    delivered(&mut client).await;
    stage.door.stop().await;
}

#[tokio::test]
async fn refusals_have_no_terminus_and_name_what_is_wrong() {
    let stage = Stage::open().await;
    let mut client = Client::begun(&stage).await;
    let (condition, told) = refused(&mut client, receiver(1, "orders")).await;
    assert_eq!(condition, AmqpError::NotFound.into());
    assert!(told.contains("there is: order-items"), "{told}");
    let topic = receiver(2, "carts/Subscriptions/all");
    let (condition, told) = refused(&mut client, topic).await;
    assert_eq!(condition, AmqpError::NotImplemented.into());
    assert!(told.contains("topics"), "{told}");
    let (condition, _) = refused(&mut client, in_session(Value::Null, 10)).await;
    assert_eq!(condition, AmqpError::NotAllowed.into());
    stage.door.stop().await;

    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    let stage = Stage::open_with(options).await;
    let mut client = Client::begun(&stage).await;
    let (condition, _) = refused(&mut client, receiver(1, "order-items")).await;
    assert_eq!(condition, AmqpError::NotAllowed.into());
    let (condition, _) = refused(&mut client, in_session(Value::Null, 10)).await;
    assert_eq!(condition, own("com.microsoft:timeout"));
    let mut client = Client::begun(&stage).await;
    let named = attached(&mut client, in_session(Value::from("S"), 10)).await;
    let until = named.properties.expect("properties");
    let until = until.get(&Symbol::from("com.microsoft:locked-until-utc"));
    // Ticks of 100 ns since year 1: this century's are around 6.4e17.
    assert!(
        matches!(until, Some(Value::Long(630_000_000_000_000_000..))),
        "{until:?}"
    );
    let mut other = Client::begun(&stage).await;
    let (condition, _) = refused(&mut other, in_session(Value::from("S"), 10)).await;
    assert_eq!(condition, own("com.microsoft:session-cannot-be-locked"));
    // The connection ends, and with it the hold.
    drop(client);
    let queue = stage.queue.clone();
    testkit::until("the session to be free", || {
        queue.held_sessions().is_empty()
    })
    .await;
    // Lost by its lock: the link is detached, and says why.
    let mut other = Client::begun(&stage).await;
    attached(&mut other, in_session(Value::from("T"), 10)).await;
    other.say(0, &credit(0, 0, 1, false)).await;
    assert!(stage.queue.lose_session("T"));
    let Performative::Detach(detach) = other.hear().await.1 else {
        panic!("expected a detach")
    };
    let condition = detach.error.expect("a reason").condition;
    assert_eq!(condition, own("com.microsoft:session-lock-lost"));
    stage.door.stop().await;
}
