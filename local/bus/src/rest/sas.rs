//! Shared access signatures: what the door makes of an Authorization header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use time::OffsetDateTime;
use url::Url;

use stand_in::AccessKey;

/// Why a request is not let in; the text goes back to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
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
        "SharedAccessSignature: the signature is wrong: sig is not HMAC-SHA256(key, sr + \"\\n\" + se)"
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
) -> Result<(), Refused> {
    let (scheme, token) = header.split_once(' ').ok_or(Refused::Scheme)?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(());
    }
    if !scheme.eq_ignore_ascii_case("SharedAccessSignature") {
        return Err(Refused::Scheme);
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
    fn parse(text: &'a str) -> Result<Self, Refused> {
        let field = |name: &'static str| {
            let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
                .ok_or(Refused::Missing(name))
        };
        Ok(Self {
            resource: field("sr")?,
            signature: field("sig")?,
            expiry: field("se")?,
            key_name: field("skn")?,
        })
    }

    fn check(&self, key: &AccessKey, queue: &str, now: OffsetDateTime) -> Result<(), Refused> {
        let key_name = decoded(self.key_name);
        if key_name != key.name {
            return Err(Refused::KeyName {
                found: key_name,
                expected: key.name.clone(),
            });
        }
        if !self.is_signed_with(key) {
            return Err(Refused::Signature);
        }
        let end: i64 = self
            .expiry
            .parse()
            .map_err(|_| Refused::Expiry(self.expiry.to_owned()))?;
        if end <= now.unix_timestamp() {
            return Err(Refused::Expired(now.unix_timestamp().saturating_sub(end)));
        }
        let resource = decoded(self.resource);
        if !covers(&resource, queue) {
            return Err(Refused::Resource {
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
mod tests;
