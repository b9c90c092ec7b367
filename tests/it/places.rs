//! Where a message stands, through the real binary: partitions, brokers that do not count, bodies
//! that name a number of their own, files that somebody saved or deleted by hand.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blob::{BlobEndpoint, Conditions, Upload};
use serde_json::{Value, json};
use testkit::net::listener;
use testkit::scripted::{Scripted, answering};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use tokio::task::JoinSet;

use crate::support::rig::settings;
use crate::support::{Handler, contains};

/// What the messages of the issue that was found in the field have to do with it.
const THIRD: u64 = 844_424_930_131_985;
const NINTH: u64 = 2_533_274_790_395_909;

const TEN: OffsetDateTime = datetime!(2026-05-04 10:00:00 UTC);
const NEVER: OffsetDateTime = datetime!(0001-01-01 00:00:00 UTC);

/// A message as the host hands it out.
#[derive(Clone)]
struct Cart {
    number: u64,
    enqueued: OffsetDateTime,
    id: &'static str,
    session_id: Option<&'static str>,
    body: String,
    /// In text mode the host writes the body's properties over those of the broker.
    text: bool,
}

impl Cart {
    /// The session's id is in the body only.
    fn new(session: &str, number: u64, seconds: i64, quantity: u64) -> Self {
        Self {
            number,
            enqueued: TEN + Duration::from_secs(seconds.try_into().unwrap()),
            id: "m",
            session_id: None,
            body: format!(r#"{{"id":"{session}","products":[{{"id":8,"quantity":{quantity}}}]}}"#),
            text: false,
        }
    }

    fn invocation(&self) -> Vec<u8> {
        let enqueued = self.enqueued.format(&Rfc3339).unwrap();
        let mut metadata = json!({
            "DeliveryCount": "1",
            "EnqueuedTimeUtc": enqueued.trim_end_matches('Z'),
            "MessageId": json!(self.id).to_string(),
            "SequenceNumber": self.number.to_string(),
        });
        if let Some(session) = self.session_id {
            metadata["SessionId"] = json!(session).to_string().into();
        }
        let data = match self.text {
            true => json!(self.body).to_string(),
            false => STANDARD.encode(&self.body),
        };
        if self.text
            && let Ok(Value::Object(body)) = serde_json::from_str(&self.body)
            && let Some(number) = body.get("sequenceNumber")
        {
            metadata["SequenceNumber"] = json!(number.to_string());
        }
        let request = json!({ "Data": { "order": data }, "Metadata": metadata });
        request.to_string().into_bytes()
    }
}

/// The binary between the storage and a workflow that accepts.
struct World {
    blobs: BlobEndpoint,
    mails: Scripted,
    handler: Handler,
}

impl World {
    async fn start() -> Self {
        let blobs = BlobEndpoint::start(listener().await).unwrap();
        let mails = Scripted::start([], answering("202 Accepted", "")).await;
        blobs.storage().create_container("orders").unwrap();
        let handler = Handler::start(&settings(&blobs.connection_string(), mails.address)).await;
        Self {
            blobs,
            mails,
            handler,
        }
    }

    /// Delivers, and returns how it ended.
    async fn deliver(&self, cart: &Cart) -> String {
        let handler = &self.handler;
        let lines = || [handler.stdout.outcomes(), handler.stderr.outcomes()];
        let before = lines().map(|stream| stream.len());
        let answer = handler.door.post(cart.invocation()).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let new = || {
            let new = lines().into_iter().zip(before);
            new.flat_map(|(stream, before)| stream.into_iter().skip(before))
                .next()
        };
        testkit::until("a line about the delivery", || new().is_some()).await;
        new().unwrap()["outcome"].as_str().unwrap().to_owned()
    }

    fn stored(&self, session: &str) -> Option<String> {
        let blob = self.blobs.blob("orders", &format!("{session}.json"))?;
        Some(String::from_utf8(blob.bytes.to_vec()).unwrap())
    }

    /// The reasons in the mails.
    fn reasons(&self) -> Vec<String> {
        let mails = self.mails.received();
        let mails = mails.iter().map(|mail| {
            let mail: Value = serde_json::from_slice(mail.body()).unwrap();
            mail["failure"]["reason"].to_string()
        });
        mails.collect()
    }

