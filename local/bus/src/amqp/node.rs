//! What an address on a link means.

/// The node at the far end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Takes tokens.
    Cbs,
    /// Takes management requests, for the namespace or for one queue.
    Management,
    /// A queue, which may not exist.
    Queue(String),
}

impl Node {
    /// Reads `order-items`, `/order-items`, `sb://localhost/order-items`, `$cbs`,
    /// `order-items/$management`.
    pub(super) fn of(address: &str) -> Self {
        let path = path(address);
        match path.rsplit('/').next() {
            Some("$cbs") => Self::Cbs,
            Some("$management") => Self::Management,
            _ => Self::Queue(path.to_owned()),
        }
    }
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

    #[test]
    fn an_address_may_be_a_name_or_a_whole_uri() {
        for address in [
            "order-items",
            "/order-items",
            "sb://localhost/order-items",
            "amqp://127.0.0.1:5672/order-items/",
        ] {
            assert_eq!(
                Node::of(address),
                Node::Queue("order-items".to_owned()),
                "{address}"
            );
        }
        assert_eq!(Node::of("$cbs"), Node::Cbs);
        assert_eq!(Node::of("order-items/$management"), Node::Management);
        assert_eq!(path("sb://localhost"), "");
    }
}
