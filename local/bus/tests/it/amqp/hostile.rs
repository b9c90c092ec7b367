//! Clients of the AMQP door that are broken, silent or hostile: they are hung up on, and others are
//! served.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use fe2o3_amqp_types::definitions::{Handle, Role};
use fe2o3_amqp_types::messaging::{Source, Target, TargetArchetype};
use fe2o3_amqp_types::performatives::{Attach, Flow, Performative};

use super::wire::{
    Client, LIMIT, MESSAGE, Stage, attach, attached, begin, contains, frame, heard, open, transfer,
};

#[tokio::test]
async fn whoever_speaks_something_else_is_told_what_is_spoken_here() {
    let mut stage = Stage::open().await;
    for greeting in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{0}",
    ] {
        let mut stream = stage.connect().await;
        stream.write_all(greeting.as_bytes()).await.unwrap();
        assert_eq!(heard(stream).await, b"AMQP\x00\x01\x00\x00");
    }
    let hint = stage.hints.try_recv().expect("a hint");
    assert!(hint.contains("UseDevelopmentEmulator=true"), "{hint}");
    stage.serves_others().await;
}

#[tokio::test]
async fn what_nests_without_end_is_refused_before_it_is_decoded() {
    let stage = Stage::open().await;
    // As a performative, which ends the connection.
    let mut stream = stage.connect().await;
    let mut bytes = open(None);
    let nested = [0x00, 0x53, 0x70].repeat(20_000);
    let size = u32::try_from(8 + nested.len()).unwrap();
    bytes.extend([&size.to_be_bytes(), [2, 0, 0, 0].as_slice(), &nested].concat());
    stream.write_all(&bytes).await.unwrap();
    assert!(contains(&heard(stream).await, "nested too deep"));
    // As a message of several transfers, which is rejected; the link lives on.
    let mut stream = stage.connect().await;
    let mut bytes = attached();
    for part in 0..4 {
        bytes.extend(frame(0, &transfer(0, part < 3), &nested));
    }
    bytes.extend(frame(0, &transfer(1, false), MESSAGE));
    stream.write_all(&bytes).await.unwrap();
    let queue = stage.queue.clone();
    testkit::until("the message", || queue.counts().active == 1).await;
    let mut seen = Vec::new();
    while !contains(&seen, "nested too deep") {
        timeout(LIMIT, stream.read_buf(&mut seen))
            .await
            .unwrap()
            .unwrap();
    }
    stage.queue.try_receive().expect("the good one");
    stage.serves_others().await;
}

