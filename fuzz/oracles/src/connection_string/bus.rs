//! Two readers of one string: our programs and the local stack must mean the same bus.

use azure_app::identity::Identity;
use service_bus::{Access, Connection};
use stand_in::Connection as Stack;
use url::Url;

use super::assert_hidden;

/// What both of them read.
#[derive(Debug, PartialEq)]
struct Meant {
    host: String,
    key_name: String,
    secret: String,
}

pub(super) fn check(text: &str) {
    let ours = Connection::from_string(text);
    let stack = Stack::parse(text);
    assert_hidden(&ours);
    assert_hidden(&stack);
    let ours = ours.ok().map(|ours| of_ours(&ours));
    let stack_read = stack.as_ref().ok().and_then(of_stack);
    assert_agree(&ours, &stack_read, text);
    if let Some(meant) = ours {
        check_written(&meant);
    }
    if let Ok(stack) = stack {
        check_port(text, &stack);
    }
    check_namespace(text);
}

/// One may be stricter than another, but where both read it, they read the same.
fn assert_agree(one: &Option<Meant>, other: &Option<Meant>, text: &str) {
    if let (Some(one), Some(other)) = (one, other) {
        assert_eq!(one, other, "{text}");
    }
}

fn of_ours(ours: &Connection) -> Meant {
    let Access::Key(key) = &ours.access else {
        panic!("a connection string is no identity");
    };
    assert_plain(&ours.base);
    meant(ours.base.host_str(), &key.name, &key.secret)
}

fn of_stack(stack: &Stack) -> Option<Meant> {
    let key = stack.key.as_ref()?;
    // As a host of http: lower case, and nothing percent-encoded.
    let url = Url::parse(&format!("https://{}/", stack.host)).ok()?;
    Some(meant(url.host_str(), &key.name, &key.secret))
}

fn meant(host: Option<&str>, key_name: &str, secret: &str) -> Meant {
    Meant {
        host: host.expect("a host").to_owned(),
        key_name: key_name.to_owned(),
        secret: secret.to_owned(),
    }
}

/// Keys and orders go in the clear to this machine only, and an address is nothing but scheme, host
/// and port.
fn assert_plain(url: &Url) {
    let loopback = matches!(url.host_str(), Some("localhost" | "[::1]"))
        || url.host_str().is_some_and(|host| host.starts_with("127."));
    assert!(
        url.scheme() == "https" || (url.scheme() == "http" && loopback),
        "{url}"
    );
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    assert!(
        bare && url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
}

/// Written down again, both read it.
fn check_written(meant: &Meant) {
    let Meant {
        host,
        key_name,
        secret,
    } = meant;
    let text =
        format!("Endpoint=sb://{host}/;SharedAccessKeyName={key_name};SharedAccessKey={secret}");
    let ours = Connection::from_string(&text).expect(&text);
    let stack = Stack::parse(&text).expect(&text);
    assert_eq!(of_ours(&ours), *meant);
    assert_eq!(of_stack(&stack).as_ref(), Some(meant));
}

/// With another port it is the same string otherwise.
fn check_port(text: &str, stack: &Stack) {
    let moved = Stack::parse(&Stack::with_port(text, 5300)).expect("with another port");
    assert_eq!(moved.port, Some(5300), "{text}");
    assert_eq!(moved.host, stack.host, "{text}");
    let key = |stack: &Stack| stack.key.clone().map(|key| (key.name, key.secret));
    assert_eq!(key(&moved), key(stack), "{text}");
}

/// A host name, or nothing.
fn check_namespace(text: &str) {
    if let Ok(ours) = Connection::with_identity(text, Identity::Developer) {
        assert_plain(&ours.base);
    }
}