    /// The warnings in the log that hold these words.
    fn warnings(&self, words: &str) -> usize {
        let lines = self.handler.stderr.all();
        lines.iter().filter(|line| line.contains(words)).count()
    }

    /// Somebody saves a file by hand, now.
    fn save(&self, session: &str, body: &str) {
        let upload = Upload {
            bytes: body.to_owned().into(),
            metadata: Default::default(),
            content_type: "application/json".to_owned(),
        };
        let name = format!("{session}.json");
        let storage = self.blobs.storage();
        storage
            .put("orders", &name, upload, &Conditions::default())
            .unwrap();
    }
}

#[tokio::test]
async fn s2_of_two_partitions_within_a_second_a_person_decides() {
    let world = World::start().await;
    let newest = Cart::new("cart", THIRD, 1, 2);
    let older = Cart::new("cart", NINTH, 0, 1);
    assert_eq!(world.deliver(&newest).await, "stored");
    assert_eq!(world.deliver(&older).await, "handed over");
    assert_eq!(world.stored("cart"), Some(newest.body));
    let reason = &world.reasons()[0];
    for place in [
        "#844424930131985 of 2026-05-04T10:00:01Z",
        "#2533274790395909 of 2026-05-04T10:00:00Z",
    ] {
        assert!(reason.contains(place), "{reason}");
    }
}

#[tokio::test]
async fn s2_between_partitions_a_clear_time_decides() {
    let world = World::start().await;
    let (first, second) = (
        Cart::new("cart", NINTH, 0, 1),
        Cart::new("cart", THIRD, 3, 2),
    );
    assert_eq!(world.deliver(&first).await, "stored");
    assert_eq!(world.deliver(&second).await, "stored");
    assert_eq!(world.deliver(&first).await, "superseded");
    assert_eq!(world.deliver(&second).await, "stored", "a redelivery");
    assert_eq!(world.stored("cart"), Some(second.body));
    assert_eq!(world.reasons(), [""; 0]);
}

/// Three carts of each of forty sessions within three seconds, spread over sixteen partitions, and
/// delivered in no order: the newest of each is stored or mailed, and whatever is not is older.
#[tokio::test]
async fn s1_in_a_burst_over_partitions_no_newest_cart_is_lost() {
    let world = World::start().await;
    let mut rng = fastrand::Rng::with_seed(14);
    let mut numbers = [0_u64; 16];
    let mut carts = Vec::new();
    for quantity in 1..=3 {
        for session in 0..40 {
            let partition = rng.usize(..16);
            numbers[partition] += 1;
            let number = ((partition as u64) << 48) | numbers[partition];
            let seconds = i64::try_from(quantity).unwrap() + rng.i64(-1..=0);
            let cart = Cart::new(&format!("s-{session}"), number, seconds, quantity);
            carts.push((session, quantity, cart));
        }
    }
    rng.shuffle(&mut carts);
    let mut running = JoinSet::new();
    for (_, _, cart) in &carts {
        let (door, invocation) = (world.handler.door.clone(), cart.invocation());
        running.spawn(async move { door.post(invocation).await.unwrap().status });
    }
    assert_eq!(running.join_all().await, [200; 120]);
    let mails = world.mails.received();
    for (session, _, newest) in carts.iter().filter(|(_, quantity, _)| *quantity == 3) {
        let stored = world.stored(&format!("s-{session}")).unwrap();
        let bytes = STANDARD.encode(&newest.body);
        let mut mails = mails.iter();
        let mailed = mails.any(|mail| contains(mail.body(), bytes.as_bytes()));
        assert!(stored == newest.body || mailed, "{session}: {stored}");
    }
    assert!(
        mails.len() < 80,
        "only what nobody can tell: {}",
        mails.len()
    );
}

#[tokio::test]
async fn a_partition_without_session_ids_is_warned_of_once() {
    const WORDS: &str = "SessionId";
    let world = World::start().await;
    let with_session = Cart {
        session_id: Some("cart"),
        ..Cart::new("cart", NINTH, 0, 1)
    };
    world.deliver(&with_session).await;
    world.deliver(&Cart::new("other", 7, 0, 1)).await;
    assert_eq!(world.warnings(WORDS), 0, "nothing is wrong");
    for number in [THIRD, NINTH, THIRD + 1] {
        world.deliver(&Cart::new("third", number, 9, 1)).await;
    }
    testkit::until("the warning", || {
        let lines = world.handler.stderr.all();
        lines.iter().any(|line| line.contains(WORDS))
    })
    .await;
    assert_eq!(world.warnings(WORDS), 1, "said once");
}

/// A double of a broker that does not count: the file is that of the last message, and the log
/// says that nobody can tell whether it is the newest.
#[tokio::test]
async fn s1_number_0_and_the_first_moment_are_no_place() {
    let world = World::start().await;
    let cart = |id, quantity| Cart {
        id,
        enqueued: NEVER,
        ..Cart::new("cart", 0, 0, quantity)
    };
    assert_eq!(world.deliver(&cart("first", 1)).await, "stored");
    assert_eq!(world.deliver(&cart("second", 2)).await, "stored");
    assert_eq!(world.stored("cart"), Some(cart("second", 2).body));
    assert_eq!(world.warnings("without a place in the queue"), 2);
}

/// Two queues on one container: their numbers and seconds may meet.
#[tokio::test]
async fn s1_one_place_of_two_messages_is_a_persons_case() {
    let world = World::start().await;
    let one = Cart {
        id: "one",
        ..Cart::new("cart", 7, 0, 1)
    };
    let other = Cart {
        id: "other",
        ..Cart::new("cart", 7, 0, 2)
    };
    assert_eq!(world.deliver(&one).await, "stored");
    assert_eq!(world.deliver(&other).await, "handed over");
    assert_eq!(world.deliver(&one).await, "stored", "a redelivery");
    assert_eq!(world.stored("cart"), Some(one.body));
    let reason = &world.reasons()[0];
    assert!(
        reason.contains("message one, ") && reason.contains(", other"),
        "{reason}"
    );
}

#[tokio::test]
async fn s2_a_body_with_a_number_of_its_own_never_goes_over_a_stored_order() {
    let world = World::start().await;
    let stored = Cart::new("cart", 50, 50, 50);
    assert_eq!(world.deliver(&stored).await, "stored");
    let body = r#"{"id":"cart","sequenceNumber":99,"products":[{"id":8,"quantity":10}]}"#;
    let claiming = Cart {
        body: body.to_owned(),
        text: true,
        ..Cart::new("cart", 10, 10, 10)
    };
    assert_eq!(world.deliver(&claiming).await, "handed over");
    assert_eq!(world.stored("cart"), Some(stored.body));
    let reason = &world.reasons()[0];
    assert!(reason.contains("without a place"), "{reason}");
}

#[tokio::test]
async fn s2_a_file_saved_by_hand_gives_way_to_what_was_accepted_after_it_only() {
    let world = World::start().await;
    world.save("cart", "{}");
    let before = Cart::new("cart", 10, 0, 10);
    let after = Cart {
        enqueued: datetime!(2099-01-01 00:00:00 UTC),
        ..Cart::new("cart", 12, 0, 12)
    };
    assert_eq!(world.deliver(&before).await, "handed over");
    assert_eq!(world.stored("cart").as_deref(), Some("{}"));
    assert_eq!(world.deliver(&after).await, "stored");
    assert_eq!(world.stored("cart"), Some(after.body));
    assert_eq!(world.warnings("overwriting a file"), 1);
}

/// The limit of the promise: who deletes a file also deletes what tells which order was newest.
#[tokio::test]
async fn a_deleted_file_lets_an_older_redelivery_in() {
    let world = World::start().await;
    let (older, newer) = (Cart::new("cart", 10, 0, 10), Cart::new("cart", 11, 1, 11));
    assert_eq!(world.deliver(&newer).await, "stored");
    let storage = world.blobs.storage();
    storage
        .delete("orders", "cart.json", &Conditions::default())
        .unwrap();
    assert_eq!(world.deliver(&older).await, "stored");
    assert_eq!(world.stored("cart"), Some(older.body));
    assert_eq!(
        world.deliver(&newer).await,
        "stored",
        "a newer one wins again"
    );
}
