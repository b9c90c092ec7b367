//! The order of a block's actions by their `runAfter`.

use super::definition::{Action, Block};

/// Puts each action behind those it waits for; what may run first stays first.
///
/// # Errors
/// Names an action that waits for one outside the block, or for itself in the end.
pub(super) fn sort(mut waiting: Vec<Action>) -> Result<Block, (String, String)> {
    for action in &waiting {
        for (earlier, _) in &action.run_after {
            if !waiting.iter().any(|other| other.name == *earlier) {
                let why = format!("runs after {earlier}, which is not beside it");
                return Err((action.name.clone(), why));
            }
        }
    }
    let mut sorted: Block = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_sorted = |name: &String| sorted.iter().any(|done: &Action| done.name == *name);
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|action| action.run_after.iter().all(|(name, _)| is_sorted(name)));
        if let (true, Some(stuck)) = (ready.is_empty(), rest.first()) {
            return Err((stuck.name.clone(), "waits for itself".to_owned()));
        }
        sorted.extend(ready);
        waiting = rest;
    }
    Ok(sorted)
}
