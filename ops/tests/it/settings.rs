//! Every rule of the settings, and that a mistake is named without being quoted.

use order_items_ops::settings;
use order_items_reserver::azure_app::identity::Identity;
use service_bus::{Access, ConnectionError, Queue};
use tokio::process::Command;

type Given<'a> = &'a [(&'a str, &'a str)];

const CLOUD: &str =
    "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=c2Vj+/==";

fn read(given: Given<'_>) -> Result<Queue, Vec<(&'static str, String)>> {
    let source = |name: &str| {
        let found = given.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    settings::queue(&source).map_err(|mistakes| {
        let mistakes = mistakes.0.into_iter();
        mistakes.map(|it| (it.setting, it.problem)).collect()
    })
}

fn base(connection: &str) -> String {
    let settings = read(&[("ServiceBusConnection", connection)]).unwrap();
    settings.connection.base.to_string()
}

#[test]
fn a_connection_string_leads_to_https_and_the_emulator_to_this_machine() {
    let settings = read(&[("ServiceBusConnection", CLOUD)]).unwrap();
    assert_eq!(settings.name, "order-items");
    let Access::Key(key) = settings.connection.access else {
        panic!("a key")
    };
    assert_eq!(
        (key.name.as_str(), key.secret.as_str()),
        ("Root", "c2Vj+/==")
    );
    assert_eq!(base(CLOUD), "https://ns.servicebus.windows.net/");
    let amqp = CLOUD.replace(".net/", ".net:5671/");
    assert_eq!(base(&amqp), "https://ns.servicebus.windows.net/");
    let local = "endpoint=sb://localhost:5300 ; sharedaccesskeyname=R;SHAREDACCESSKEY=k=;UseDevelopmentEmulator=True;";
    assert_eq!(base(local), "http://localhost:5300/");
}

#[test]
fn an_identity_is_the_apps_own_or_the_developers() {
    let namespace = (
        "ServiceBusConnection__fullyQualifiedNamespace",
        "ns.servicebus.windows.net",
    );
    let credential = ("ServiceBusConnection__credential", "managedidentity");
    let client = ("ServiceBusConnection__clientId", "id");
    let managed = |client_id: Option<&str>| Identity::Managed {
        client_id: client_id.map(str::to_owned),
    };
    for (given, expected) in [
        (&[namespace][..], Identity::Developer),
        (&[namespace, ("IDENTITY_ENDPOINT", "x")], managed(None)),
        (&[namespace, credential], managed(None)),
        (&[namespace, credential, client], managed(Some("id"))),
    ] {
        let settings = read(given).unwrap();
        let Access::Identity(identity) = settings.connection.access else {
            panic!("an identity")
        };
        assert_eq!(identity, expected);
    }
    for other in ["managedIdentityResourceId", "managedIdentityObjectId"] {
        let other = format!("ServiceBusConnection__{other}");
        let mistakes = read(&[namespace, credential, (other.as_str(), "/subscriptions/1")]);
        assert_eq!(mistakes.unwrap_err()[0].0, other);
    }
    let of_all = read(&[namespace, credential, ("AZURE_CLIENT_ID", "id")]).unwrap_err();
    assert_eq!(of_all[0].0, credential.0);
    let mistakes = read(&[namespace, client]).unwrap_err();
    assert_eq!(mistakes[0].0, credential.0);
}

#[test]
fn the_queue_is_named_once_or_alike() {
    let path = format!("{CLOUD};EntityPath=carts");
    let queue = |given: Given<'_>| read(given).map(|queue| queue.name);
    assert_eq!(queue(&[("ServiceBusConnection", &path)]).unwrap(), "carts");
    let both = [
        ("ServiceBusConnection", path.as_str()),
        ("ORDERS_QUEUE_NAME", "Carts"),
    ];
    assert_eq!(queue(&both).unwrap(), "Carts");
    for name in [
        "other",
        "a//b",
        "../x",
        "a b",
        "order-items/$deadletterqueue",
        "ä",
    ] {
        let given = [
            ("ServiceBusConnection", path.as_str()),
            ("ORDERS_QUEUE_NAME", name),
        ];
        assert_eq!(
            queue(&given).unwrap_err()[0].0,
            "ORDERS_QUEUE_NAME",
            "{name}"
        );
    }
    let nested = [
        ("ServiceBusConnection", CLOUD),
        ("ORDERS_QUEUE_NAME", "shop/order_items.v1"),
    ];
    assert_eq!(queue(&nested).unwrap(), "shop/order_items.v1");
}

#[test]
fn a_mistake_says_what_was_expected_and_quotes_no_secret() {
    let key = "SharedAccessKeyName=Root;SharedAccessKey=hush";
    for (connection, expected) in [
        (format!("hush;{key}"), ConnectionError::NoPair(1)),
        (key.to_owned(), ConnectionError::Endpoint),
        (format!("Endpoint=hush;{key}"), ConnectionError::Endpoint),
        (
            "Endpoint=sb://hush/;SharedAccessKey=hush".to_owned(),
            ConnectionError::Key,
        ),
        (
            "Endpoint=sb://hush/;SharedAccessKeyName=hush".to_owned(),
            ConnectionError::Key,
        ),
        (
            format!("Endpoint=sb://localhost;{key};UseDevelopmentEmulator=true"),
            ConnectionError::Emulator,
        ),
        (
            format!("Endpoint=sb://hush.example:5300;{key};UseDevelopmentEmulator=true"),
            ConnectionError::Emulator,
        ),
    ] {
        let mistakes = read(&[("ServiceBusConnection", &connection)]).unwrap_err();
        assert_eq!(mistakes, [("ServiceBusConnection", expected.to_string())]);
        assert!(!expected.to_string().contains("hush"));
    }
    for host in [
        "hush",
        "https://ns.servicebus.windows.net",
        "a.b/c",
        "u:p@ns.net",
    ] {
        let name = "ServiceBusConnection__fullyQualifiedNamespace";
        let mistakes = read(&[(name, host)]).unwrap_err();
        assert_eq!(mistakes, [(name, ConnectionError::Namespace.to_string())]);
    }
    let shown = format!("{:?}", read(&[("ServiceBusConnection", CLOUD)]));
    assert!(shown.contains("Root") && !shown.contains("c2Vj"), "{shown}");
}

#[test]
fn a_connection_string_in_quotes_or_a_reference_is_told_as_what_it_is() {
    for (value, said) in [
        (format!("\"{CLOUD}\""), "in quotes"),
        (
            "@Microsoft.KeyVault(VaultName=hush;SecretName=bus)".to_owned(),
            "reference to KeyVault",
        ),
    ] {
        let mistakes = read(&[("ServiceBusConnection", &value)]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert_eq!(mistakes[0].0, "ServiceBusConnection");
        assert!(mistakes[0].1.contains(said), "{mistakes:?}");
        assert!(!mistakes[0].1.contains("hush"), "{mistakes:?}");
    }
    let cut = read(&[(
        "ServiceBusConnection",
        "Endpoint=sb://ns.servicebus.windows.net/",
    )]);
    let told = &cut.unwrap_err()[0].1;
    assert!(
        told.ends_with("a shell ends a command at each ; that is not in quotes"),
        "{told}"
    );
    let queue = [
        ("ServiceBusConnection", CLOUD),
        ("ORDERS_QUEUE_NAME", "%QUEUE%"),
    ];
    assert!(read(&queue).unwrap_err()[0].1.contains("placeholder"));
}

#[tokio::test]
async fn every_mistake_is_reported_at_once_by_the_binary() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-items-ops"));
    let ran = command
        .env_clear()
        .env(
            "ServiceBusConnection",
            "Endpoint=sb://ns/;SharedAccessKey=hush",
        )
        .env("ServiceBusConnection__credential", "password")
        .env("ORDERS_QUEUE_NAME", "a b")
        .env("ORDERS_CONTAINER", "Orders")
        .env("FALLBACK_URL", "http://logic.example/?sig=hush")
        .args(["dead-letters", "redrive", "--yes"])
        .output()
        .await
        .unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(64));
    let named: Vec<&str> = err
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().split_once(':'))
        .map(|it| it.0)
        .collect();
    assert_eq!(
        named,
        [
            "ServiceBusConnection__credential",
            "ServiceBusConnection",
            "ORDERS_QUEUE_NAME",
            "OrdersStorage",
            "ORDERS_CONTAINER",
            "FALLBACK_URL",
        ],
        "{err}"
    );
    assert!(!err.contains("hush"), "{err}");
}