#[tokio::test]
async fn a_delivery_without_end_and_a_frame_without_end_are_cut() {
    let stage = Stage::open().await;
    let mut stream = stage.connect().await;
    stream.write_all(&attached()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut seen = Vec::new();
    let chunk = frame(0, &transfer(0, true), &[b'x'; 60_000]);
    let write = async {
        // Until the door has said why: whatever comes later is passed over.
        loop {
            if writer.write_all(&chunk).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        while !contains(&seen, "amqp:link:message-size-exceeded") {
            assert_ne!(reader.read_buf(&mut seen).await.unwrap(), 0, "an answer");
        }
    };
    tokio::select! {
        () = write => {}
        said = timeout(LIMIT, read) => said.expect("the link is cut"),
    }
    assert_eq!(stage.queue.counts().active, 0);

    let mut stream = stage.connect().await;
    let endless = [
        b"AMQP\x00\x01\x00\x00".as_slice(),
        &[0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0],
    ]
    .concat();
    stream.write_all(&endless).await.unwrap();
    assert_eq!(
        heard(stream).await,
        b"AMQP\x00\x01\x00\x00",
        "hung up on at once"
    );
    stage.serves_others().await;
}

/// A link to the queue's management, or from it.
fn management(handle: u32, role: Role) -> Performative {
    let Performative::Attach(link) = attach(handle) else {
        unreachable!("an attach");
    };
    let address = "order-items/$management";
    let (source, target) = match role {
        Role::Sender => (Source::builder(), Target::builder().address(address)),
        Role::Receiver => (Source::builder().address(address), Target::builder()),
    };
    Performative::Attach(Attach {
        role,
        source: Some(Box::new(source.build())),
        target: Some(Box::new(TargetArchetype::Target(target.build()))),
        ..link
    })
}

/// So many transfers from now on, and answers on handle 1; it wants to hear the same of us.
fn room(window: u32) -> Performative {
    Performative::Flow(Flow {
        next_incoming_id: Some(0),
        incoming_window: window,
        next_outgoing_id: 0,
        outgoing_window: 100,
        handle: Some(Handle(1)),
        delivery_count: Some(0),
        link_credit: Some(10_000),
        available: None,
        drain: false,
        echo: true,
        properties: None,
    })
}

/// Each answer would be as long as the queue's messages together, of a request of some bytes.
#[tokio::test]
async fn answers_are_not_kept_without_end_for_a_client_that_has_no_room_for_them() {
    const REQUEST: &[u8] = b"\x00\x53\x73\xc0\x07\x05\xa1\x01r\x40\x40\x40\x40\
        \x00\x53\x74\xc1\x29\x02\xa1\x09operation\xa1\x1acom.microsoft:peek-message\
        \x00\x53\x77\xc1\x2c\x04\xa1\x14from-sequence-number\x55\x00\xa1\x0dmessage-count\x54\x05";
    let stage = Stage::open().await;
    let mut client = Client::opened(&stage).await;
    let Performative::Begin(mut closed) = begin() else {
        unreachable!("a begin");
    };
    closed.incoming_window = 0;
    client.say(0, &Performative::Begin(closed)).await;
    client.say(0, &management(0, Role::Sender)).await;
    client.say(0, &management(1, Role::Receiver)).await;
    client.say(0, &room(0)).await;
    for id in 0..500 {
        let Performative::Transfer(mut request) = transfer(id, false) else {
            unreachable!("a transfer");
        };
        request.settled = Some(true);
        let request = Performative::Transfer(request);
        client.say_with(0, &request, REQUEST).await;
    }
    client.say(0, &room(10_000)).await;
    let (mut answers, mut echoes) = (0, 0);
    while echoes < 2 {
        let (_, heard) = client.hear_frame().await;
        match heard.get(..3) {
            Some([0, 0x53, 0x14]) => answers += 1,
            Some([0, 0x53, 0x13]) => {
                let flow = serde_amqp::from_slice(&heard).unwrap();
                let Performative::Flow(flow) = flow else {
                    unreachable!("a flow");
                };
                echoes += u32::from(flow.handle == Some(Handle(1)));
            }
            _ => {}
        }
    }
    assert!((1..=17).contains(&answers), "{answers} of 500 were kept");
    stage.serves_others().await;
}

#[tokio::test]
async fn a_thousand_idle_clients_leave_room_for_one_that_works() {
    let stage = Stage::open().await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(stage.connect().await);
    }
    stage.serves_others().await;
}

#[tokio::test]
async fn the_silent_are_hung_up_on_and_get_the_heartbeats_they_asked_for() {
    let stage = Stage::open().await;
    let half_open = stage.connect().await;
    let mut quiet = stage.connect().await;
    quiet.write_all(&open(Some(1000))).await.unwrap();
    let mut answer = [0; 64];
    assert_ne!(quiet.read(&mut answer).await.unwrap(), 0);
    // From here on time passes whenever nothing else can happen.
    tokio::time::pause();
    let mut ends = tokio::task::JoinSet::new();
    ends.spawn(read_to_end(half_open));
    ends.spawn(read_to_end(quiet));
    let mut seen: Vec<usize> = ends.join_all().await;
    seen.sort_unstable();
    assert_eq!(seen[0], 0, "nothing for a client that says nothing");
    let heartbeats = seen[1] / 8;
    // Two a second for two minutes; the open's rest may be among them.
    assert!((200..=260).contains(&heartbeats), "{heartbeats} heartbeats");
    stage.door.stop().await;
}

/// Without a time limit: time is what passes here.
async fn read_to_end(mut stream: TcpStream) -> usize {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.ok();
    heard.len()
}
