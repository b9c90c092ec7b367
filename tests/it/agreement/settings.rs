//! Every rule of the settings, and that a mistake is named without being quoted.

use std::collections::BTreeSet;
use std::time::Duration;

use azure_app::identity::Identity;
use azure_app::settings::Mistakes;
use order_items_reserver::config::{FUNCTION_TIMEOUT, MARGIN, SETTINGS, Settings};
use storage_account::Access;

type Given<'a> = &'a [(&'a str, &'a str)];

/// Enough to start with.
const MINIMAL: Given<'_> = &[
    ("OrdersStorage", "UseDevelopmentStorage=true"),
    ("FALLBACK_URL", "https://logic.example/invoke?sig=x"),
];

/// The settings of `changes`, over [`MINIMAL`].
fn read(changes: Given<'_>) -> Result<Settings, Mistakes> {
    Settings::read(&|name| {
        let given = changes.iter().chain(MINIMAL).find(|(key, _)| *key == name);
        given.map(|(_, value)| (*value).to_owned())
    })
}

fn mistakes(changes: Given<'_>) -> Vec<(&'static str, String)> {
    let Mistakes(mistakes) = read(changes).expect_err("a mistake");
    mistakes
        .into_iter()
        .map(|mistake| (mistake.setting, mistake.problem))
        .collect()
}

/// Exactly one mistake, at `setting`, that says `expected`.
fn assert_mistake(changes: Given<'_>, setting: &str, expected: &str) {
    let found = mistakes(changes);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, setting, "{found:?}");
    assert!(found[0].1.contains(expected), "{found:?}");
}

#[test]
fn the_least_settings_start_with_every_default() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.port, 7072);
    assert_eq!(settings.container, "orders");
    assert_eq!(settings.retry.attempt_timeout, Duration::from_secs(10));
    assert_eq!(settings.retry.backoff_base, Duration::from_secs(1));
    assert_eq!(settings.fallback_timeout, Duration::from_secs(100));
    assert_eq!(settings.log_filter.to_string(), "info");
    assert_eq!(settings.fallback_token_scope, None);
    assert_eq!(settings.fallback_identity, Identity::Developer);
    assert!(!settings.hosted);
}

#[test]
fn an_empty_value_is_an_unset_one() {
    for (name, default) in SETTINGS {
        for empty in ["", "  ", "\t\n"] {
            match (name, default) {
                ("OrdersStorage" | "FALLBACK_URL", _) => {
                    assert_mistake(&[(name, empty)], name, "missing; expected");
                }
                _ => assert!(read(&[(name, empty)]).is_ok(), "{name}"),
            }
        }
    }
    let padded = read(&[("ORDERS_CONTAINER", " carts\n")]).unwrap();
    assert_eq!(padded.container, "carts");
}

#[test]
fn every_mistake_is_reported_at_once_by_name() {
    let found = mistakes(&[
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "65536"),
        ("OrdersStorage", "AccountName"),
        ("OrdersStorage__credential", "secret"),
        ("ORDERS_CONTAINER", "Orders"),
        ("FALLBACK_URL", "http://logic.example/"),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "0"),
        ("UPLOAD_BACKOFF_BASE_MS", "1s"),
        ("FALLBACK_TIMEOUT_MS", "-1"),
        ("RUST_LOG", "loud=very=much"),
    ]);
    let names: BTreeSet<&str> = found.iter().map(|(name, _)| *name).collect();
    let expected = BTreeSet::from([
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "OrdersStorage",
        "OrdersStorage__credential",
        "ORDERS_CONTAINER",
        "FALLBACK_URL",
        "UPLOAD_ATTEMPT_TIMEOUT_MS",
        "UPLOAD_BACKOFF_BASE_MS",
        "FALLBACK_TIMEOUT_MS",
        "RUST_LOG",
    ]);
    assert_eq!(names, expected);
    assert_eq!(found.len(), expected.len(), "each once");
    let none = Settings::read(&|_| None).unwrap_err().to_string();
    assert_eq!(none.lines().count(), 3, "{none}");
    assert!(
        none.contains("\n  OrdersStorage: missing; expected"),
        "{none}"
    );
    assert!(
        none.contains("\n  FALLBACK_URL: missing; expected"),
        "{none}"
    );
    for (_, problem) in found {
        assert!(
            problem.contains("expected") || problem.contains(" is not "),
            "{problem}"
        );
    }
}

