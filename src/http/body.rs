//! The body of a request, up to what the queue's tier can send: of one message, or of a batch.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::config::{BATCH_MAX, READ_TIMEOUT};
use crate::invocation;
use crate::order::MESSAGE_MAX;

/// The most that one byte of a message takes on the wire: in text mode a control character is
/// escaped twice (`\\u0001`), and the host sends the body's properties a second time as Metadata.
const ENCODED_MAX: usize = 14;

/// The rest of the envelope: the names of the properties, and those that the host adds.
const ENVELOPE_MAX: usize = 512 * 1024;

/// The longest request with one message that is read, in bytes.
pub const REQUEST_MAX: usize = MESSAGE_MAX * ENCODED_MAX + ENVELOPE_MAX;

/// What a message's properties may have of its [`MESSAGE_MAX`] ("Service Bus quotas").
const PROPERTIES_MAX: usize = 64 * 1024;

/// The rest of a message in a batch, in bytes: its times, its lock token, the commas between.
const ENTRY_MAX: usize = 4 * 1024;

/// The longest request with a batch that is read, in bytes: as many messages as `host.json` lets the
/// host take at once, each as long as may be. Bodies come as base64, three bytes in four; a
/// property comes twice (`ApplicationPropertiesArray`, `UserPropertiesArray`), with each control
/// character escaped twice. Texts, with `"dataType": "string"`, are longer, but not all of the
/// longest messages of a batch at once are of quotes and control characters.
pub const BATCH_REQUEST_MAX: usize = BATCH_MAX
    * ((MESSAGE_MAX - PROPERTIES_MAX).div_ceil(3) * 4 + PROPERTIES_MAX * ENCODED_MAX + ENTRY_MAX)
    + ENVELOPE_MAX;

/// How a batch begins: the host writes `Data` first, and no blanks.
const BATCH_BEGINS: &[u8] = br#"{"Data":{"order":"["#;

/// What is drained of a longer one, so that the host reads our answer instead of a reset.
const DRAINED_MAX: usize = 15 * REQUEST_MAX;

/// The end of the request, where the host puts the session id.
const TAIL: usize = 64 * 1024;

/// Why a request cannot be read; the host gives its message back.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// More than any message of the tier can take.
    #[error(
        "the request is longer than {REQUEST_MAX} bytes; messages of up to {MESSAGE_MAX} bytes are supported (Service Bus Standard)"
    )]
    TooLarge { session: Option<String> },
    /// More than [`BATCH_MAX`] messages of the tier can take.
    #[error(
        "the batch is longer than {BATCH_REQUEST_MAX} bytes; up to {BATCH_MAX} messages of up to {MESSAGE_MAX} bytes are supported: maxMessageBatchSize in host.json, and \"dataType\": \"binary\" in function.json"
    )]
    BatchTooLarge,
    #[error("the request did not arrive within {} s", READ_TIMEOUT.as_secs())]
    TooSlow,
    #[error("the request broke off: {0}")]
    Broken(String),
}

pub(super) async fn read(body: Body) -> Result<Bytes, Unreadable> {
    timeout(READ_TIMEOUT, collect(body))
        .await
        .unwrap_or(Err(Unreadable::TooSlow))
}

async fn collect(mut body: Body) -> Result<Bytes, Unreadable> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unreadable::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        read.extend_from_slice(&data);
        if read.len() > REQUEST_MAX {
            let is_batch = read.starts_with(BATCH_BEGINS);
            if !is_batch || read.len() > BATCH_REQUEST_MAX {
                let session = drain(body, read).await;
                return Err(match is_batch {
                    true => Unreadable::BatchTooLarge,
                    false => Unreadable::TooLarge { session },
                });
            }
        }
    }
    Ok(read.freeze())
}

/// Reads on without keeping more than the tail, and looks for the session there.
async fn drain(mut body: Body, mut tail: BytesMut) -> Option<String> {
    let mut drained = tail.len().min(REQUEST_MAX);
    while drained < DRAINED_MAX {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        drained += data.len();
        tail.extend_from_slice(&data);
        drop(tail.split_to(tail.len().saturating_sub(TAIL)));
    }
    invocation::session_within(&tail)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    use http_body_util::channel::Channel;

    use super::*;

    /// What is read of a request in these pieces, and how many of them were taken.
    async fn read_of(
        pieces: impl IntoIterator<Item = Bytes>,
    ) -> (Result<Bytes, Unreadable>, usize) {
        let taken = Arc::new(AtomicUsize::new(0));
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let counter = Arc::clone(&taken);
        let body = body.map_frame(move |frame| {
            counter.fetch_add(1, Relaxed);
            frame
        });
        let send = async move {
            for piece in pieces {
                if sender.send_data(piece).await.is_err() {
                    break;
                }
            }
        };
        let (read, ()) = tokio::join!(read(Body::new(body)), send);
        (read, taken.load(Relaxed))
    }

    #[tokio::test]
    async fn a_request_without_end_is_given_up() {
        let piece = Bytes::from(vec![b' '; REQUEST_MAX]);
        let (read, taken) = read_of(std::iter::repeat(piece)).await;
        assert!(matches!(read, Err(Unreadable::TooLarge { session: None })));
        assert_eq!(taken, 16, "as much as is drained, and no piece more");
    }

    #[tokio::test]
    async fn a_batch_is_read_as_long_as_its_messages_may_be() {
        let rest = |length: usize| Bytes::from(vec![b' '; length - BATCH_BEGINS.len()]);
        let begin = Bytes::from_static(BATCH_BEGINS);
        let (read, _) = read_of([begin.clone(), rest(BATCH_REQUEST_MAX)]).await;
        assert_eq!(read.unwrap().len(), BATCH_REQUEST_MAX);
        let (read, _) = read_of([begin.clone(), rest(BATCH_REQUEST_MAX + 1)]).await;
        assert!(matches!(read, Err(Unreadable::BatchTooLarge)));
        let single = Bytes::from_static(br#"{"Data":{"order":"A"#);
        let (read, _) = read_of([single, rest(2 * REQUEST_MAX)]).await;
        assert!(matches!(read, Err(Unreadable::TooLarge { session: None })));
    }

    /// The host may put 60 KB of the message's own properties behind the session.
    #[tokio::test]
    async fn the_session_is_looked_for_in_the_tail_alone() {
        let filler = Bytes::from(vec![b' '; REQUEST_MAX + 1]);
        for (behind, expected) in [(60_000, Some("S")), (TAIL, None)] {
            let end = format!(r#""SessionId":"\"S\"","x":"{}"}}}}"#, "x".repeat(behind));
            let (read, taken) = read_of([filler.clone(), end.into()]).await;
            let Err(Unreadable::TooLarge { session }) = read else {
                panic!("{read:?}");
            };
            assert_eq!(session.as_deref(), expected, "{behind} bytes behind it");
            assert_eq!(taken, 2);
        }
    }
}
