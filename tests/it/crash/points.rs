//! The points at which the process is killed: of the upload, and of the fallback.

use testkit::scripted::{Step, answer};

use super::{Point, kill_at};
use crate::support::rig::refusing;

macro_rules! killed {
    ($($(#[$why:meta])* $name:ident = $point:expr;)*) => {
        $($(#[$why])*
        #[tokio::test]
        async fn $name() {
            kill_at($point).await;
        })*
    };
}

fn four_refusals() -> Vec<Vec<Step>> {
    vec![refusing("503 Service Unavailable", "ServerBusy"); 4]
}

killed! {
    killed_before_storage_reads_the_upload_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![vec![
            Step::Hold(gate.clone()),
            Step::ReadAll,
            Step::Forward(store),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_in_the_head_of_the_upload_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![Step::Read(20), Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_in_the_body_of_the_upload_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![Step::Read(900), Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_before_the_upload_is_applied_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Hold(gate.clone()),
            Step::Forward(store),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_before_the_upload_is_answered_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![vec![Step::ReadAll, Step::Forward(store), Step::Hold(gate.clone()), Step::Relay]],
        ..Point::default()
    };

    killed_within_the_answer_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Forward(store),
            Step::Send(b"HTTP/1.1 201 Cre".to_vec()),
            Step::Hold(gate.clone()),
        ]],
        ..Point::default()
    };

    /// The server asks for 20 s, so the process is certain to be waiting.
    killed_between_two_attempts_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![vec![
            Step::ReadAll,
            Step::Send(answer("503 Service Unavailable", "retry-after: 20\r\n", "")),
            Step::Hold(gate.clone()),
            Step::Close,
        ]],
        ..Point::default()
    };

    /// The first attempt took effect without saying so; the second is on its way.
    killed_in_the_second_attempt_nothing_is_lost_or_rolled_back = |store, _, gate, landed| Point {
        storage: vec![
            vec![Step::ReadAll, Step::Forward(store), Step::Reset],
            vec![
                Step::ReadAll,
                Step::Hold(gate.clone()),
                Step::Forward(store),
                Step::Hold(landed.clone()),
            ],
        ],
        is_late: true,
        ..Point::default()
    };

    killed_while_it_reads_what_is_stored_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: vec![
            refusing("412 Precondition Failed", "ConditionNotMet"),
            vec![Step::ReadAll, Step::Hold(gate.clone()), Step::Close],
        ],
        ..Point::default()
    };

    killed_while_it_creates_the_container_nothing_is_lost_or_rolled_back = |store, _, gate, _| Point {
        storage: vec![
            refusing("404 Not Found", "ContainerNotFound"),
            vec![Step::ReadAll, Step::Forward(store), Step::Hold(gate.clone()), Step::Relay],
        ],
        is_fresh: true,
        ..Point::default()
    };

    killed_before_the_fallback_reads_nothing_is_lost_or_rolled_back = |_, app, gate, landed| Point {
        storage: four_refusals(),
        fallback: vec![vec![
            Step::Hold(gate.clone()),
            Step::ReadAll,
            Step::Forward(app),
            Step::Hold(landed.clone()),
        ]],
        is_late: true,
        ..Point::default()
    };

    killed_before_the_fallback_accepts_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![Step::ReadAll, Step::Hold(gate.clone()), Step::Close]],
        ..Point::default()
    };

    killed_before_the_fallback_answers_nothing_is_lost_or_rolled_back = |_, app, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![Step::ReadAll, Step::Forward(app), Step::Hold(gate.clone()), Step::Relay]],
        ..Point::default()
    };

    /// Both sides said no: the process waits a second before it gives the message back.
    killed_before_the_message_is_given_back_nothing_is_lost_or_rolled_back = |_, _, gate, _| Point {
        storage: four_refusals(),
        fallback: vec![vec![
            Step::ReadAll,
            Step::Send(answer("502 Bad Gateway", "", "")),
            Step::Hold(gate.clone()),
            Step::Close,
        ]],
        ..Point::default()
    };
}
