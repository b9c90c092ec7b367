//! What a person is told at the start: what to open first, how to post a cart, how to look at the
//! blob.

use std::fmt::Display;
use std::time::Duration;

use stack::Stack;
use stack::running::Running;

use super::run_folder::RunFolder;

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

/// The start-up summary.
pub(super) fn summary(
    stack: &Stack,
    running: &Running,
    folder: &RunFolder,
    took: Duration,
) -> Vec<String> {
    let up = match &stack.host {
        Some(_) => stack.app.function.as_str(),
        None => "everything but the host",
    };
    let mut lines = vec![
        format!("{up} is up in {} ms", took.as_millis()),
        String::new(),
    ];
    lines.extend(rows(&opened_first(stack, running)));
    lines.push(String::new());
    lines.extend(rows(&the_rest(stack)));
    lines.push(String::new());
    lines.extend(rows(&[("kept in", kept_in(folder))]));
    lines.extend([String::new(), "Post a cart:".to_owned(), post_a_cart(stack)]);
    if let Some(container) = container_url(running) {
        let blob = with_query(&format!("{container}/{SESSION}.json"), running);
        let see = format!("  curl '{blob}'");
        lines.extend(["See the blob:".to_owned(), see]);
    }
    lines.push(String::new());
    lines
}

/// What one opens first.
fn opened_first(stack: &Stack, running: &Running) -> Vec<(String, String)> {
    let there = |(name, url): (&str, Option<String>)| url.map(|url| (name.to_owned(), url));
    let shops = running.petstores.iter().enumerate();
    let shops = shops.map(|(number, url)| match number {
        0 => ("PetStore".to_owned(), url.clone()),
        _ => (format!("PetStore {}", number + 1), url.clone()),
    });
    let rest = [
        ("outbox", running.outbox.clone()),
        ("blobs", blobs_url(running)),
        ("dead letters", Some(dead_letters_url(stack))),
    ];
    let dashboard = there(("dashboard", running.dashboard.clone()));
    let first = dashboard.into_iter().chain(shops);
    first.chain(rest.into_iter().filter_map(there)).collect()
}

/// The rest, for those who look closer.
fn the_rest(stack: &Stack) -> Vec<(&'static str, String)> {
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

fn kept_in(folder: &RunFolder) -> String {
    match folder.lasting() {
        Some(folder) => folder.display().to_string(),
        None => "memory: gone in the end".to_owned(),
    }
}

fn rows<N: Display>(rows: &[(N, String)]) -> Vec<String> {
    let rows = rows.iter();
    rows.map(|(name, value)| format!("  {name:<12}  {value}"))
        .collect()
}

/// The list of containers, as it opens in a browser.
pub(super) fn blobs_url(running: &Running) -> Option<String> {
    let url = running.blobs.as_ref()?;
    Some(with_query(&format!("{url}?comp=list"), running))
}

/// Azurite lets nobody look without a signature.
fn with_query(url: &str, running: &Running) -> String {
    let before = if url.contains('?') { '&' } else { '?' };
    match &running.look_query {
        Some(query) => format!("{url}{before}{query}"),
        None => url.to_owned(),
    }
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
