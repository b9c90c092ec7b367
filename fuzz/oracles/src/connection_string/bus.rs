//! Three readers of one string: the storefront, the operator's tool and the local stack must mean the same bus.

use devstack::connection::Connection as Stack;
use order_items_ops::connection::{Access as ToolAccess, Connection as Tool};
use order_items_reserver::identity::Identity;
use petstore::bus::{Access as ShopAccess, Endpoint as Shop};
use url::Url;

use super::assert_hidden;

/// What all of them read.
#[derive(Debug, PartialEq)]
struct Meant {
    host: String,
    key_name: String,
    secret: String,
}

pub(super) fn check(text: &str) {
    let shop = Shop::from_connection_string(text, "order-items");
    let tool = Tool::from_string(text);
    let stack = Stack::parse(text);
    assert_hidden(&shop);
    assert_hidden(&tool);
    assert_hidden(&stack);
    let shop = shop.ok().map(|shop| of_shop(&shop));
    let tool = tool.ok().map(|tool| of_tool(&tool));
    let stack_read = stack.as_ref().ok().and_then(of_stack);
    assert_agree(&shop, &tool, text);
    assert_agree(&shop, &stack_read, text);
    assert_agree(&tool, &stack_read, text);
    if let Some(meant) = shop {
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

fn of_shop(shop: &Shop) -> Meant {
    let ShopAccess::Key(key) = &shop.access else {
        panic!("a connection string is no identity");
    };
    assert_plain(&shop.url);
    meant(shop.url.host_str(), &key.name, &key.secret)
}

fn of_tool(tool: &Tool) -> Meant {
    let ToolAccess::Key(key) = &tool.access else {
        panic!("a connection string is no identity");
    };
    assert_plain(&tool.base);
    meant(tool.base.host_str(), &key.name, &key.secret)
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

/// Keys and orders go in the clear to this machine only, and an address is nothing but scheme, host and port.
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

/// Written down again, all three read it.
fn check_written(meant: &Meant) {
    let Meant {
        host,
        key_name,
        secret,
    } = meant;
    let text =
        format!("Endpoint=sb://{host}/;SharedAccessKeyName={key_name};SharedAccessKey={secret}");
    let shop = Shop::from_connection_string(&text, "order-items").expect(&text);
    let tool = Tool::from_string(&text).expect(&text);
    let stack = Stack::parse(&text).expect(&text);
    assert_eq!(of_shop(&shop), *meant);
    assert_eq!(of_tool(&tool), *meant);
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
    let shop = Shop::with_identity(text, Identity::Developer);
    let tool = Tool::with_identity(text, Identity::Developer);
    if let Ok(shop) = &shop {
        assert_plain(&shop.url);
    }
    if let Ok(tool) = &tool {
        assert_plain(&tool.base);
    }
    let hosts = (
        shop.ok().map(|shop| shop.url),
        tool.ok().map(|tool| tool.base),
    );
    assert_eq!(hosts.0, hosts.1, "{text}");
}
