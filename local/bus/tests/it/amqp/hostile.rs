//! Clients of the AMQP door that are broken, silent or hostile: they are hung up on, and others are
//! served.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{LIMIT, MESSAGE, Stage, attached, contains, frame, heard, open, transfer};

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