#[tokio::test]
async fn looking_needs_the_queues_settings_alone() {
    let stage = crate::stage::Stage::new().await;
    let file = stage.folder().join("local.settings.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let less = text
        .replace("OrdersStorage", "x")
        .replace("FALLBACK_URL", "y");
    std::fs::write(&file, less).unwrap();
    let listed = stage.run("dead-letters list").await;
    assert_eq!(
        (listed.code, listed.out.as_str()),
        (Some(0), "0 dead letters\n")
    );
    assert_eq!(stage.run("status").await.code, Some(64));
}

/// As people write it, and as Core Tools read it.
#[tokio::test]
async fn a_file_with_comments_a_trailing_comma_and_numbers_is_read() {
    let stage = crate::stage::Stage::new().await;
    stage.add_letter(7, "S", crate::stage::cart("S", 7));
    let file = stage.folder().join("local.settings.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let backoff = r#""UPLOAD_BACKOFF_BASE_MS":"1""#;
    assert!(text.contains(backoff), "{text}");
    let number = r#" /* ms */ "UPLOAD_BACKOFF_BASE_MS": 1, // at the least"#;
    let lenient = text.replace(backoff, &format!("{number}\n"));
    std::fs::write(&file, format!("\u{feff}// ours\n{lenient}")).unwrap();
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.stored("S").unwrap().0, 7);
}

#[tokio::test]
async fn a_file_is_the_only_source_when_it_is_named() {
    let stage = crate::stage::Stage::new().await;
    let mut command = stage.command("dead-letters list --wait 0");
    command
        .env("ServiceBusConnection", "hush")
        .env("ORDERS_QUEUE_NAME", "production");
    assert!(command.status().await.unwrap().success());
    for (text, said) in [
        ("{", "line 1: expected"),
        (r#"{"Values":[7]}"#, "line 1: expected"),
        (r#"{"Values":{"a":{}}}"#, "Values.a: expected a text"),
        (
            r#"{"IsEncrypted":true,"Values":{}}"#,
            "func settings decrypt",
        ),
    ] {
        std::fs::write(stage.folder().join("local.settings.json"), text).unwrap();
        let ran = stage.run("status").await;
        assert_eq!(ran.code, Some(64), "{text}");
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    std::fs::remove_file(stage.folder().join("local.settings.json")).unwrap();
    let ran = stage.run("status").await;
    assert!(
        ran.err.contains("local.settings.json: No such file"),
        "{}",
        ran.err
    );
}