/// A mistake in the times hides no other, and a broken budget is told beside the rest.
#[test]
fn the_budget_is_judged_with_everything_else() {
    let found = mistakes(&[("FALLBACK_TIMEOUT_MS", "300000"), ("ORDERS_CONTAINER", "X")]);
    let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["ORDERS_CONTAINER", "FALLBACK_TIMEOUT_MS"]);
}

#[test]
fn no_mistake_quotes_a_secret() {
    const KEY: &str = "c2VjcmV0LWtleS1vZi1hbi1hY2NvdW50";
    const SIGNED: &str = "sv=1&sig=s3cr3tSignature";
    let storages = [
        format!("AccountKey={KEY}"),
        format!("AccountName=x;AccountKey={KEY}!"),
        format!("AccountName=x;{KEY}"),
        format!("DefaultEndpointsProtocol=ftp;AccountName=x;AccountKey={KEY}"),
        format!("BlobEndpoint=orders.example;AccountKey={KEY}"),
        format!("BlobEndpoint=ftp://me:{KEY}@x;SharedAccessSignature={SIGNED}"),
        format!("SharedAccessSignature={SIGNED}"),
        SIGNED.to_owned(),
        KEY.to_owned(),
    ];
    let hidden = |mistakes: Mistakes| {
        let said = format!("{mistakes} {mistakes:?}");
        for secret in [KEY, "s3cr3t", "sig="] {
            assert!(!said.contains(secret), "{said}");
        }
    };
    for storage in &storages {
        hidden(read(&[("OrdersStorage", storage)]).unwrap_err());
        let uri = format!("http://orders.example/?{storage}");
        hidden(
            read(&[
                ("OrdersStorage", ""),
                ("OrdersStorage__blobServiceUri", storage),
            ])
            .unwrap_err(),
        );
        hidden(
            read(&[
                ("OrdersStorage", ""),
                ("OrdersStorage__blobServiceUri", &uri),
            ])
            .unwrap_err(),
        );
        hidden(read(&[("OrdersStorage__blobServiceUri", storage)]).unwrap_err());
        hidden(read(&[("FALLBACK_URL", storage)]).unwrap_err());
    }
    for url in [
        format!("http://me:{KEY}@logic.example/{KEY}?{SIGNED}#{KEY}"),
        format!("logic.example/?{SIGNED}"),
        format!("ftp://me:{KEY}@logic.example/?{SIGNED}"),
        format!("sb://x/;SharedAccessKey={KEY}"),
        format!("https://[{KEY}]/"),
    ] {
        hidden(read(&[("FALLBACK_URL", &url)]).unwrap_err());
    }
}

#[test]
fn the_port_is_one() {
    for (text, port) in [("0", 0), ("1", 1), ("65535", 65_535), (" 7072 ", 7072)] {
        assert_eq!(
            read(&[("FUNCTIONS_CUSTOMHANDLER_PORT", text)])
                .unwrap()
                .port,
            port
        );
    }
    for text in [
        "-1",
        "65536",
        "7072.0",
        "0x10",
        "http",
        "99999999999999999999999",
    ] {
        assert_mistake(
            &[("FUNCTIONS_CUSTOMHANDLER_PORT", text)],
            "FUNCTIONS_CUSTOMHANDLER_PORT",
            "is not a whole number from 0 to 65535",
        );
    }
}

