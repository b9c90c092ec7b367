//! The signed cookie that carries the visit, and the token that ties a form to its session.
//!
//! The cart lives with the shopper, not in this process: it survives a restart, and every
//! instance with the same key can go on with it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::session::{SessionId, Visit};

/// The longest cookie that browsers have to keep (RFC 6265, section 6.1); ours stays far below.
const LENGTH_MAX: usize = 4096;

const LIFETIME_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Signs and checks. Never printed.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key from a secret text. `None` only if HMAC refused a length, and it takes every one.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// The purpose goes first, so that a form's token never passes for a cookie.
    fn over(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(text.as_bytes());
        mac
    }

    /// The value of a cookie: `payload.signature`, both base64url.
    #[must_use]
    pub fn seal(&self, visit: &Visit) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(visit).unwrap_or_default());
        let signature = self.over("visit", &payload).finalize().into_bytes();
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The visit in a cookie, if we sealed it: compared in constant time.
    #[must_use]
    pub fn open(&self, value: &str) -> Option<Visit> {
        if value.len() > LENGTH_MAX {
            return None;
        }
        let (payload, signature) = value.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.over("visit", payload).verify_slice(&signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// What a form of this session carries.
    #[must_use]
    pub fn form_token(&self, session: &SessionId) -> String {
        let mac = self.over("form", session.as_str()).finalize();
        URL_SAFE_NO_PAD.encode(mac.into_bytes())
    }

    /// Whether a form came from a page of this session: compared in constant time.
    #[must_use]
    pub fn is_form_token(&self, session: &SessionId, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        self.over("form", session.as_str())
            .verify_slice(&token)
            .is_ok()
    }
}

/// How the cookie travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over TLS only: in Azure.
    Secure,
    /// Also in the clear: on a laptop.
    Plain,
}

impl Transport {
    /// The prefix keeps a neighbour under the same domain from planting one (RFC 6265bis, 4.1.3.2).
    fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-petstore",
            Self::Plain => "petstore",
        }
    }

    /// The `Set-Cookie` header for a sealed visit.
    #[must_use]
    pub fn set_cookie(self, sealed: &str) -> String {
        let secure = match self {
            Self::Secure => "; Secure",
            Self::Plain => "",
        };
        let name = self.name();
        format!(
            "{name}={sealed}; Path=/; Max-Age={LIFETIME_SECONDS}; HttpOnly; SameSite=Lax{secure}"
        )
    }

    /// Our cookie's value in a `Cookie` header.
    #[must_use]
    pub fn find(self, header: &str) -> Option<&str> {
        let mut pairs = header.split(';').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(name, _)| name.trim() == self.name())
            .map(|(_, value)| value.trim())
    }
}
