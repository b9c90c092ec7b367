//! The shopper's cookie: a key to their record, 256 random bits. The cart is in the store; what the
//! cookie holds grows no older by a click, so a browser restored or an old tab undoes nothing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::store::RecordName;

/// How long a browser keeps it after the last click.
const LIFETIME_DAYS: u32 = 7;

/// A key without a record that is as old as this may have had one that is gone: records go 30 days
/// after the last click. Its first session may have been placed, so it is not begun again.
const AGE_MAX_DAYS: u32 = 28;

const DAY_SECONDS: u32 = 24 * 60 * 60;

/// What opens a shopper's record. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShopperKey {
    secret: [u8; 32],
    /// When it was made, in days since 1970.
    day: u32,
}

impl fmt::Debug for ShopperKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShopperKey(of {})", self.name())
    }
}

impl ShopperKey {
    /// One that nobody has, made now, in Unix milliseconds. On a machine without random bytes the
    /// process ends: a key that can be guessed would open somebody's cart.
    #[must_use]
    pub fn fresh(now: i64) -> Self {
        let mut secret = [0; 32];
        if getrandom::fill(&mut secret).is_err() {
            std::process::abort();
        }
        let day = day(now);
        Self { secret, day }
    }

    /// The name of the record that it opens.
    #[must_use]
    pub fn name(&self) -> RecordName {
        RecordName(Sha256::digest(self.secret).into())
    }

    /// Whether a record of this key may have been and gone.
    #[must_use]
    pub fn is_old(&self, now: i64) -> bool {
        day(now) >= self.day.saturating_add(AGE_MAX_DAYS)
    }

    /// What the forms of this shopper's pages carry.
    #[must_use]
    pub fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.token())
    }

    /// Whether a form comes from a page of this shopper: compared in constant time.
    #[must_use]
    pub fn is_form_token(&self, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let expected = self.token();
        let differs = |seen: u8, (one, other): (&u8, &u8)| seen | (one ^ other);
        token.len() == expected.len() && token.iter().zip(&expected).fold(0, differs) == 0
    }

    fn token(&self) -> [u8; 32] {
        let digest = Sha256::new().chain_update(b"form");
        digest.chain_update(self.secret).finalize().into()
    }

    /// `key.day`, as the cookie has it.
    fn value(&self) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(self.secret), self.day)
    }

    fn of_value(value: &str) -> Option<Self> {
        let (secret, day) = value.split_once('.')?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
        Some(Self {
            secret: secret.try_into().ok()?,
            day: day.parse().ok()?,
        })
    }
}

fn day(now: i64) -> u32 {
    u32::try_from(now / 1000 / i64::from(DAY_SECONDS)).unwrap_or_default()
}

/// How the cookie travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over TLS only: in Azure.
    Secure,
    /// Also in the clear: on a laptop.
    Plain {
        /// Tells this shop from others: the cookies of all ports of a laptop are one jar.
        shop: u32,
    },
}

impl Transport {
    /// For a laptop. Instances that keep their carts in one place are one shop, whatever their
    /// ports.
    #[must_use]
    pub fn plain(place: &str) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(place).into();
        Self::Plain {
            shop: u32::from_be_bytes([a, b, c, d]),
        }
    }

    /// The prefix keeps a neighbour under the same domain from planting one (RFC 6265bis, 4.1.3.2).
    fn name(self) -> String {
        match self {
            Self::Secure => "__Host-petstore".to_owned(),
            Self::Plain { shop } => format!("petstore-{shop:08x}"),
        }
    }

    /// The `Set-Cookie` header that hands a key to its shopper.
    #[must_use]
    pub fn set_cookie(self, key: &ShopperKey) -> String {
        let secure = match self {
            Self::Secure => "; Secure",
            Self::Plain { .. } => "",
        };
        let (name, value) = (self.name(), key.value());
        let seconds = LIFETIME_DAYS * DAY_SECONDS;
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The key in a `Cookie` header: the first that is one, of all cookies of our name.
    #[must_use]
    pub fn find(self, header: &str) -> Option<ShopperKey> {
        let name = self.name();
        let mut keys = header.split(';').filter_map(|pair| {
            let (known, value) = pair.split_once('=')?;
            let ours = known.trim() == name;
            ours.then(|| ShopperKey::of_value(value.trim()))?
        });
        keys.next()
    }
}
