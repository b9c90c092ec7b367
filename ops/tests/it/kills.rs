//! The real binary killed half-way, and run again; and Ctrl+C.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::QueueOptions;
use stand_in::Method;
use testkit::until;

use crate::crowd;
use crate::stage::{Stage, cart, ended};

const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_half_way_again_and_again_it_comes_to_the_same_end() {
    // Short, so that the letter in flight at a kill is free again soon.
    let options = QueueOptions {
        lock_duration: Duration::from_secs(1),
        ..QueueOptions::default()
    };
    let stage = Stage::with(options).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let expected = crowd::add_letters(&stage, &mut random);
    for _ in 0..KILLS {
        let left = stage.left().len();
        let kill_at = left.saturating_sub(random.usize(1..80));
        let mut run = stage.start("dead-letters redrive --yes --wait 0");
        until("the moment of the kill", || stage.left().len() <= kill_at).await;
        // Anywhere within the next letters: between lock, upload, mail and deletion.
        for _ in 0..random.usize(0..2000) {
            tokio::task::yield_now().await;
        }
        run.start_kill().unwrap();
        let status = run.wait().await.unwrap();
        assert_eq!(status.code(), None, "it was killed, not done");
    }
    assert!(
        !stage.left().is_empty(),
        "something is left for the last run"
    );
    // It waits for longer than a lock lasts, and so sees what the killed ones held.
    let last = ended(stage.start("dead-letters redrive --yes --wait 3")).await;
    assert_eq!(last.code, Some(0), "{}", last.err);
    crowd::assert_settled(&stage, &expected);
    let mailed = stage.mailed();
    assert!(
        mailed.len() <= expected.mailed.len() + KILLS,
        "a kill repeats one mail at the most"
    );
    let mailed: BTreeSet<u64> = mailed.into_iter().collect();
    assert!(mailed.into_iter().eq(expected.mailed));
}

#[tokio::test]
async fn what_a_killed_run_held_is_reported_by_the_next_one() {
    let stage = Stage::new().await;
    stage.add_letter(1, "S", cart("S", 1));
    stage.add_letter(2, "S", cart("S", 2));
    let held = stage.queue.try_receive_dead_letter().unwrap();
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(1), "not all of it is done");
    assert!(
        ran.err.contains("1 dead letter more in the queue"),
        "{}",
        ran.err
    );
    stage.queue.unlock_dead_letter(held.lock_token).unwrap();
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]));
    assert_eq!(
        stage.history("S"),
        [2],
        "the old cart came late and did not win"
    );
}

#[tokio::test]
async fn ctrl_c_gives_every_letter_back() {
    let stage = Stage::new().await;
    let mut letters = 3;
    for number in 1..=letters {
        stage.add_letter(number, "S", cart("S", number));
    }
    for command in ["list", "redrive --yes", "redrive"] {
        let asked = stage.asked(&Method::POST).len() as u64;
        let mut run = stage.start(&format!("dead-letters {command} --session other --wait 60"));
        // All letters passed over, and the wait for another.
        until("the wait for another letter", || {
            stage.asked(&Method::POST).len() as u64 == asked + letters + 1
        })
        .await;
        let pid = run.id().unwrap().to_string();
        let signal = std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(signal.unwrap().success());
        // The receive that waits is not cut off: the letter that it gets must be given back too.
        while run.try_wait().unwrap().is_none() {
            letters += 1;
            stage.add_letter(letters, "S", cart("S", letters));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ran = ended(run).await;
        assert_eq!(ran.code, Some(1), "{command}");
        assert!((ran.out + &ran.err).contains("interrupted"), "{command}");
        let free: Vec<_> = std::iter::from_fn(|| stage.queue.try_receive_dead_letter()).collect();
        assert_eq!(free.len() as u64, letters, "{command}");
        for letter in free {
            stage.queue.unlock_dead_letter(letter.lock_token).unwrap();
        }
    }
}
