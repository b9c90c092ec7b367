//! The bus broken for those who send over REST; who receives notices nothing.

use std::time::Duration;

use bus::{Queue, QueueOptions, RestDoor, RestOptions, SenderFaults};
use stand_in::{BUS_FAULTS, Clock, Fault, FaultDegree, NamedFault};

const DEGREE: FaultDegree<'static> = FaultDegree {
    slow: Duration::from_millis(1),
    retry_after: 2,
    flaky: &[Fault::DropConnection],
    seed: 1,
};

struct Stage {
    queue: Queue,
    faults: SenderFaults,
    rest: RestDoor,
}

impl Stage {
    async fn open() -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let faults = SenderFaults::default();
        let rest = RestOptions {
            queues: vec![queue.clone()],
            faults: faults.clone(),
            ..RestOptions::default()
        };
        Self {
            queue,
            faults,
            rest: RestDoor::start(testkit::net::listener().await, rest).unwrap(),
        }
    }

    /// The status and `Retry-After`; none when the connection broke.
    async fn post(&self) -> Option<(u16, Option<String>)> {
        let url = format!("{}/order-items/messages", self.rest.url());
        let answer = testkit::net::client().post(url).body("{}").send().await;
        let answer = answer.ok()?;
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        Some((answer.status().as_u16(), retry_after))
    }

    fn waiting(&self) -> u64 {
        self.queue.counts().active.try_into().unwrap()
    }
}

#[tokio::test]
async fn each_fault_does_to_a_post_what_its_name_says() {
    let stage = Stage::open().await;
    let mut taken = 0;
    for fault in BUS_FAULTS {
        if fault == NamedFault::Hangs {
            continue;
        }
        stage.faults.switch().turn(fault, &DEGREE);
        let answer = stage.post().await;
        let (expected, takes) = match fault {
            NamedFault::ServerBusy => (Some((503, None)), false),
            NamedFault::TooManyRequests => (Some((429, Some("2".to_owned()))), false),
            NamedFault::Slow => (Some((201, None)), true),
            NamedFault::LosesTheReply => (None, true),
            NamedFault::SaysNoAndDoesIt => (Some((500, None)), true),
            _ => (None, false),
        };
        assert_eq!(answer, expected, "{fault:?}");
        taken += u64::from(takes);
        testkit::until("the queue", || stage.waiting() == taken).await;
    }
    // Whoever receives finds them meanwhile, and what is mended takes again.
    assert!(stage.queue.try_receive().is_some());
    stage.faults.switch().set(Fault::None);
    assert_eq!(stage.post().await, Some((201, None)));
}

#[tokio::test]
async fn a_post_that_hangs_takes_no_effect_and_ends_with_the_fault() {
    let stage = Stage::open().await;
    stage.faults.switch().set(Fault::Hang);
    let mend = async {
        testkit::until("a request", || !stage.rest.requests().is_empty()).await;
        stage.faults.switch().set(Fault::None);
    };
    let (answer, ()) = tokio::join!(stage.post(), mend);
    assert_eq!((answer, stage.waiting()), (None, 0));
}
