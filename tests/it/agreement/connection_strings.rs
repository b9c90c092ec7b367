//! Storage connection strings in all the forms that tools write them.

use storage_account::{Access, AccountError, StorageAccount};

const KEY: &str = "a2V5LXdpdGgtcGFkZGluZw==";

fn account(text: &str) -> StorageAccount {
    StorageAccount::from_connection_string(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> AccountError {
    StorageAccount::from_connection_string(text).expect_err("no account")
}

/// Name and key of an account opened with one.
fn key_of(account: &StorageAccount) -> (&str, &str) {
    match &account.access {
        Access::Key(key) => (&key.account, key.key.secret()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_emulator_needs_two_words() {
    for text in [
        "UseDevelopmentStorage=true",
        "usedevelopmentstorage=TRUE",
        " UseDevelopmentStorage = true ; ",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1:10000/",
    ] {
        let account = account(text);
        assert_eq!(
            account.shown(),
            "http://127.0.0.1:10000/devstoreaccount1",
            "{text}"
        );
        let (name, key) = key_of(&account);
        assert_eq!(name, "devstoreaccount1");
        assert!(
            key.starts_with("Eby8vdM02xNO") && key.ends_with("ksoGMGw=="),
            "the documented key"
        );
    }
    let elsewhere =
        account("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite:11000");
    assert_eq!(elsewhere.shown(), "http://azurite:11000/devstoreaccount1");
    assert_eq!(
        refused("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=azurite"),
        AccountError::NoUrl("DevelopmentStorageProxyUri")
    );
    assert_eq!(
        refused("UseDevelopmentStorage=false"),
        AccountError::NoEndpoint
    );
}

#[test]
fn an_account_key_opens_the_default_endpoint() {
    let cases = [
        (
            format!(
                "DefaultEndpointsProtocol=https;AccountName=orders;AccountKey={KEY};EndpointSuffix=core.windows.net"
            ),
            "https://orders.blob.core.windows.net/",
        ),
        (
            format!("AccountKey={KEY};AccountName=orders"),
            "https://orders.blob.core.windows.net/",
        ),
        (
            format!("accountname=orders;ACCOUNTKEY={KEY};endpointsuffix=core.chinacloudapi.cn"),
            "https://orders.blob.core.chinacloudapi.cn/",
        ),
        (
            format!("DefaultEndpointsProtocol=http;AccountName=orders;AccountKey={KEY}"),
            "http://orders.blob.core.windows.net/",
        ),
        (
            format!(" ;; AccountName = orders ;\nAccountKey={KEY} ;"),
            "https://orders.blob.core.windows.net/",
        ),
        (
            format!(
                "AccountName=orders;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:10000/orders;QueueEndpoint=x"
            ),
            "http://127.0.0.1:10000/orders",
        ),
        (
            format!("AccountName=orders;AccountKey={KEY};BlobEndpoint="),
            "https://orders.blob.core.windows.net/",
        ),
    ];
    for (text, endpoint) in cases {
        let account = account(&text);
        assert_eq!(account.shown(), endpoint, "{text}");
        assert_eq!(key_of(&account), ("orders", KEY), "padding and all");
    }
}

#[test]
fn a_signature_opens_the_endpoint_it_was_made_for() {
    for text in [
        "BlobEndpoint=https://orders.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%2Bb%3D",
        "SharedAccessSignature=?sv=1&sig=a%2Bb%3D;BLOBENDPOINT=https://orders.blob.core.windows.net",
        "AccountName=orders;SharedAccessSignature=sv=1&sig=a%2Bb%3D",
    ] {
        let account = account(text);
        assert_eq!(account.access, Access::Signed, "{text}");
        assert_eq!(account.shown(), "https://orders.blob.core.windows.net/");
    }
    assert_ne!(
        account("AccountName=x;SharedAccessSignature=sig=a"),
        account("AccountName=x;SharedAccessSignature=sig=b"),
        "the signature is kept",
    );
}

#[test]
fn what_is_missing_is_named() {
    let key = format!("AccountKey={KEY}");
    for (text, expected) in [
        ("", "neither BlobEndpoint nor AccountName is given"),
        (
            key.as_str(),
            "neither BlobEndpoint nor AccountName is given",
        ),
        (
            "SharedAccessSignature=sig=x",
            "neither BlobEndpoint nor AccountName is given",
        ),
        (
            "AccountName=orders",
            "neither AccountKey with AccountName nor SharedAccessSignature is given",
        ),
        (
            "AccountName=orders;AccountKey=",
            "neither AccountKey with AccountName nor SharedAccessSignature is given",
        ),
        (
            &format!("BlobEndpoint=https://x;{key}"),
            "neither AccountKey with AccountName nor SharedAccessSignature is given",
        ),
        (
            "AccountName=orders;AccountKey=not base64",
            "AccountKey is not base64",
        ),
        (
            "AccountName=orders;oops;AccountKey=eA==",
            "part 2 is not name=value",
        ),
        ("oops", "part 1 is not name=value"),
        (
            "BlobEndpoint=https://x;SharedAccessSignature=sv=2022-11-02",
            "SharedAccessSignature has no sig=; a shell ends a command at each &",
        ),
        (
            "BlobEndpoint=https://x;SharedAccessSignature=?sv=2022-11-02&sig=",
            "SharedAccessSignature has no sig=",
        ),
        (
            "BlobEndpoint=orders;SharedAccessSignature=sig=x",
            "BlobEndpoint is not an http(s) URL",
        ),
        (
            "BlobEndpoint=mailto:x;SharedAccessSignature=sig=x",
            "BlobEndpoint is not an http(s) URL",
        ),
        (
            &format!("AccountName=a b;{key}"),
            "the endpoint of AccountName and EndpointSuffix is not",
        ),
        (
            &format!("DefaultEndpointsProtocol=ftp;AccountName=a;{key}"),
            "the endpoint of AccountName and EndpointSuffix is not",
        ),
    ] {
        let error = refused(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// A part that is more than a name would send the orders, and the signature of each, elsewhere.
#[test]
fn an_account_name_leads_to_no_other_host() {
    for text in [
        "AccountName=evil.example/x",
        "AccountName=evil.example/?",
        "AccountName=evil.example#",
        "AccountName=orders@evil.example/",
        "AccountName=evil.example:443/",
        "AccountName=evil.example\\x",
        "AccountName=orders.evil",
        "AccountName=orders;EndpointSuffix=core.windows.net/x",
        "AccountName=orders;EndpointSuffix=core.windows.net@evil.example",
        "AccountName=orders;EndpointSuffix=core.windows.net?x",
        "AccountName=orders;DefaultEndpointsProtocol=https://evil.example/?",
    ] {
        let error = refused(&format!("{text};AccountKey={KEY}"));
        assert_eq!(
            error,
            AccountError::NoUrl("the endpoint of AccountName and EndpointSuffix"),
            "{text}"
        );
    }
}
