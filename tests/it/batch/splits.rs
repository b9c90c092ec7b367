//! Any split of a stream of updates into batches ends in the same files as one by one; each simpler
//! rule for "the newest of the session" does not.

use order_items_reserver::order::{Order, SessionId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Builder;

use super::doubles::Outside;
use crate::model::messages::{Message, at, check_history, in_partition};

const CASES: u32 = 3000;
const SESSIONS: usize = 2;

/// One update of the stream.
#[derive(Clone, Copy, Debug)]
struct Update {
    session: usize,
    /// Seconds since the one before.
    later: i64,
    /// How far off the clock is of the partition that accepts it.
    skew: i64,
    /// `None`: without a place.
    partition: Option<u16>,
    /// The queue is deleted and created again before it.
    anew: bool,
    /// It is handed out after the next one.
    overtaken: bool,
}

/// A file that is there before.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    /// An order of this partition, so many seconds before the first update.
    Order(u16, i64),
    /// Somebody saved it by hand.
    ByHand,
}

#[derive(Clone, Debug)]
struct Stream {
    before: Before,
    updates: Vec<Update>,
    /// After how many updates the stream is cut.
    cuts: Vec<usize>,
}

fn stream() -> impl Strategy<Value = Stream> {
    let partition = prop_oneof![
        6 => Just(Some(0_u16)),
        3 => (0..3_u16).prop_map(Some),
        1 => Just(None),
    ];
    let update = (
        0..SESSIONS,
        0..4_i64,
        -1..=1_i64,
        partition,
        0..20_u8,
        0..4_u8,
    );
    let update = update.prop_map(
        |(session, later, skew, partition, anew, overtaken)| Update {
            session,
            later,
            skew,
            partition,
            anew: anew == 0,
            overtaken: overtaken == 0,
        },
    );
    let before = prop_oneof![
        2 => Just(Before::Nothing),
        2 => (0..3_u16, -1..4_i64).prop_map(|(partition, ago)| Before::Order(partition, ago)),
        1 => Just(Before::ByHand),
    ];
    (before, vec(update, 1..14), vec(1..14_usize, 0..5)).prop_map(|(before, updates, cuts)| {
        Stream {
            before,
            updates,
            cuts,
        }
    })
}

fn name(session: usize) -> String {
    format!("S{session}")
}

impl Stream {
    /// As the broker hands them out.
    fn messages(&self) -> Vec<Message> {
        let mut now = 100;
        let mut numbers = [50; 3];
        let mut messages = Vec::new();
        for (rank, update) in (10_u32..).zip(&self.updates) {
            now += update.later;
            if update.anew {
                // Longer than two clocks are apart, and than a contradiction lasts.
                now += 70;
                numbers = [0; 3];
            }
            let position = update.partition.map(|partition| {
                let number = &mut numbers[usize::from(partition)];
                *number += 1;
                at(in_partition(partition, *number), now + update.skew)
            });
            messages.push(Message::new(&name(update.session), rank, position));
        }
        for (at, update) in self.updates.iter().enumerate() {
            if update.overtaken && at + 1 < messages.len() {
                messages.swap(at, at + 1);
            }
        }
        messages
    }

    /// A storage as it was before, and what is there already.
    fn outside(&self) -> (Outside, Vec<Message>) {
        let outside = Outside::new();
        let mut published = Vec::new();
        let mut seen = outside.seen();
        seen.storage.clock = 100;
        for session in 0..SESSIONS {
            let file = match self.before {
                Before::Nothing => continue,
                Before::Order(partition, ago) => {
                    let place = at(in_partition(partition, 50), 100 - ago);
                    Message::new(&name(session), 1, Some(place))
                }
                Before::ByHand => Message::by_hand(&name(session), 1),
            };
            seen.storage.overwrite(&file.session, file.content());
            published.push(file);
        }
        // The queue was filled before anything is taken from it.
        seen.storage.clock = 10_000;
        drop(seen);
        (outside, published)
    }

    fn batches(&self, messages: &[Message]) -> Vec<Vec<Message>> {
        let mut batches = Vec::new();
        let mut rest = messages;
        for cut in &self.cuts {
            let (batch, after) = rest.split_at((*cut).min(rest.len()));
            batches.push(batch.to_vec());
            rest = after;
        }
        batches.push(rest.to_vec());
        batches.retain(|batch| !batch.is_empty());
        batches
    }
}

/// Which orders of a batch are tried, by a rule that is simpler than the product's.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Product,
    /// The one that comes last.
    Last,
    /// The highest number, whatever its partition and time.
    HighestNumber,
    /// Whatever no other of the session in the batch supersedes, neighbour or not.
    Newest,
}

