//! The accounts there are: the one that every emulator of Azure Storage has, and the storefront's.

pub const ACCOUNT: &str = "devstoreaccount1";

/// The key of [`ACCOUNT`]: the same on every machine and documented as such, so no secret.
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// An account, its key, and what its faults spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub name: &'static str,
    /// In base64.
    pub key: &'static str,
    /// Whether reads and lists meet faults too, those at least that are signed. Without, one can
    /// look at the blobs meanwhile, and who needs its writes alone is broken all the same.
    pub reads_are_faulty: bool,
}

impl Account {
    /// Where the orders are kept.
    pub const ORDERS: Self = Self {
        name: ACCOUNT,
        key: ACCOUNT_KEY,
        reads_are_faulty: false,
    };

    /// Where the storefront keeps its carts, apart from the orders: what breaks theirs must not
    /// close the shop. The key says what it is, and is no secret either.
    pub const PETSTORE: Self = Self {
        name: "petstore",
        key: "bm8gc2VjcmV0OiB0aGUgcGV0c3RvcmUncyBrZXkgb24gZXZlcnkgbWFjaGluZQ==",
        reads_are_faulty: true,
    };

    /// A connection string for this account at `url`.
    #[must_use]
    pub fn connection_string(&self, url: &str) -> String {
        let Self { name, key, .. } = self;
        format!(
            "DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};BlobEndpoint={url};"
        )
    }
}
