//! The bus broken for those who send over AMQP: a delivery meets what a request would.

use std::time::Duration;

use bus::SenderFaults;
use stand_in::{Fault, FaultDegree, NamedFault, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{LIMIT, MESSAGE, Stage, attached, contains, frame, heard, transfer};

const DEGREE: FaultDegree<'static> = FaultDegree {
    slow: Duration::from_secs(1),
    retry_after: 2,
    flaky: &[],
    seed: 1,
};

/// A client that has sent one message.
async fn sent(stage: &Stage) -> TcpStream {
    let mut stream = stage.connect().await;
    let message = frame(0, &transfer(0, false), MESSAGE);
    let bytes = [attached(), message].concat();
    stream.write_all(&bytes).await.unwrap();
    stream
}

/// Reads on until the door has said `text`.
async fn is_told(mut stream: TcpStream, text: &str) {
    let mut seen = Vec::new();
    while !contains(&seen, text) {
        let read = timeout(LIMIT, stream.read_buf(&mut seen)).await;
        assert_ne!(
            read.expect("an answer").unwrap(),
            0,
            "hung up on before {text}"
        );
    }
}

#[tokio::test]
async fn a_delivery_is_refused_lost_or_taken_without_a_word_as_the_fault_says() {
    let faults = SenderFaults::default();
    let stage = Stage::broken(faults.clone()).await;
    let switch = faults.switch();
    let waiting = || stage.queue.counts().active;

    switch.turn(NamedFault::ServerBusy, &DEGREE);
    is_told(sent(&stage).await, "com.microsoft:server-busy").await;
    switch.set(Fault::DropConnection);
    heard(sent(&stage).await).await;
    assert_eq!(waiting(), 0);

    switch.set(Fault::ApplyThenDropConnection);
    heard(sent(&stage).await).await;
    assert_eq!(waiting(), 1);
    switch.set(Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR));
    is_told(sent(&stage).await, "InternalError").await;
    assert_eq!(waiting(), 2);

    // The first of two takes no effect; the second does.
    switch.turn(NamedFault::None, &DEGREE);
    switch.fail_next([Fault::Hang]);
    let mut stream = sent(&stage).await;
    let next = frame(0, &transfer(1, false), MESSAGE);
    stream.write_all(&next).await.unwrap();
    testkit::until("the second message", || waiting() == 3).await;
}