impl Rule {
    fn tried(self, batch: &[Message]) -> Vec<Message> {
        let sessions = (0..SESSIONS).map(|session| SessionId::new(name(session)).unwrap());
        let of_session = sessions.map(|session| {
            let of_it = batch.iter().filter(move |one| one.session == session);
            of_it.cloned().collect::<Vec<_>>()
        });
        let tried = of_session.flat_map(|of_it| match self {
            Self::Product => of_it,
            Self::Last => of_it.last().cloned().into_iter().collect(),
            Self::HighestNumber => {
                let number = |one: &&Message| one.position.map(|it| it.sequence);
                of_it
                    .iter()
                    .max_by_key(number)
                    .cloned()
                    .into_iter()
                    .collect()
            }
            Self::Newest => {
                let superseded = |one: &Message| {
                    of_it
                        .iter()
                        .any(|other| match (one.position, other.position) {
                            (Some(one), Some(other)) => one.gives_way_to(other),
                            _ => false,
                        })
                };
                of_it
                    .iter()
                    .filter(|one| !superseded(one))
                    .cloned()
                    .collect()
            }
        });
        tried.collect()
    }
}

/// What is in the files at the end, by rank.
async fn files(outside: &Outside, batches: &[Vec<Message>], rule: Rule) -> Vec<Option<Vec<u8>>> {
    for batch in batches {
        let batch = rule.tried(batch);
        outside.reserve(&batch, 1).await;
    }
    (0..SESSIONS)
        .map(|session| outside.stored(&name(session)))
        .collect()
}

fn search(mut runner: TestRunner, rule: Rule) -> Result<(), (String, Stream)> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let result = runner.run(&stream(), |stream| {
        let messages = stream.messages();
        let singly: Vec<_> = messages.iter().map(|one| vec![one.clone()]).collect();
        let (one_by_one, published) = stream.outside();
        let (in_batches, _) = stream.outside();
        let (expected, found) = runtime.block_on(async {
            let expected = files(&one_by_one, &singly, Rule::Product).await;
            (
                expected,
                files(&in_batches, &stream.batches(&messages), rule).await,
            )
        });
        let published: Vec<_> = published.into_iter().chain(messages).collect();
        for session in (0..SESSIONS).map(|session| SessionId::new(name(session)).unwrap()) {
            let storage = &in_batches.seen().storage;
            let wrong = check_history(storage, &session, &published);
            prop_assert!(wrong.is_empty(), "{wrong:?}");
        }
        let puts = |outside: &Outside| outside.seen().puts.len();
        prop_assert!(
            puts(&in_batches) <= puts(&one_by_one),
            "more uploads than one by one"
        );
        match expected == found {
            true => Ok(()),
            false => Err(TestCaseError::fail(format!(
                "{expected:?} became {found:?}"
            ))),
        }
    });
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, stream)) => Err((reason.to_string(), stream)),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn config() -> Config {
    Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    }
}

#[test]
fn any_split_into_batches_ends_in_the_same_files_as_one_by_one() {
    search(TestRunner::new(config()), Rule::Product).unwrap_or_else(|(reason, stream)| {
        panic!("{reason}\n{stream:#?}\n{:#?}", stream.messages())
    });
}

/// The controls look at always the same streams.
#[test]
fn each_simpler_rule_ends_in_other_files() {
    for rule in [Rule::Last, Rule::HighestNumber, Rule::Newest] {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let runner = TestRunner::new_with_rng(config(), rng);
        let (reason, stream) = search(runner, rule).expect_err("nothing was found");
        println!("{rule:?}: {reason}\n{stream:?}");
    }
}

/// The rule, for every pair of orders and whatever is stored, within seconds and numbers that show
/// each standing.
#[test]
fn what_lets_the_older_in_lets_the_newer_in() {
    use order_items_reserver::store::{Origin, Stored, Verdict};
    let places: Vec<_> = [0, 1]
        .into_iter()
        .flat_map(|partition| (1..=3).map(move |number| in_partition(partition, number)))
        .flat_map(|number| [-62, -3, -2, -1, 0, 1, 2, 3, 62].map(|second| at(number, second)))
        .collect();
    let order = |place| {
        let message = Message::new("S", 1, Some(place));
        Order::parse(&message.delivery(1)).unwrap()
    };
    let writes = |verdict: &Verdict| {
        use Verdict::{AfterForeign, Later, Newer, Renumbered, Unplaced};
        matches!(
            verdict,
            Newer(_) | Later(_) | Renumbered(_) | AfterForeign | Unplaced
        )
    };
    let stored = places.iter().map(|place| Stored {
        origin: Origin::Placed {
            position: *place,
            message_id: None,
        },
        modified: Some(place.enqueued),
    });
    let by_hand = places.iter().flat_map(|place| {
        [Origin::Foreign, Origin::Unplaced].map(|origin| Stored {
            origin,
            modified: Some(place.enqueued),
        })
    });
    let mut pairs = 0;
    for stored in stored.chain(by_hand).collect::<Vec<_>>() {
        for older in &places {
            for newer in places.iter().filter(|newer| older.gives_way_to(**newer)) {
                pairs += 1;
                let (first, second) = (order(*older), order(*newer));
                let (older, newer) = (stored.judge(&first), stored.judge(&second));
                // Our own earlier write of the older one is what the newer one comes after.
                let lets_in = writes(&older) || older == Verdict::Same;
                assert!(
                    !lets_in || writes(&newer),
                    "{stored:?}: {older:?}, {newer:?}"
                );
                if matches!(newer, Verdict::Superseded(_)) {
                    assert!(
                        matches!(older, Verdict::Superseded(_)),
                        "{stored:?}: {older:?}"
                    );
                }
            }
        }
    }
    assert!(pairs > 20_000, "{pairs}");
}
