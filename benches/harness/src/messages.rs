//! What is sent: invocations as the Functions host writes them, and the bare upload that each comes
//! down to.

use blob::ACCOUNT;
use bus::{Accepted, Delivery, Message};
use bytes::Bytes;
use host::app::DataType;
use host::{encode_batch, encode_invocation};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// When the first message was accepted; each further one a millisecond later.
const BEGINNING: OffsetDateTime = datetime!(2026-05-04 09:30:10 UTC);

/// The bytes of one product, about.
const PRODUCT: &str = r#"{"id":NNNN,"name":"All Sizes Fish Food","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/fish-food/fish.jpg?raw=true","quantity":3}"#;

/// A kind of traffic.
#[derive(Debug, Clone, Copy)]
pub struct Messages {
    /// Message `i` is of session `i % sessions`.
    pub sessions: usize,
    /// The length of each order, in bytes: at least one product's.
    pub body: usize,
}

impl Messages {
    /// A cart of six products, as most shoppers have.
    pub const USUAL: Self = Self {
        sessions: 1_000,
        body: 1_024,
    };

    /// The order of message `index`.
    #[must_use]
    pub fn order(&self, index: usize) -> String {
        let session = self.session(index);
        let mut order = format!(r#"{{"id":"{session}","complete":false,"products":["#);
        let mut number = 1_000;
        loop {
            order.push_str(&PRODUCT.replace("NNNN", &number.to_string()));
            number += 1;
            if order.len() + PRODUCT.len() + 16 > self.body {
                break;
            }
            order.push(',');
        }
        let padding = self.body.saturating_sub(order.len() + r#"],"_":""}"#.len());
        order + r#"],"_":""# + &"x".repeat(padding) + r#""}"#
    }

    fn session(&self, index: usize) -> String {
        format!("{:032X}", index % self.sessions)
    }

    /// Message `index` as the queue hands it out, with the cart of message `cart`.
    fn delivery(&self, index: usize, cart: usize) -> Delivery {
        let number = index as u64 + 1;
        let mut message = Message::new(self.order(cart))
            .with_session(self.session(cart))
            .with_id(Uuid::from_u128(number.into()).to_string());
        let trace = format!("00-{number:032x}-{number:016x}-01");
        message.properties.correlation_id = Some(trace);
        message.properties.content_type = Some("application/json".to_owned());
        let enqueued = BEGINNING + Duration::milliseconds(index as i64);
        Delivery {
            accepted: Accepted {
                sequence: number,
                enqueued,
                expires: enqueued + Duration::days(14),
                message,
            },
            delivery_count: 1,
            lock_token: Uuid::from_u128(number.into()),
            locked_until: enqueued + Duration::minutes(5),
        }
    }

    /// The host's request for message `index`, as it is on the wire: chunked, as .NET sends it.
    #[must_use]
    pub fn invocation(&self, index: usize) -> Bytes {
        let body = encode_invocation(&self.delivery(index, index), DataType::Binary);
        Self::request(index, &body)
    }

    /// The host's request for batch `index` of `size` messages, of which `updates` follow each other
    /// of each cart.
    #[must_use]
    pub fn batch(&self, index: usize, size: usize, updates: usize) -> Bytes {
        let first = index * size;
        let deliveries: Vec<_> = (first..first + size)
            .map(|index| self.delivery(index, index / updates))
            .collect();
        Self::request(index, &encode_batch(&deliveries, DataType::Binary))
    }

    fn request(index: usize, body: &[u8]) -> Bytes {
        let number = index as u64 + 1;
        let mut wire = format!(
            "POST /OrderItemsReserver HTTP/1.1\r\n\
             Host: 127.0.0.1\r\n\
             User-Agent: Azure-Functions-Host/4.1041.200\r\n\
             X-Azure-Functions-HostVersion: 4.1041.200\r\n\
             X-Azure-Functions-InvocationId: {}\r\n\
             Content-Type: application/json; charset=utf-8\r\n\
             Transfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n",
            Uuid::from_u128(number.into()),
            body.len()
        )
        .into_bytes();
        wire.extend_from_slice(body);
        wire.extend_from_slice(b"\r\n0\r\n\r\n");
        wire.into()
    }

    /// The upload that message `index` comes down to: what nobody can do without.
    #[must_use]
    pub fn upload(&self, index: usize) -> Bytes {
        let order = self.order(index);
        let session = self.session(index);
        let length = order.len();
        let head = format!(
            "PUT /{ACCOUNT}/orders/{session}.json?timeout=10 HTTP/1.1\r\n\
             Host: 127.0.0.1\r\n\
             Content-Type: application/json\r\n\
             If-None-Match: *\r\n\
             x-ms-blob-type: BlockBlob\r\n\
             x-ms-meta-sequence: {index}\r\n\
             x-ms-version: 2023-11-03\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        (head + &order).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_its_length_and_is_json() {
        for body in [300, 1_024, 16 * 1_024, 256 * 1_024] {
            let messages = Messages { sessions: 7, body };
            let order = messages.order(8);
            assert_eq!(order.len(), body);
            let order: serde_json::Value = serde_json::from_str(&order).unwrap();
            assert_eq!(order["id"], "00000000000000000000000000000001");
        }
    }
}
