//! One JSON document on the way to an order: the order itself, or a wrapper around it.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::OrderError;

/// The keys of a wrapper, for a message to a person.
const WRAPPED: &str = "payload (or orderJson, orderJSON)";

/// What a document may be.
pub(super) enum Document<'a> {
    /// A JSON text within a JSON string, as JMS and the portal send it.
    Text(String),
    /// A JSON object.
    Object(Object<'a>),
}

/// The fields that decide; the rest of the object is skipped unread.
#[derive(Deserialize)]
pub(super) struct Object<'a> {
    #[serde(borrow, rename = "sessionId")]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "orderId")]
    order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    products: Option<&'a RawValue>,
    #[serde(borrow, alias = "orderJson", alias = "orderJSON")]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    quantity: Option<&'a RawValue>,
}

impl<'a> Document<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, OrderError> {
        let text = std::str::from_utf8(bytes).map_err(|error| OrderError::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        match text.trim_start().as_bytes().first() {
            None => Err(OrderError::Empty),
            Some(b'"') => serde_json::from_str(text)
                .map(Self::Text)
                .map_err(|error| not_json(&error)),
            Some(b'{') => serde_json::from_str(text)
                .map(Self::Object)
                .map_err(|error| not_json(&error)),
            Some(_) => match serde_json::from_str::<&RawValue>(text) {
                Ok(value) => Err(wrong_type("message", "a JSON object", value)),
                Err(error) => Err(not_json(&error)),
            },
        }
    }

    /// The session that this document names, if it does.
    pub(super) fn session(&self) -> Result<Option<String>, OrderError> {
        let Self::Object(object) = self else {
            return Ok(None);
        };
        for (field, value) in [
            ("sessionId", object.session_id),
            ("id", object.id),
            ("orderId", object.order_id),
        ] {
            let Some(value) = value else { continue };
            let text: String = serde_json::from_str(value.get())
                .map_err(|_| wrong_type(field, "a string", value))?;
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// The document within this one, when this is only a wrapper. An object with products is an
    /// order, whatever else it carries.
    pub(super) fn inner(&self) -> Result<Option<Bytes>, OrderError> {
        let object = match self {
            Self::Text(text) => return Ok(Some(text.clone().into())),
            Self::Object(object) => object,
        };
        let (Some(inner), None) = (object.payload, object.products) else {
            return Ok(None);
        };
        match inner.get().as_bytes().first() {
            Some(b'"') => Self::read(inner.get().as_bytes())?.inner(),
            Some(b'{') => Ok(Some(Bytes::copy_from_slice(inner.get().as_bytes()))),
            _ => Err(wrong_type(WRAPPED, "an order, or its JSON text", inner)),
        }
    }

    /// Checks the product list; absent and `null` are an empty one.
    pub(super) fn check_products(&self) -> Result<(), OrderError> {
        let Self::Object(Object {
            products: Some(products),
            ..
        }) = self
        else {
            return Ok(());
        };
        let items: Vec<&RawValue> = serde_json::from_str(products.get())
            .map_err(|_| wrong_type("products", "a list", products))?;
        for (index, item) in items.into_iter().enumerate() {
            if !item.get().starts_with('{') {
                return Err(wrong_type(&format!("products[{index}]"), "an object", item));
            }
            let product: Product<'_> =
                serde_json::from_str(item.get()).map_err(|error| not_json(&error))?;
            for (field, value) in [("id", product.id), ("quantity", product.quantity)] {
                let Some(value) = value else { continue };
                if value.get().parse::<i64>().is_err() {
                    let field = format!("products[{index}].{field}");
                    return Err(wrong_type(&field, "a 64-bit integer", value));
                }
            }
        }
        Ok(())
    }
}

/// serde's words name keys and places, never values: each field is read as it stands.
fn not_json(error: &serde_json::Error) -> OrderError {
    OrderError::NotJson(error.to_string())
}

fn wrong_type(field: &str, expected: &'static str, found: &RawValue) -> OrderError {
    OrderError::WrongType {
        field: field.to_owned(),
        expected,
        found: match found.get().as_bytes().first() {
            Some(b'"') if serde_json::from_str::<String>(found.get()).is_err() => {
                "a string with half a character"
            }
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ if found.get().contains(['.', 'e', 'E']) => "a fraction",
            _ if found.get().parse::<i64>().is_err() => "an integer beyond 64 bits",
            _ => "an integer",
        },
    }
}
