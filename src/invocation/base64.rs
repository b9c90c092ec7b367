//! Bytes out of base64, by the processor's vector instructions where it has them: nearly all of a
//! request is base64.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;
use bytes::Bytes;

/// What the processor can do is asked once.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// The bytes; `None` where it is no base64, padding included.
pub(super) fn decoded(text: &str) -> Option<Bytes> {
    ENGINE.decode(text).ok().map(Bytes::from)
}
