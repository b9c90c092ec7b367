//! Frames as bytes: taken off a buffer, and put into one. None is waited for that is larger than it
//! may be.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use fe2o3_amqp_types::performatives::Performative;
use serde::Serialize;

/// The largest frame taken; it is announced to the client.
pub(super) const FRAME_MAX: u32 = 64 * 1024;

/// Size, data offset, type and channel.
const FRAME_HEADER: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Amqp = 0,
    Sasl = 1,
}

/// One frame; an empty body is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) layer: Layer,
    pub(super) channel: u16,
    pub(super) body: Bytes,
}

/// Bytes that no frame begins with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotAFrame(String);

/// Takes a whole frame off the buffer, if there is one.
pub(super) fn split_frame(buffer: &mut BytesMut) -> Result<Option<Frame>, NotAFrame> {
    let Some(header) = buffer.first_chunk::<FRAME_HEADER>() else {
        return Ok(None);
    };
    let [s0, s1, s2, s3, offset, layer, c0, c1] = *header;
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if size > FRAME_MAX {
        let problem = format!("a frame of {size} bytes, at most {FRAME_MAX} were agreed on");
        return Err(NotAFrame(problem));
    }
    let (size, body) = (size as usize, usize::from(offset) * 4);
    if body < FRAME_HEADER || size < body {
        let problem = format!("a frame of {size} bytes whose body starts at {body}");
        return Err(NotAFrame(problem));
    }
    let layer = match layer {
        0 => Layer::Amqp,
        1 => Layer::Sasl,
        other => return Err(NotAFrame(format!("a frame of type {other}"))),
    };
    if buffer.len() < size {
        return Ok(None);
    }
    let mut frame = buffer.split_to(size);
    frame.advance(body);
    Ok(Some(Frame {
        layer,
        channel: u16::from_be_bytes([c0, c1]),
        body: frame.freeze(),
    }))
}

pub(super) fn put_frame(
    out: &mut BytesMut,
    channel: u16,
    performative: &Performative,
    payload: &[u8],
) {
    put(out, Layer::Amqp, channel, performative, payload);
}

pub(super) fn put_sasl(out: &mut BytesMut, body: &impl Serialize) {
    put(out, Layer::Sasl, 0, body, &[]);
}

/// Appends an empty frame, which says that we are alive.
pub(super) fn put_heartbeat(out: &mut BytesMut) {
    put_bytes(out, Layer::Amqp, 0, &[], &[]);
}

fn put(out: &mut BytesMut, layer: Layer, channel: u16, body: &impl Serialize, payload: &[u8]) {
    // What this door answers is built of texts and numbers, which can all be encoded.
    if let Ok(body) = serde_amqp::to_vec(body) {
        put_bytes(out, layer, channel, &body, payload);
    }
}

fn put_bytes(out: &mut BytesMut, layer: Layer, channel: u16, body: &[u8], payload: &[u8]) {
    let size = FRAME_HEADER + body.len() + payload.len();
    out.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
    out.put_u8(2);
    out.put_u8(layer as u8);
    out.put_u16(channel);
    out.put_slice(body);
    out.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8]) -> Result<Option<Frame>, String> {
        split_frame(&mut BytesMut::from(bytes)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut bytes = BytesMut::new();
        put_bytes(&mut bytes, Layer::Sasl, 258, b"ab", b"c");
        for short in 0..bytes.len() {
            assert_eq!(split(&bytes[..short]), Ok(None), "{short} bytes");
        }
        let frame = split(&bytes).unwrap().expect("whole");
        assert_eq!((frame.layer, frame.channel), (Layer::Sasl, 258));
        assert_eq!(frame.body, "abc");
    }

    #[test]
    fn a_size_is_refused_before_the_bytes_arrive() {
        let large = split(&[0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0]).unwrap_err();
        assert!(large.contains("a frame of 4294967295 bytes"), "{large}");
        assert!(
            split(&[0, 0, 0, 7, 2, 0, 0, 0]).is_err(),
            "smaller than its header"
        );
        assert!(
            split(&[0, 0, 0, 8, 1, 0, 0, 0]).is_err(),
            "a body inside the header"
        );
        assert!(split(b"GET / HTTP/1.1\r\n").is_err());
    }
}
