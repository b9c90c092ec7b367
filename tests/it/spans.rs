//! The function's spans, as they arrive at whoever takes them; and that whoever takes them, badly
//! or not at all, never harms an order.

mod harm;
mod process;

use testkit::scripted::{Scripted, Step, answering};
use testkit::spans::{Exported, SpanReceiver};

use crate::support::Rig;
use crate::support::rig::accepting;

/// What the host names.
const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const GIVEN_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const GIVEN_SPAN: &str = "b7ad6b7169203331";

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

fn storing() -> Vec<Step> {
    answering("201 Created", "etag: \"0x8DC\"\r\n")
}

/// A function that exports, before a storage that does `steps` and a fallback that says yes.
async fn exporting(steps: Vec<Step>, receiver: &SpanReceiver) -> Rig {
    let storage = Scripted::start([], steps).await;
    let fallback = Scripted::start([], accepting()).await;
    let endpoint = receiver.endpoint();
    let settings = [
        (ENDPOINT, endpoint.as_str()),
        ("ORDERS_QUEUE_NAME", "carts"),
    ];
    Rig::start(storage, fallback, &settings).await
}

/// The one span of this name.
fn named<'a>(spans: &'a [Exported], name: &str) -> &'a Exported {
    let mut found = spans.iter().filter(|span| span.name == name);
    let (Some(span), None) = (found.next(), found.next()) else {
        panic!("one {name}: {spans:#?}");
    };
    span
}
