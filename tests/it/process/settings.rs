//! Arguments and settings: what is wrong is said at once, by name, without showing a secret.

use testkit::net::{listener, nobody};

use super::{OS, USAGE};
use crate::support::handler::run;
use crate::support::rig::{settings, storage_at};

#[tokio::test]
async fn version_and_help_need_no_settings() {
    for argument in ["--version", "-V"] {
        let version = run(&[argument], &[]).await;
        assert_eq!(version.code, Some(0));
        let expected = concat!("order-items-reserver ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(
            (version.stdout.as_str(), version.stderr.as_str()),
            (expected, "")
        );
    }
    for argument in ["--help", "-h"] {
        let help = run(&[argument], &[]).await;
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        for word in [
            "--check",
            "--version",
            "--help",
            "FUNCTIONS_CUSTOMHANDLER_PORT",
        ] {
            assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
        }
    }
}

#[tokio::test]
async fn an_unknown_argument_is_named_and_refused() {
    for arguments in [
        &["--chekc"][..],
        &["serve"],
        &["--check", "now"],
        &["--help", "me"],
        &[""],
    ] {
        let refused = run(arguments, &[]).await;
        assert_eq!(refused.code, USAGE, "{arguments:?}");
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains(arguments[0]), "{}", refused.stderr);
        assert!(refused.stderr.contains("usage:"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn missing_settings_are_all_named_at_once() {
    for arguments in [&[][..], &["--check"]] {
        let refused = run(arguments, &[("OrdersStorage", "  ".to_owned())]).await;
        assert_eq!(refused.code, USAGE);
        for name in [
            "OrdersStorage",
            "OrdersStorage__blobServiceUri",
            "FALLBACK_URL",
        ] {
            assert!(refused.stderr.contains(name), "{name}: {}", refused.stderr);
        }
    }
}

#[tokio::test]
async fn wrong_settings_are_all_named_at_once_and_no_secret_is_shown() {
    const SECRET: &str = "S3cr3tS3cr3t";
    let wrong = [
        (
            "OrdersStorage",
            format!("AccountName={SECRET};AccountKey=*{SECRET}*"),
        ),
        (
            "FALLBACK_URL",
            format!("http://logic.example/{SECRET}?sig={SECRET}"),
        ),
        ("ORDERS_CONTAINER", "No Container".to_owned()),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "0".to_owned()),
        ("UPLOAD_BACKOFF_BASE_MS", "soon".to_owned()),
        ("FALLBACK_TIMEOUT_MS", "-1".to_owned()),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "65536".to_owned()),
        ("OrdersStorage__credential", "certificate".to_owned()),
    ];
    let refused = run(&[], &wrong).await;
    assert_eq!(refused.code, USAGE);
    for (name, _) in &wrong {
        assert!(
            refused.stderr.contains(&format!("\n  {name}: ")),
            "{name}: {}",
            refused.stderr
        );
    }
    assert!(!refused.stderr.contains(SECRET), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
}

#[tokio::test]
async fn settings_that_cannot_keep_the_time_budget_are_refused() {
    let (storage, fallback) = (nobody(), nobody());
    let mut settings = settings(&storage_at(storage.address), fallback.address);
    settings.retain(|(name, _)| !name.ends_with("_MS"));
    settings.push(("UPLOAD_ATTEMPT_TIMEOUT_MS", "60000".to_owned()));
    let refused = run(&["--check"], &settings).await;
    assert_eq!(refused.code, USAGE);
    assert!(
        refused.stderr.contains("functionTimeout"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_process_with_an_error() {
    let taken = listener().await;
    let port = taken.local_addr().unwrap().port();
    let (storage, fallback) = (nobody(), nobody());
    let mut settings = settings(&storage_at(storage.address), fallback.address);
    settings.push(("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string()));
    let refused = run(&[], &settings).await;
    assert_eq!(refused.code, OS);
    assert!(
        refused.stderr.contains(&port.to_string()),
        "{}",
        refused.stderr
    );
}
