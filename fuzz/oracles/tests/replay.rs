//! Replays the committed corpus of every fuzz target: what was found once stays fixed, without a
//! fuzzer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use allocation_counter::measure;
use oracles::{Check, TARGETS};
use order_items_reserver::invocation::parse;

/// All corpora together, in bytes: they are cloned by everybody.
const CORPUS_MAX: u64 = 200 * 1024;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus");
    let entries = fs::read_dir(format!("{folder}/{target}")).expect(target);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn replay(target: &str) {
    let (_, check) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target");
    let inputs = corpus(target);
    assert!(inputs.len() >= 10, "{target} has a corpus");
    let failed: Vec<_> = inputs
        .iter()
        .filter(|(_, input)| fails(*check, input))
        .map(|(path, _)| path.file_name().unwrap())
        .collect();
    assert!(failed.is_empty(), "{target}: {failed:?}");
}

fn fails(check: Check, input: &[u8]) -> bool {
    catch_unwind(|| check(input)).is_err()
}

#[test]
fn invocations() {
    replay("invocation");
}

#[test]
fn batches() {
    replay("batch");
}

#[test]
fn orders() {
    replay("order");
}

#[test]
fn blob_names() {
    replay("blob_name");
}

#[test]
fn connection_strings() {
    replay("connection_string");
}

#[test]
fn workflows() {
    replay("workflow");
}

#[test]
fn the_door() {
    replay("door");
}

#[test]
fn the_amqp_door() {
    replay("amqp");
}

/// Two bytes an item: what is refused for its length is counted, and not kept.
#[test]
fn a_batch_of_far_too_many_takes_no_memory() {
    for item in ["1", "null", r#"\"\""#] {
        let items = vec![item; 500_000].join(",");
        let request = format!(r#"{{"Data":{{"order":"[{items}]"}},"Metadata":{{}}}}"#);
        let mut refused = None;
        let used = measure(|| refused = Some(parse(request.as_bytes()))).bytes_max;
        let refused = refused.expect("it was called").unwrap_err().to_string();
        assert!(refused.contains("a batch of 500000 messages"), "{refused}");
        // The list, taken out of its string.
        let allowed = 64 * 1024 + 2 * request.len() as u64;
        assert!(used <= allowed, "{item}: {used} of {allowed} bytes");
    }
}

#[test]
fn the_corpus_stays_small() {
    let sizes = TARGETS.iter().flat_map(|(target, _)| corpus(target));
    let total: u64 = sizes.map(|(_, input)| input.len() as u64).sum();
    assert!(total <= CORPUS_MAX, "{total} bytes");
}
