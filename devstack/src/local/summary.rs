//! What is printed once the stack is up: every address, how to post a cart, how to look at the blob.

use devstack::stack::Stack;

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

/// The start-up summary.
pub(crate) fn of(stack: &Stack) -> String {
    let mut lines = vec![
        format!(
            "{} is up in {}",
            stack.app.function,
            stack.app.root.display()
        ),
        String::new(),
    ];
    lines.extend(
        stack
            .addresses()
            .iter()
            .map(|(name, url)| format!("  {name:<12} {url}")),
    );
    lines.push(format!("  {:<12} {}", "overview", stack.door.url()));
    lines.push(format!(
        "  {:<12} {}",
        "dead letters",
        dead_letters_url(stack)
    ));
    lines.extend([String::new(), "Post a cart:".to_owned(), post_a_cart(stack)]);
    if let Some(blob) = &stack.blob {
        let container = stack
            .app
            .settings
            .get("ORDERS_CONTAINER")
            .map_or("orders", String::as_str);
        lines.extend([
            "See the blob:".to_owned(),
            format!("  curl {}/{container}/{SESSION}.json", blob.url()),
        ]);
    }
    lines.extend([String::new(), "Ctrl+C ends it.".to_owned(), String::new()]);
    lines.join("\n")
}

/// Where the dead letters of the queue are shown.
pub(crate) fn dead_letters_url(stack: &Stack) -> String {
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
