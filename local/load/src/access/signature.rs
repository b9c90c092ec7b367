//! Shared access signatures: what the queue's door wants to see.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::target::Target;
use stand_in::AccessKey;

const TOKEN_SECONDS: i64 = 20 * 60;

/// All but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Signed, when there is a key.
pub(super) fn authorized(request: RequestBuilder, target: &Target) -> RequestBuilder {
    match &target.key {
        Some(key) => {
            let expiry = OffsetDateTime::now_utc().unix_timestamp() + TOKEN_SECONDS;
            request.header(AUTHORIZATION, signature(&target.queue, key, expiry))
        }
        None => request,
    }
}

/// For `resource`, until `expiry`.
fn signature(resource: &str, key: &AccessKey, expiry: i64) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let resource = encode(resource);
    // HMAC takes keys of every length: the empty default is never used.
    let signature = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{resource}\n{expiry}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    let signature = encode(&signature.unwrap_or_default());
    let name = encode(&key.name);
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of Microsoft's Python SDK 7.15.0 for the same input.
    #[test]
    fn a_signature_is_the_one_that_microsofts_sdk_makes() {
        let key = AccessKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "c2VjcmV0+/key==".to_owned(),
        };
        let made = signature(
            "https://example.servicebus.windows.net/order-items",
            &key,
            1_767_225_600,
        );
        assert_eq!(
            made,
            "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
             &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600\
             &skn=RootManageSharedAccessKey"
        );
    }
}
