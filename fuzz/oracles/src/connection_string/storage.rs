//! The storage account of the function's settings.

use std::fmt::Write as _;

use order_items_reserver::config::Settings;
use storage_account::{Access, AccountError, StorageAccount};
use url::Url;

use super::{SECRET, assert_hidden, is_one_of};

pub(super) fn check(text: &str) {
    let read = StorageAccount::from_connection_string(text);
    assert_hidden(&read);
    if let Ok(account) = &read {
        check_place(text, account);
        check_written(account);
    }
    check_settings(text, &read);
    let identity = azure_app::identity::Identity::Developer;
    let endpoint = StorageAccount::with_identity(text, identity);
    if let Ok(account) = endpoint {
        assert!(
            account.shown().starts_with("https://"),
            "tokens go over https only"
        );
    }
}

/// The first value of that name, as far as it counts.
fn part<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| is_one_of(key, &[name]))?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// Orders and keys go to the account that is named, and nowhere else.
fn check_place(text: &str, account: &StorageAccount) {
    let shown = Url::parse(&account.shown()).expect("an endpoint is a URL");
    let host = shown.host_str().expect("with a host");
    let emulated =
        part(text, "UseDevelopmentStorage").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    if emulated || part(text, "BlobEndpoint").is_some() {
        return;
    }
    let name = part(text, "AccountName")
        .expect("an account")
        .to_ascii_lowercase();
    let suffix = part(text, "EndpointSuffix")
        .unwrap_or("core.windows.net")
        .to_ascii_lowercase();
    assert_eq!(host, format!("{name}.blob.{suffix}"), "{text}");
    assert_eq!(shown.path(), "/", "{text}");
}

/// Written down again and read again, it is the same account.
fn check_written(account: &StorageAccount) {
    let mut text = format!("BlobEndpoint={}", account.shown());
    match &account.access {
        Access::Key(key) => {
            write!(
                text,
                ";AccountName={};AccountKey={}",
                key.account,
                key.key.secret()
            )
            .unwrap();
        }
        Access::Signed => write!(text, ";SharedAccessSignature=sig={SECRET}").unwrap(),
        Access::Identity(_) => panic!("a connection string is no identity"),
    }
    let again = StorageAccount::from_connection_string(&text).expect("written by ourselves");
    assert_eq!(again.shown(), account.shown());
    assert_eq!(again.access, account.access);
}

/// Within the settings: the mistake is at the setting of this name, and shows no more there.
fn check_settings(text: &str, read: &Result<StorageAccount, AccountError>) {
    let fallback = format!("https://localhost/{}?sig={SECRET}", text.len());
    let settings = Settings::read(&|name| match name {
        "OrdersStorage" => Some(text.to_owned()),
        "FALLBACK_URL" => Some(fallback.clone()),
        _ => None,
    });
    assert_hidden(&settings);
    match (settings, read) {
        (Ok(settings), Ok(account)) => assert_eq!(settings.storage, *account),
        (Err(mistakes), read) => {
            let [mistake] = mistakes.0.as_slice() else {
                panic!("{mistakes}");
            };
            assert_eq!(mistake.setting, "OrdersStorage");
            let blank = text.trim().is_empty();
            // Damaged on its way in, as by quotes that were kept: refused, whatever could be read.
            let damaged = mistake.problem.ends_with("expected the value itself");
            let same = |error: &AccountError| mistake.problem.starts_with(&error.to_string());
            assert!(
                blank || damaged || read.as_ref().is_err_and(same),
                "{mistakes}"
            );
        }
        (settings, read) => panic!("{settings:?} of {read:?}"),
    }
}
