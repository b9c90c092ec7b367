//! Shared access signatures: what both doors make of a token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use stand_in::AccessKey;
use time::OffsetDateTime;
use url::Url;

/// Why a request is not let in; the text goes back to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SasRefused {
    #[error(
        "Authorization: expected \"SharedAccessSignature sr=…&sig=…&se=…&skn=…\" or \"Bearer …\""
    )]
    Scheme,
    #[error("SharedAccessSignature: {0} is missing")]
    Missing(&'static str),
    #[error(
        "SharedAccessSignature: unknown key name skn={found:?}, the stack's key is {expected:?}"
    )]
    KeyName { found: String, expected: String },
    #[error("SharedAccessSignature: se={0:?} is not a time in Unix seconds")]
    Expiry(String),
    #[error("SharedAccessSignature: expired {0} s ago (se)")]
    Expired(i64),
    #[error("SharedAccessSignature: sr={found:?} does not cover /{queue}")]
    Resource { found: String, queue: String },
    #[error(
        "SharedAccessSignature: the signature is wrong: \
         sig is not HMAC-SHA256(key, sr + \"\\n\" + se)"
    )]
    Signature,
}

/// Lets a bearer token in unseen, and a signature when it holds for `queue` now.
///
/// The host in `sr` is not compared: one stack is `localhost` to some and `127.0.0.1` to others.
pub(crate) fn check(
    header: &str,
    key: &AccessKey,
    queue: &str,
    now: OffsetDateTime,
) -> Result<(), SasRefused> {
    let (scheme, token) = header.split_once(' ').ok_or(SasRefused::Scheme)?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(());
    }
    if !scheme.eq_ignore_ascii_case("SharedAccessSignature") {
        return Err(SasRefused::Scheme);
    }
    Token::parse(token)?.check(key, queue, now)
}

/// The fields of a signature, still percent-encoded.
struct Token<'a> {
    resource: &'a str,
    signature: &'a str,
    expiry: &'a str,
    key_name: &'a str,
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Result<Self, SasRefused> {
        let field = |name: &'static str| {
            let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
                .ok_or(SasRefused::Missing(name))
        };
        Ok(Self {
            resource: field("sr")?,
            signature: field("sig")?,
            expiry: field("se")?,
            key_name: field("skn")?,
        })
    }

    fn check(&self, key: &AccessKey, queue: &str, now: OffsetDateTime) -> Result<(), SasRefused> {
        let key_name = decoded(self.key_name);
        if key_name != key.name {
            return Err(SasRefused::KeyName {
                found: key_name,
                expected: key.name.clone(),
            });
        }
        if !self.is_signed_with(key) {
            return Err(SasRefused::Signature);
        }
        let end: i64 = self
            .expiry
            .parse()
            .map_err(|_| SasRefused::Expiry(self.expiry.to_owned()))?;
        if end <= now.unix_timestamp() {
            return Err(SasRefused::Expired(
                now.unix_timestamp().saturating_sub(end),
            ));
        }
        let resource = decoded(self.resource);
        if !covers(&resource, queue) {
            return Err(SasRefused::Resource {
                found: resource,
                queue: queue.to_owned(),
            });
        }
        Ok(())
    }

    fn is_signed_with(&self, key: &AccessKey) -> bool {
        let (Ok(signature), Ok(mut mac)) = (
            STANDARD.decode(decoded(self.signature)),
            Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()),
        ) else {
            return false;
        };
        mac.update(format!("{}\n{}", self.resource, self.expiry).as_bytes());
        mac.verify_slice(&signature).is_ok()
    }
}

/// True when the resource is the namespace, the queue, or something below the queue.
fn covers(resource: &str, queue: &str) -> bool {
    let Ok(url) = resource.parse::<Url>() else {
        return false;
    };
    let first = url
        .path()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    first.is_empty() || first.eq_ignore_ascii_case(queue)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    // Made with Microsoft's Python SDK 7.15.0.
    const TOKEN: &str = "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
        &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600&skn=RootManageSharedAccessKey";

    fn verdict(token: &str, queue: &str, now: OffsetDateTime) -> Result<(), SasRefused> {
        let key = AccessKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "c2VjcmV0+/key==".to_owned(),
        };
        check(token, &key, queue, now)
    }

    #[test]
    fn a_token_of_the_official_sdk_is_let_in_until_it_expires() {
        assert_eq!(
            verdict(TOKEN, "order-items", datetime!(2025-12-31 23:59:59 UTC)),
            Ok(())
        );
        let late = verdict(TOKEN, "order-items", datetime!(2026-01-01 00:00:07 UTC));
        assert_eq!(late, Err(SasRefused::Expired(7)));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let now = datetime!(2025-12-01 00:00 UTC);
        assert!(matches!(
            verdict(TOKEN, "other", now),
            Err(SasRefused::Resource { .. })
        ));
        let key_name = TOKEN.replace("RootManage", "Other");
        assert!(matches!(
            verdict(&key_name, "order-items", now),
            Err(SasRefused::KeyName { .. })
        ));
        for wrong in ["ii1", "se=17", "order-items"] {
            let tampered = TOKEN.replace(wrong, &format!("{wrong}9"));
            assert_eq!(
                verdict(&tampered, "order-items", now),
                Err(SasRefused::Signature),
                "{wrong}"
            );
        }
        assert_eq!(
            verdict("SharedAccessSignature sr=a", "q", now),
            Err(SasRefused::Missing("sig"))
        );
        assert_eq!(verdict("Basic abc", "q", now), Err(SasRefused::Scheme));
    }

    #[test]
    fn a_bearer_token_and_a_token_for_the_whole_namespace_are_let_in() {
        assert_eq!(
            verdict("Bearer ey", "order-items", datetime!(2030-01-01 0:00 UTC)),
            Ok(())
        );
        assert!(covers("sb://localhost:5300/", "order-items"));
        assert!(covers(
            "http://localhost:5300/Order-Items/messages",
            "order-items"
        ));
    }
}
