//! What is printed once the stack is up: what to open first, how to post a cart, how to look at the blob.

use std::time::Duration;

use stack::Stack;
use stack::running::Running;

use super::folder::Kept;

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

/// The start-up summary.
pub(super) fn of(stack: &Stack, running: &Running, kept: &Kept, took: Duration) -> String {
    let function = &stack.app.function;
    let mut lines = vec![
        format!("{function} is up in {} ms", took.as_millis()),
        String::new(),
    ];
    lines.extend(rows(&first(stack, running)));
    lines.push(String::new());
    lines.extend(rows(&then(stack)));
    lines.push(String::new());
    lines.extend(rows(&[("kept in", kept_in(kept))]));
    lines.extend([String::new(), "Post a cart:".to_owned(), post_a_cart(stack)]);
    if stack.blob.is_some()
        && let Some(container) = container_url(running)
    {
        let see = format!("  curl {container}/{SESSION}.json");
        lines.extend(["See the blob:".to_owned(), see]);
    }
    lines.extend([String::new(), "Ctrl+C ends it.".to_owned(), String::new()]);
    lines.join("\n")
}

/// What one opens first.
fn first(stack: &Stack, running: &Running) -> Vec<(&'static str, String)> {
    let blobs = running.blobs.as_ref().map(|url| format!("{url}?comp=list"));
    let rows = [
        ("dashboard", running.dashboard.clone()),
        ("PetStore", running.petstore.clone()),
        ("outbox", running.outbox.clone()),
        ("blobs", blobs),
        ("dead letters", Some(dead_letters_url(stack))),
    ];
    let there = |(name, url): (_, Option<String>)| url.map(|url| (name, url));
    rows.into_iter().filter_map(there).collect()
}

/// The rest, for those who look closer.
fn then(stack: &Stack) -> Vec<(&'static str, String)> {
    let addresses = stack.addresses();
    let row = |name: &'static str| {
        let found = addresses.iter().find(|(other, _)| other == name);
        found.map(|(_, url)| (name, url.clone()))
    };
    let overview = Some(("overview", stack.door.url().to_owned()));
    [
        overview,
        row("queue"),
        row("queue (amqp)"),
        row("handler"),
        row("logic app"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn kept_in(kept: &Kept) -> String {
    match kept.lasting() {
        Some(folder) => folder.display().to_string(),
        None => "memory: gone in the end".to_owned(),
    }
}

fn rows(rows: &[(&str, String)]) -> Vec<String> {
    let rows = rows.iter();
    rows.map(|(name, value)| format!("  {name:<12}  {value}"))
        .collect()
}

fn container_url(running: &Running) -> Option<String> {
    let (blobs, container) = (running.blobs.as_ref()?, running.container.as_ref()?);
    Some(format!("{blobs}/{container}"))
}

/// Where the dead letters of the queue are shown.
pub(super) fn dead_letters_url(stack: &Stack) -> String {
    format!(
        "{}/{}/$deadletterqueue",
        stack.door.url(),
        stack.queue.name()
    )
}

fn post_a_cart(stack: &Stack) -> String {
    let url = format!("{}/{}/messages", stack.door.url(), stack.queue.name());
    format!(
        "  curl -i {url} \\\n    \
         -H 'BrokerProperties: {{\"SessionId\":\"{SESSION}\"}}' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"id\":\"{SESSION}\",\"products\":[{{\"id\":8,\"name\":\"Scratcher\",\"quantity\":2}}],\"complete\":false}}'"
    )
}