#[test]
fn the_container_has_a_legal_name() {
    for name in ["abc", "orders-2026", "0a0", &"x".repeat(63)] {
        assert_eq!(read(&[("ORDERS_CONTAINER", name)]).unwrap().container, name);
    }
    for name in [
        "ab",
        "Orders",
        "a--b",
        "-abc",
        "abc-",
        "a_b",
        "a.b",
        "a/b",
        "..",
        "$root",
        "ördre",
        &"x".repeat(64),
    ] {
        assert_mistake(
            &[("ORDERS_CONTAINER", name)],
            "ORDERS_CONTAINER",
            "expected 3 to 63 lower-case letters",
        );
    }
}

#[test]
fn orders_leave_the_machine_encrypted_only() {
    for url in [
        "https://logic.example/x?sig=y",
        "http://localhost:5380/x",
        "http://127.0.0.1/",
        "http://127.8.8.8/",
        "http://[::1]:1/",
    ] {
        assert_eq!(
            read(&[("FALLBACK_URL", url)])
                .unwrap()
                .fallback_url
                .0
                .as_str(),
            url
        );
    }
    for url in [
        "http://logic.example/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.nip.example/",
        "http://[::2]/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "data:,x",
    ] {
        assert_mistake(
            &[("FALLBACK_URL", url)],
            "FALLBACK_URL",
            "not allowed; expected the https URL",
        );
    }
    for url in ["logic.example", "https://", "//x", "https://a b/"] {
        assert_mistake(
            &[("FALLBACK_URL", url)],
            "FALLBACK_URL",
            "not a URL; expected the https URL",
        );
    }
}

#[test]
fn a_token_goes_over_https_only_and_beside_no_signature() {
    const SCOPE: (&str, &str) = (
        "FALLBACK_TOKEN_SCOPE",
        "https://management.azure.com/.default",
    );
    let settings = read(&[
        ("FALLBACK_URL", "https://logic.example/x?api-version=1"),
        SCOPE,
    ])
    .unwrap();
    assert_eq!(settings.fallback_token_scope.as_deref(), Some(SCOPE.1));
    assert_mistake(&[SCOPE], SCOPE.0, "is signed already (sig=)");
    assert_mistake(
        &[("FALLBACK_URL", "http://localhost/"), SCOPE],
        SCOPE.0,
        "https only",
    );
    let found = mistakes(&[("FALLBACK_URL", "nowhere"), SCOPE]);
    assert_eq!(found.len(), 1, "the scope is not to blame: {found:?}");
}

const TRIGGER: &str =
    "https://prod-07.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke";

/// A shell cuts a trigger's URL at its first `&`: nothing else would tell before the storage is
/// down.
#[test]
fn the_url_of_a_trigger_is_whole_or_comes_with_a_token() {
    const SCOPE: (&str, &str) = (
        "FALLBACK_TOKEN_SCOPE",
        "https://management.azure.com/.default",
    );
    let path = "/workflows/0a1b/triggers/manual/paths/invoke?api-version=2016-10-01";
    let cut = [
        format!("{TRIGGER}?api-version=2016-10-01"),
        TRIGGER.to_owned(),
        format!("{TRIGGER}?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"),
        format!("{TRIGGER}?api-version=2016-10-01&sv=1.0&sig="),
        format!("{TRIGGER}?api-version=2016-10-01%26sv=1.0%26sig=x"),
        format!("{TRIGGER}#&sig=x"),
        format!("https://PROD.uksouth.LOGIC.azure.com{path}"),
        format!("https://prod.usgovtexas.logic.azure.us{path}"),
        format!("https://prod.chinaeast2.logic.azure.cn.{path}"),
        "https://prod-1.westeurope.logic.azure.com/?api-version=1".to_owned(),
        "https://mails.azurewebsites.net/api/mail/triggers/manual/invoke?api-version=2022-05-01"
            .to_owned(),
        format!(
            "https://x.14.environment.api.powerplatform.com/powerautomate/automations/direct{path}"
        ),
        format!("https://workflows.example{path}"),
    ];
    for url in &cut {
        assert_mistake(
            &[("FALLBACK_URL", url)],
            "FALLBACK_URL",
            "without its signature (sig=)",
        );
        assert_mistake(
            &[("FALLBACK_URL", url)],
            "FALLBACK_URL",
            "ends a command at each &",
        );
        assert!(
            read(&[("FALLBACK_URL", url), SCOPE]).is_ok(),
            "{url}: a token opens it"
        );
    }
    for url in [
        &format!("{TRIGGER}?api-version=2016-10-01&sp=x&sv=1.0&sig=s1gnature"),
        &format!("http://127.0.0.1:5380{path}"),
        &format!("http://localhost:5380{path}"),
        "https://mails.example/notify",
        "https://mails.example/triggers/",
        "https://logic.azure.com.example/notify",
    ] {
        assert!(read(&[("FALLBACK_URL", url)]).is_ok(), "{url}");
    }
}

