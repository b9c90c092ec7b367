//! A shared access signature that lets whoever has it look at an account: for addresses that open in
//! a browser, where the storage is a real Azurite, which lets nobody look without one.
//!
//! *Create an account SAS* (Microsoft Learn), of version 2019-12-12: the last whose text to sign has
//! no encryption scope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use crate::account::Account;

const VERSION: &str = "2019-12-12";

/// The key is no secret, so neither has this an end that would protect anything.
const EXPIRY: &str = "2099-01-01T00:00:00Z";

/// Reading and listing, of blobs, on all levels.
const PERMISSIONS: &str = "rl";
const SERVICES: &str = "b";
const TYPES: &str = "sco";

impl Account {
    /// The query that lets one look: without the question mark.
    #[must_use]
    pub fn look_query(&self) -> String {
        let Self { name, key, .. } = self;
        let to_sign =
            format!("{name}\n{PERMISSIONS}\n{SERVICES}\n{TYPES}\n\n{EXPIRY}\n\n\n{VERSION}\n");
        let key = STANDARD.decode(key).unwrap_or_default();
        // HMAC takes keys of every length: the empty default is never used.
        let signature = Hmac::<Sha256>::new_from_slice(&key).map(|mut mac| {
            mac.update(to_sign.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        });
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let signature = encoded(&signature.unwrap_or_default());
        let expiry = encoded(EXPIRY);
        format!(
            "sv={VERSION}&ss={SERVICES}&srt={TYPES}&sp={PERMISSIONS}&se={expiry}&sig={signature}"
        )
    }
}
