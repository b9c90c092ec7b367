//! What an address on a link means.

const DEAD_LETTERS: &str = "$deadletterqueue";
const MANAGEMENT: &str = "$management";

/// The node at the far end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Takes tokens.
    Cbs,
    /// Takes management requests, for one entity or (an empty one) for the namespace.
    Management(Entity),
    Entity(Entity),
}

/// A queue, which may not exist, or its dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) queue: String,
    pub(super) dead_letters: bool,
}

impl Node {
    /// Reads `order-items`, `/order-items`, `sb://localhost/order-items`, `$cbs`,
    /// `order-items/$management`, `order-items/$DeadLetterQueue`, and both of the last together.
    pub(super) fn of(address: &str) -> Self {
        let path = path(address);
        if path.eq_ignore_ascii_case("$cbs") {
            return Self::Cbs;
        }
        match cut(path, MANAGEMENT) {
            Some(rest) => Self::Management(Entity::of(rest)),
            None => Self::Entity(Entity::of(path)),
        }
    }
}

impl Entity {
    fn of(path: &str) -> Self {
        let queue = cut(path, DEAD_LETTERS);
        Self {
            queue: queue.unwrap_or(path).to_owned(),
            dead_letters: queue.is_some(),
        }
    }

    /// Something that Service Bus has beside queues.
    pub(super) fn is_foreign(&self) -> bool {
        let mut parts = self.queue.split('/').skip(1);
        parts.any(|part| {
            part.eq_ignore_ascii_case("subscriptions") || part.eq_ignore_ascii_case("$transfer")
        })
    }
}

/// The path before its last part, if that is `last` in any case.
fn cut<'a>(path: &'a str, last: &str) -> Option<&'a str> {
    let (rest, part) = path.rsplit_once('/').unwrap_or(("", path));
    part.eq_ignore_ascii_case(last).then_some(rest)
}

/// The path of an address or of the URI a token is for, without slashes around it.
pub(super) fn path(address: &str) -> &str {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => address,
    };
    path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(queue: &str, dead_letters: bool) -> Entity {
        let queue = queue.to_owned();
        Entity {
            queue,
            dead_letters,
        }
    }

    #[test]
    fn an_address_may_be_a_name_or_a_whole_uri() {
        for address in [
            "order-items",
            "/order-items",
            "sb://localhost/order-items",
            "amqp://127.0.0.1:5672/order-items/",
        ] {
            let expected = Node::Entity(entity("order-items", false));
            assert_eq!(Node::of(address), expected, "{address}");
        }
        assert_eq!(Node::of("$cbs"), Node::Cbs);
        assert_eq!(path("sb://localhost"), "");
    }

    #[test]
    fn what_is_below_a_queue_is_named_in_any_case() {
        for address in ["q/$DeadLetterQueue", "sb://h/q/$deadletterqueue"] {
            assert_eq!(Node::of(address), Node::Entity(entity("q", true)));
        }
        let management = Node::Management(entity("q", false));
        assert_eq!(Node::of("q/$management"), management);
        let of_letters = Node::of("q/$DeadLetterQueue/$Management");
        assert_eq!(of_letters, Node::Management(entity("q", true)));
        assert_eq!(Node::of("$management"), Node::Management(entity("", false)));
        assert!(entity("t/Subscriptions/s", false).is_foreign());
        assert!(!entity("subscriptions", false).is_foreign());
    }
}
