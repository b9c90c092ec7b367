//! What a mail shows of a body: short, plain texts. The body itself goes beside them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Products that a mail lists.
const PRODUCTS_MAX: usize = 100;

/// Characters of one value.
const VALUE_MAX: usize = 200;

/// Characters of the body.
const TEXT_MAX: usize = 4_000;

/// What a person reads without opening the file.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    customer: Option<String>,
    product_list: ProductList,
    products: Vec<Product>,
    /// The body's beginning.
    text: String,
    /// Whether there is more of it.
    text_is_cut: bool,
}

/// What `products` is to the list in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum ProductList {
    Whole,
    /// The first of them.
    Cut,
    Empty,
    Absent,
    /// Something else than a list of objects.
    Odd,
}

/// The values as they stand in the JSON: no number is rounded.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: String,
    name: String,
    quantity: String,
}

#[derive(Deserialize)]
struct OrderFields<'a> {
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    products: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ProductFields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    quantity: Option<&'a RawValue>,
}

impl Shown {
    /// Reads what can be read. Nothing is refused here: whatever `body` is, it is mailed.
    pub(super) fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let order: Option<OrderFields<'_>> = serde_json::from_str(text).ok();
        let customer = order.as_ref().and_then(|order| order.email).map(value);
        let (product_list, products) = match order.and_then(|order| order.products) {
            Some(list) => products(list).unwrap_or((ProductList::Odd, Vec::new())),
            None => (ProductList::Absent, Vec::new()),
        };
        let shown: String = text.chars().take(TEXT_MAX).map(visible).collect();
        Self {
            customer: customer.filter(|customer| !customer.is_empty()),
            product_list,
            products,
            text_is_cut: text.chars().nth(TEXT_MAX).is_some(),
            text: shown,
        }
    }
}

/// `None` when it is no list of objects.
fn products(list: &RawValue) -> Option<(ProductList, Vec<Product>)> {
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    let listed = items.iter().take(PRODUCTS_MAX);
    let products: Vec<Product> = listed
        .map(|item| {
            if !item.get().starts_with('{') {
                return None;
            }
            let fields: ProductFields<'_> = serde_json::from_str(item.get()).ok()?;
            Some(Product {
                id: fields.id.map(value).unwrap_or_default(),
                name: fields.name.map(value).unwrap_or_default(),
                quantity: fields.quantity.map(value).unwrap_or_default(),
            })
        })
        .collect::<Option<_>>()?;
    let kind = match (products.len(), items.len()) {
        (0, _) => ProductList::Empty,
        (shown, all) if shown < all => ProductList::Cut,
        _ => ProductList::Whole,
    };
    Some((kind, products))
}

/// A string's text, or whatever else it is as it stands there; half a surrogate pair is no text.
fn value(value: &RawValue) -> String {
    let text = serde_json::from_str::<String>(value.get());
    let text = text.unwrap_or_else(|_| match value.get() {
        "null" => String::new(),
        other => other.trim_matches('"').to_owned(),
    });
    let mut shown: String = text.chars().take(VALUE_MAX).map(visible).collect();
    if text.chars().nth(VALUE_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a mail shows it as what it is: no control character, and none that turns a line around.
pub(super) fn is_visible(character: char) -> bool {
    !matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        && !character.is_control()
}

fn visible(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\r' => ' ',
        _ if is_visible(character) => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: &str, name: &str, quantity: &str) -> Product {
        Product {
            id: id.to_owned(),
            name: name.to_owned(),
            quantity: quantity.to_owned(),
        }
    }

    #[test]
    fn values_are_shown_as_they_stand() {
        let shown = Shown::of(
            br#"{"email":"a@b","products":[
                {"id":1754563833779314822,"name":"Cat \ud83d","quantity":1e400},
                {"id":0.1234567890123456789,"name":"K\u00f6ln \"x\"","quantity":12.50},
                {"name":null},
                {"id":{"a":[1]},"name":true,"quantity":"2"}]}"#,
        );
        assert_eq!(shown.customer.as_deref(), Some("a@b"));
        assert_eq!(shown.product_list, ProductList::Whole);
        assert_eq!(
            shown.products,
            [
                product("1754563833779314822", r"Cat \ud83d", "1e400"),
                product("0.1234567890123456789", "Köln \"x\"", "12.50"),
                product("", "", ""),
                product("{\"a\":[1]}", "true", "2"),
            ]
        );
    }

    #[test]
    fn what_is_no_list_of_products_is_named() {
        for (body, expected) in [
            ("{}", ProductList::Absent),
            (r#"{"products":null}"#, ProductList::Absent),
            ("no JSON", ProductList::Absent),
            (r#"{"products":[]}"#, ProductList::Empty),
            ("\u{feff}{\"products\":[]}", ProductList::Empty),
            (r#"{"products":{}}"#, ProductList::Odd),
            (r#"{"products":["x"]}"#, ProductList::Odd),
            (r#"{"products":[[{}]]}"#, ProductList::Odd),
            (r#"{"products":[{"id":1,"id":2}]}"#, ProductList::Odd),
            (r#"{"products":[{}]}"#, ProductList::Whole),
        ] {
            assert_eq!(Shown::of(body.as_bytes()).product_list, expected, "{body}");
        }
    }

    #[test]
    fn it_is_bounded() {
        let name = "ü".repeat(1_000);
        let products = vec![format!(r#"{{"name":"{name}"}}"#); 101].join(",");
        let shown = Shown::of(format!(r#"{{"products":[{products}]}}"#).as_bytes());
        assert_eq!(shown.product_list, ProductList::Cut);
        assert_eq!(shown.products.len(), PRODUCTS_MAX);
        assert_eq!(shown.products[0].name.chars().count(), VALUE_MAX + 1);
        assert_eq!(shown.text.chars().count(), TEXT_MAX);
        assert!(shown.text_is_cut);
        let deep = format!(
            r#"{{"products":[{{"id":{}{}}}]}}"#,
            "[".repeat(9_000),
            "]".repeat(9_000)
        );
        assert_eq!(
            Shown::of(deep.as_bytes()).products[0].id.chars().count(),
            VALUE_MAX + 1
        );
    }

    #[test]
    fn what_a_mail_cannot_show_is_replaced() {
        let shown = Shown::of(b"a\0\x1b[1m\r\nb\t\xff\xe2\x80\xae\xc2\x85");
        assert_eq!(
            shown.text,
            "a\u{fffd}\u{fffd}[1m \nb\t\u{fffd}\u{fffd}\u{fffd}"
        );
        assert!(!shown.text_is_cut);
        assert_eq!((shown.customer, shown.products.len()), (None, 0));
    }
}
