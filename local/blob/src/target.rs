//! What a path names, and the naming rules of the service.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

use crate::answer::Failure;

/// The longest blob name, in UTF-16 units as the service counts.
const BLOB_NAME_MAX: usize = 1_024;

/// The resource of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Account,
    Container(String),
    Blob { container: String, name: String },
}

impl Target {
    /// Reads `/{account}`, `/{account}/{container}` or `/{account}/{container}/{blob}`; whose the
    /// account is, [`account_of`] tells.
    pub(crate) fn read(uri: &Uri) -> Result<Self, Failure> {
        let path = uri.path().trim_start_matches('/');
        let (_, path) = path.split_once('/').unwrap_or((path, ""));
        if path.is_empty() {
            return Ok(Self::Account);
        }
        let (container, name) = path.split_once('/').unwrap_or((path, ""));
        let container = container_name(container)?;
        if name.is_empty() {
            return Ok(Self::Container(container));
        }
        let name = blob_name(name)?;
        Ok(Self::Blob { container, name })
    }
}

/// The account that a path begins with.
pub(crate) fn account_of(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    path.split_once('/').map_or(path, |(account, _)| account)
}

/// A parameter of the query; names in any case.
pub(crate) fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

fn container_name(name: &str) -> Result<String, Failure> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphens_stand_alone = name.split('-').all(|part| !part.is_empty());
    if !name.chars().all(legal) || !hyphens_stand_alone {
        let message = "The specified resource name contains invalid characters.";
        return Err(Failure::bad_request("InvalidResourceName", message));
    }
    if !(3..=63).contains(&name.len()) {
        let message = "The specified resource name length is not within the permissible limits.";
        return Err(Failure::bad_request("OutOfRangeInput", message));
    }
    Ok(name.to_owned())
}

/// The emulator takes a name of any length; the service does not, and neither do we.
fn blob_name(encoded: &str) -> Result<String, Failure> {
    let Ok(name) = percent_decode_str(encoded).decode_utf8() else {
        let message = "The blob name in the URI is not UTF-8.";
        return Err(Failure::bad_request("InvalidUri", message));
    };
    if name.encode_utf16().count() > BLOB_NAME_MAX {
        let message = "The specified resource name length is not within the permissible limits.";
        return Err(Failure::bad_request("OutOfRangeInput", message));
    }
    Ok(name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Result<Target, &'static str> {
        let uri = path.parse().unwrap();
        Target::read(&uri).map_err(|failure| failure.code)
    }

    fn blob(name: &str) -> Result<Target, &'static str> {
        Ok(Target::Blob {
            container: "orders".to_owned(),
            name: name.to_owned(),
        })
    }

    #[test]
    fn paths() {
        assert_eq!(target("/devstoreaccount1"), Ok(Target::Account));
        assert_eq!(target("/devstoreaccount1/?comp=list"), Ok(Target::Account));
        assert_eq!(
            target("/devstoreaccount1/orders"),
            Ok(Target::Container("orders".to_owned()))
        );
        assert_eq!(
            target("/devstoreaccount1/orders/a%20b/c.json"),
            blob("a b/c.json")
        );
        assert_eq!(
            target("/devstoreaccount1/orders/a%252F.json"),
            blob("a%2F.json")
        );
        assert_eq!(target("/devstoreaccount1/orders/%ff"), Err("InvalidUri"));
    }

    #[test]
    fn accounts() {
        for (path, account) in [
            ("/devstoreaccount1", "devstoreaccount1"),
            ("/petstore/carts/a/b", "petstore"),
            ("/", ""),
        ] {
            assert_eq!(account_of(path), account, "{path}");
        }
    }

    #[test]
    fn container_names() {
        for name in ["abc", "a-b-c", "0rders", &"a".repeat(63)] {
            assert!(container_name(name).is_ok(), "{name}");
        }
        for name in [
            "Orders",
            "or_ders",
            "-orders",
            "orders-",
            "or--ders",
            "or%20ders",
            "$web",
        ] {
            let code = container_name(name).unwrap_err().code;
            assert_eq!(code, "InvalidResourceName", "{name}");
        }
        for name in ["ab", &"a".repeat(64)] {
            assert_eq!(
                container_name(name).unwrap_err().code,
                "OutOfRangeInput",
                "{name}"
            );
        }
    }

    #[test]
    fn blob_names_are_counted_as_the_service_counts() {
        let code = |name: &str| blob_name(name).map(drop).map_err(|failure| failure.code);
        assert_eq!(code(&"a".repeat(1_024)), Ok(()));
        assert_eq!(code(&"a".repeat(1_025)), Err("OutOfRangeInput"));
        assert_eq!(code(&"%F0%9F%98%8A".repeat(512)), Ok(()));
        assert_eq!(code(&"%F0%9F%98%8A".repeat(513)), Err("OutOfRangeInput"));
    }
}