/// What a portal, an `.env` file or a page of HTML does to a value, for every setting.
#[test]
fn a_damaged_value_is_told_by_what_happened_to_it() {
    for (name, _) in SETTINGS {
        for (value, said) in [
            ("\"hush\"", "in quotes"),
            ("'UseDevelopmentStorage=true'", "in quotes"),
            (
                "@Microsoft.KeyVault(SecretUri=https://hush/secrets/x)",
                "reference to KeyVault",
            ),
            (
                "@Microsoft.AppConfiguration(Endpoint=hush; Key=x)",
                "reference to AppConfiguration",
            ),
            ("https://hush.example/?a=1&amp;sig=hush", "`&amp;`"),
            ("<hush>", "placeholder"),
            (&format!("{name}=hush"), "own name"),
        ] {
            let found = mistakes(&[(name, value)]);
            // An identity's id that is damaged is an id still, and asks for a credential.
            let here: Vec<_> = found
                .iter()
                .filter(|(setting, _)| *setting == name)
                .collect();
            assert_eq!(here.len(), 1, "{found:?}");
            assert!(here[0].1.contains(said), "{found:?}");
            assert!(!format!("{found:?}").contains("hush"), "{found:?}");
        }
    }
    let connection = "DefaultEndpointsProtocol=https;AccountName=orders;AccountKey=c2Vj";
    assert!(read(&[("OrdersStorage", connection)]).is_ok());
    for quote in ['"', '\''] {
        let quoted = format!("{quote}{connection}{quote}");
        assert_mistake(&[("OrdersStorage", &quoted)], "OrdersStorage", "in quotes");
        let url = format!("{quote}{TRIGGER}?sig=x{quote}");
        assert_mistake(&[("FALLBACK_URL", &url)], "FALLBACK_URL", "in quotes");
    }
    for cut in [
        "DefaultEndpointsProtocol=https",
        "AccountName=orders",
        "AccountName=orders;",
    ] {
        assert_mistake(
            &[("OrdersStorage", cut)],
            "OrdersStorage",
            "a shell ends a command at each ; that is not in quotes",
        );
    }
    let url = format!("{TRIGGER}?api-version=2016-10-01&amp;sp=x&amp;sig=x");
    assert_mistake(&[("FALLBACK_URL", &url)], "FALLBACK_URL", "`&amp;`");
}

