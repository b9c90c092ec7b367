//! The account that every emulator of Azure Storage has.

pub const ACCOUNT: &str = "devstoreaccount1";

/// The key of [`ACCOUNT`]: the same on every machine and documented as such, so no secret.
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A connection string for the emulator's account at `url`.
#[must_use]
pub fn connection_string(url: &str) -> String {
    format!(
        "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={url};"
    )
}
