//! Shared access signatures: a token out of a shared access key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

/// All but the unreserved characters of RFC 3986 §2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A shared access key. Never printed.
#[derive(Clone)]
pub struct SharedKey {
    /// `SharedAccessKeyName`.
    pub name: String,
    /// `SharedAccessKey`; signs as text, it is not base64-decoded.
    pub secret: String,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The value of `Authorization` that opens `uri` and everything below it until `expiry`, in Unix
/// seconds.
#[must_use]
pub fn shared_access_signature(uri: &str, key: &SharedKey, expiry: i64) -> String {
    let resource = utf8_percent_encode(uri, ENCODED);
    // HMAC takes keys of every length: the empty default is never used.
    let signature = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{resource}\n{expiry}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    let signature = signature.unwrap_or_default();
    let signature = utf8_percent_encode(&signature, ENCODED);
    let name = utf8_percent_encode(&key.name, ENCODED);
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_the_official_sdk() {
        // Made with Microsoft's Python SDK 7.15.0.
        let expected = "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
            &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600&skn=RootManageSharedAccessKey";
        let key = SharedKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "c2VjcmV0+/key==".to_owned(),
        };
        let uri = "https://example.servicebus.windows.net/order-items";
        assert_eq!(shared_access_signature(uri, &key, 1_767_225_600), expected);
        assert!(!format!("{key:?}").contains("c2Vj"));
    }
}