/// What the Functions host takes too is taken the same way, or refused: never passed over.
#[test]
fn an_identity_for_all_connections_is_taken_and_other_ids_are_refused() {
    const URI: Given<'_> = &[
        ("OrdersStorage", ""),
        (
            "OrdersStorage__blobServiceUri",
            "https://orders.blob.core.windows.net",
        ),
    ];
    const MANAGED: (&str, &str) = ("OrdersStorage__credential", "managedidentity");
    const OF_ALL: (&str, &str) = ("AZURE_CLIENT_ID", "id-of-all");
    const ITS_OWN: (&str, &str) = ("OrdersStorage__clientId", "id");
    const IN_AZURE: (&str, &str) = ("IDENTITY_ENDPOINT", "http://localhost/msi");
    let client = |id: &str| Identity::Managed {
        client_id: Some(id.to_owned()),
    };
    let cases: [(Given<'_>, Identity); 4] = [
        (&[MANAGED, ITS_OWN, OF_ALL], client("id")),
        (&[IN_AZURE, OF_ALL], client("id-of-all")),
        (&[IN_AZURE, MANAGED, ITS_OWN, OF_ALL], client("id")),
        // Elsewhere it is whoever is signed in.
        (&[OF_ALL], Identity::Developer),
    ];
    for (changes, identity) in cases {
        let changes: Vec<_> = changes.iter().chain(URI).copied().collect();
        let settings = read(&changes).unwrap();
        assert_eq!(
            settings.storage.access,
            Access::Identity(identity),
            "{changes:?}"
        );
    }
    assert_mistake(
        &[MANAGED, OF_ALL],
        MANAGED.0,
        "expected the same id in OrdersStorage__clientId, or no AZURE_CLIENT_ID",
    );
    for other in [
        "OrdersStorage__managedIdentityResourceId",
        "OrdersStorage__managedIdentityObjectId",
    ] {
        for beside in [&[][..], &[MANAGED], &[MANAGED, ITS_OWN]] {
            let changes = [beside, &[(other, "/subscriptions/1")]].concat();
            assert_mistake(
                &changes,
                other,
                "expected OrdersStorage__clientId in its place",
            );
        }
    }
}

#[test]
fn the_fallbacks_token_may_be_of_an_identity_of_its_own() {
    const CLIENT_ID: (&str, &str) = ("FALLBACK_CLIENT_ID", "of-no-role");
    let own = Identity::Managed {
        client_id: Some(CLIENT_ID.1.to_owned()),
    };
    let scope = (
        "FALLBACK_TOKEN_SCOPE",
        "https://management.azure.com/.default",
    );
    let url = ("FALLBACK_URL", "https://logic.example/x?api-version=1");
    assert_eq!(
        read(&[url, scope, CLIENT_ID]).unwrap().fallback_identity,
        own
    );
    assert_ne!(read(&[url, scope]).unwrap().fallback_identity, own);
    assert_mistake(
        &[url, CLIENT_ID],
        CLIENT_ID.0,
        "expected FALLBACK_TOKEN_SCOPE too",
    );
}

#[test]
fn the_identity_is_managed_in_azure_and_the_developers_elsewhere() {
    let managed = |client_id: Option<&str>| Identity::Managed {
        client_id: client_id.map(str::to_owned),
    };
    let cases: [(Given<'_>, Identity); 5] = [
        (&[], Identity::Developer),
        (
            &[("IDENTITY_ENDPOINT", "http://localhost/msi")],
            managed(None),
        ),
        (
            &[("OrdersStorage__credential", "managedidentity")],
            managed(None),
        ),
        (
            &[
                ("OrdersStorage__credential", "ManagedIdentity"),
                ("OrdersStorage__clientId", "id"),
            ],
            managed(Some("id")),
        ),
        (
            &[
                ("IDENTITY_ENDPOINT", "x"),
                ("OrdersStorage__credential", "managedidentity"),
                ("OrdersStorage__clientId", "id"),
            ],
            managed(Some("id")),
        ),
    ];
    for (changes, identity) in cases {
        let uri = [
            ("OrdersStorage", ""),
            (
                "OrdersStorage__blobServiceUri",
                "https://orders.blob.core.windows.net",
            ),
        ];
        let changes: Vec<_> = changes.iter().chain(&uri).copied().collect();
        let settings = read(&changes).unwrap();
        assert_eq!(settings.fallback_identity, identity);
        assert_eq!(settings.storage.access, Access::Identity(identity));
    }
    assert_mistake(
        &[("OrdersStorage__credential", "clientsecret")],
        "OrdersStorage__credential",
        "expected managedidentity",
    );
    assert_mistake(
        &[("OrdersStorage__clientId", "id")],
        "OrdersStorage__credential",
        "expected managedidentity, as OrdersStorage__clientId is set",
    );
}

#[test]
fn the_storage_is_named_once() {
    const URI: &str = "OrdersStorage__blobServiceUri";
    assert_mistake(&[("OrdersStorage", "")], "OrdersStorage", URI);
    assert_mistake(
        &[(URI, "https://orders.example")],
        "OrdersStorage",
        "expected one of them",
    );
    assert_mistake(
        &[("OrdersStorage", ""), (URI, "http://orders.example")],
        URI,
        "https",
    );
    for uri in [
        "orders",
        "ftp://orders.example",
        "mailto:x@example.com",
        "https://",
    ] {
        let found = mistakes(&[("OrdersStorage", ""), (URI, uri)]);
        assert_eq!(found[0].0, URI, "{found:?}");
    }
}

#[test]
fn times_are_whole_milliseconds() {
    for name in [
        "UPLOAD_ATTEMPT_TIMEOUT_MS",
        "UPLOAD_BACKOFF_BASE_MS",
        "FALLBACK_TIMEOUT_MS",
    ] {
        assert!(read(&[(name, "1")]).is_ok());
        for text in ["0", "-1", "1.5", "1s", "300001", "18446744073709551616"] {
            assert_mistake(
                &[(name, text)],
                name,
                "is not a whole number from 1 to 300000",
            );
        }
    }
}

/// 4 attempts, 3 delays of at least 20 s that a server may ask for, the fallback, 60 s of wait; and
/// the way there and back.
#[test]
fn an_invocation_has_to_end_before_the_host_kills_it() {
    let budget = |attempt: u64, base: u64, fallback: u64| {
        let delays: u64 = [base, 2 * base, 4 * base]
            .map(|delay| delay.max(20_000))
            .iter()
            .sum();
        4 * attempt + delays + fallback + 60_000
    };
    let limit = u64::try_from((FUNCTION_TIMEOUT - MARGIN).as_millis()).unwrap();
    for (attempt, base) in [
        (10_000, 1_000),
        (1, 1),
        (29_000, 5_000),
        (5_000, 10_000),
        (1_000, 20_000),
    ] {
        let most = limit - budget(attempt, base, 0);
        let given = |fallback: u64| {
            let [attempt, base, fallback] = [attempt, base, fallback].map(|time| time.to_string());
            let changes = [
                ("UPLOAD_ATTEMPT_TIMEOUT_MS", attempt.as_str()),
                ("UPLOAD_BACKOFF_BASE_MS", &base),
                ("FALLBACK_TIMEOUT_MS", &fallback),
            ];
            read(&changes).map_err(|mistakes| mistakes.to_string())
        };
        assert!(given(most).is_ok(), "{attempt} {base}");
        let error = given(most + 1).unwrap_err();
        assert!(
            error.contains("FALLBACK_TIMEOUT_MS: the uploads"),
            "{error}"
        );
        assert!(
            error.contains("expected at most 285s: functionTimeout (300s) less 15s of margin"),
            "{error}"
        );
    }
}

#[test]
fn sessions_at_once_are_one_to_a_thousand() {
    let given = |sessions: &str| read(&[("BATCH_SESSIONS_AT_ONCE", sessions)]);
    for sessions in [1_usize, 16, 1_000] {
        let settings = given(&sessions.to_string()).unwrap();
        assert_eq!(settings.sessions_at_once.get(), sessions);
    }
    for wrong in ["0", "1001", "-1", "many", "1.5"] {
        let error = given(wrong).unwrap_err().to_string();
        assert!(error.contains("BATCH_SESSIONS_AT_ONCE: "), "{error}");
    }
}

#[test]
fn the_log_filter_is_a_list_of_targets() {
    for (text, shown) in [
        ("info", "info"),
        ("warn,azure_core=debug", "azure_core=debug,warn"),
        ("off", "off"),
    ] {
        assert_eq!(
            read(&[("RUST_LOG", text)]).unwrap().log_filter.to_string(),
            shown
        );
    }
    assert_mistake(
        &[("RUST_LOG", "info,x=loud")],
        "RUST_LOG",
        "a log filter such as info",
    );
}

#[test]
fn a_hosted_function_knows_it() {
    assert!(
        read(&[("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "1-2-3")])
            .unwrap()
            .hosted
    );
}
