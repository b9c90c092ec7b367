//! Places that say the same thing twice: code, the function app's files, README, what is
//! published. Each may change; none alone.

mod connection_strings;
mod readme;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use order_items_reserver::config::{
    BATCH_MAX, FUNCTION_TIMEOUT, INVOCATION_MAX, LOCK, LOCK_RENEWAL_MAX, MARGIN, SETTINGS, Settings,
};
use order_items_reserver::http::ROUTE;
use order_items_reserver::invocation;
use order_items_reserver::invocation::BINDING;
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json_of(path: &str) -> Value {
    serde_json::from_str(&text_of(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn function_file() -> String {
    format!("{}/function.json", ROUTE.trim_start_matches('/'))
}

/// The one binding of the function.
fn trigger() -> Value {
    let function = json_of(&function_file());
    let bindings = function["bindings"].as_array().unwrap();
    assert_eq!(bindings.len(), 1, "the reply fills no output binding");
    bindings[0].clone()
}

/// `00:05:00`, as `host.json` writes times.
fn duration(value: &Value) -> Duration {
    let text = value.as_str().unwrap();
    let fields: Vec<u64> = text
        .split(':')
        .map(|field| field.parse().unwrap())
        .collect();
    let &[hours, minutes, seconds] = &fields[..] else {
        panic!("{text}: not hh:mm:ss");
    };
    Duration::from_secs(hours * 3600 + minutes * 60 + seconds)
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.insert(key.to_lowercase());
            keys(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn the_route_is_the_only_function_folder() {
    let folders = fs::read_dir(root()).unwrap().map(Result::unwrap);
    let functions: Vec<String> = folders
        .filter(|entry| entry.path().join("function.json").exists())
        .map(|entry| format!("/{}", entry.file_name().into_string().unwrap()))
        .collect();
    assert_eq!(functions, [ROUTE]);
    let name = ROUTE.trim_start_matches('/');
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(legal));
}

#[test]
fn the_binding_is_the_one_that_is_read() {
    let trigger = trigger();
    assert_eq!(trigger["name"], BINDING);
    assert!(
        BINDING.chars().all(|c| c.is_ascii_alphanumeric()),
        "the host allows no other"
    );
    let request = json!({"Data": {BINDING: "e30="}}).to_string();
    assert!(invocation::parse(request.as_bytes()).is_ok());
    assert_eq!(trigger["type"], "serviceBusTrigger");
    assert_eq!(trigger["direction"], "in");
    assert_eq!(
        trigger["cardinality"], "one",
        "a batch is all or nothing: whoever wants it changes this word"
    );
    assert_eq!(
        trigger["dataType"], "binary",
        "else the body overwrites Metadata"
    );
}

#[test]
fn the_host_starts_this_package() {
    let host = json_of("host.json");
    let description = &host["customHandler"]["description"];
    assert_eq!(description["defaultExecutablePath"], env!("CARGO_PKG_NAME"));
    assert!(description.get("defaultWorkerPath").is_none());
    assert_eq!(host["customHandler"]["enableForwardingHttpRequest"], false);
    assert_eq!(host["version"], "2.0");
}

#[test]
fn the_time_limits_of_host_and_code_agree() {
    let host = json_of("host.json");
    let service_bus = &host["extensions"]["serviceBus"];
    assert_eq!(duration(&host["functionTimeout"]), FUNCTION_TIMEOUT);
    assert_eq!(
        duration(&service_bus["maxAutoLockRenewalDuration"]),
        LOCK_RENEWAL_MAX
    );
}

/// Nobody renews the locks of a batch, so a queue with shorter ones would hand its messages out
/// again while they are worked on.
#[test]
fn a_batch_is_as_the_host_makes_it_and_ends_before_the_queues_locks() {
    let host = json_of("host.json");
    let most = &host["extensions"]["serviceBus"]["maxMessageBatchSize"];
    let most = usize::try_from(most.as_u64().unwrap()).unwrap();
    assert!(
        (1..=BATCH_MAX).contains(&most),
        "smaller batches are an operator's choice, longer ones are not read: {most}"
    );
    assert!(INVOCATION_MAX + MARGIN <= LOCK);
    let bicep = text_of("infra/modules/servicebus.bicep");
    let locks: Vec<&str> = bicep
        .split("lockDuration: '")
        .skip(1)
        .map(|rest| rest.split('\'').next().unwrap())
        .collect();
    let minutes = LOCK.as_secs() / 60;
    assert_eq!(locks, [format!("PT{minutes}M")], "of one queue");
}

#[test]
fn the_host_completes_fetches_nothing_ahead_and_retries_nothing() {
    let host = json_of("host.json");
    let service_bus = &host["extensions"]["serviceBus"];
    assert_eq!(
        service_bus["autoCompleteMessages"], true,
        "else a success is delivered again"
    );
    assert_eq!(
        service_bus["prefetchCount"], 0,
        "a fetched message's lock runs while it waits"
    );
    for file in ["host.json", &function_file()] {
        let mut found = BTreeSet::new();
        keys(&json_of(file), &mut found);
        for retries in ["retry", "clientretryoptions"] {
            assert!(
                !found.contains(retries),
                "{file}: the only layer that retries is src/retry.rs"
            );
        }
    }
    assert!(
        trigger()
            .get("autoComplete")
            .is_none_or(|value| value == true)
    );
}

/// The trigger's own settings, as `function.json` names them.
fn trigger_settings() -> BTreeSet<String> {
    let trigger = trigger();
    let queue = trigger["queueName"].as_str().unwrap();
    let queue = queue.trim_matches('%').to_owned();
    BTreeSet::from([trigger["connection"].as_str().unwrap().to_owned(), queue])
}

fn local_values() -> BTreeMap<String, String> {
    serde_json::from_value(json_of("local.settings.json")["Values"].clone()).unwrap()
}

#[test]
fn the_local_settings_are_known_ones_and_complete() {
    let values = local_values();
    for (name, value) in &values {
        let ours = SETTINGS.iter().find(|(known, _)| known == name);
        let hosts = name == "FUNCTIONS_WORKER_RUNTIME"
            || name == "AzureWebJobsStorage"
            || name.starts_with("AzureFunctionsJobHost__");
        assert!(
            ours.is_some() || hosts || trigger_settings().contains(name),
            "{name}: nobody reads it"
        );
        if let Some((_, Some(default))) = ours {
            // The dashboard counts down to the next try by what the handler says of it.
            let value = match name.as_str() {
                "RUST_LOG" => value.trim_end_matches(",order_items_reserver::progress=debug"),
                _ => value.as_str(),
            };
            assert_eq!(value, *default, "{name}: a laptop needs no other value");
        }
    }
    for name in trigger_settings() {
        assert!(values.contains_key(&name), "{name}: the trigger needs it");
    }
    let settings = Settings::read(&|name| values.get(name).cloned()).unwrap();
    assert_eq!(
        settings.storage.shown(),
        "http://127.0.0.1:10000/devstoreaccount1"
    );
    assert_eq!(values["FUNCTIONS_WORKER_RUNTIME"], "custom");
    let executable =
        &values["AzureFunctionsJobHost__customHandler__description__defaultExecutablePath"];
    assert_eq!(executable, concat!("target/debug/", env!("CARGO_PKG_NAME")));
}

#[test]
fn the_local_settings_hold_no_secret() {
    assert_eq!(json_of("local.settings.json")["IsEncrypted"], false);
    for (name, value) in local_values() {
        for part in value.split([';', '&', '?']) {
            let (key, secret) = part.split_once('=').unwrap_or_default();
            match key.to_lowercase().as_str() {
                "sharedaccesskey" => assert_eq!(
                    secret, "SAS_KEY_VALUE",
                    "{name}: the emulator's own key word"
                ),
                "accountkey" | "sharedaccesssignature" | "sig" | "code" | "password" => {
                    panic!("{name} holds {key}")
                }
                _ => {}
            }
        }
        let random = |word: &str| {
            word.len() >= 24
                && word.chars().any(|c| c.is_ascii_digit())
                && word.chars().any(char::is_uppercase)
        };
        let mut words = value.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
        assert!(!words.any(random), "{name} looks like a secret");
    }
}

/// Whether `.funcignore` leaves a path out: the last pattern that fits decides, as in gitignore;
/// of its syntax `*`, `!`, a leading and a trailing slash.
fn ignored(patterns: &str, path: &str) -> bool {
    fn fits(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
            ([p, pattern @ ..], [t, text @ ..]) => p == t && fits(pattern, text),
            _ => false,
        }
    }
    let patterns = patterns
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    patterns.fold(false, |ignored, pattern| {
        let (verdict, pattern) = pattern
            .strip_prefix('!')
            .map_or((true, pattern), |rest| (false, rest));
        let pattern = pattern.trim_end_matches('/');
        let fits = match pattern.strip_prefix('/') {
            Some(anchored) => path
                .split('/')
                .next()
                .is_some_and(|top| fits(anchored.as_bytes(), top.as_bytes())),
            None => path
                .split('/')
                .any(|part| fits(pattern.as_bytes(), part.as_bytes())),
        };
        if fits { verdict } else { ignored }
    })
}

/// What `func azure functionapp publish` uploads: the function app and nothing else.
#[test]
fn only_the_function_app_is_published() {
    let patterns = text_of(".funcignore");
    let app = [
        "host.json".to_owned(),
        env!("CARGO_PKG_NAME").to_owned(),
        function_file(),
    ];
    for path in &app {
        assert!(!ignored(&patterns, path), "{path} is needed");
    }
    let there = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let planned = ["infra", "petstore", "azure.yaml"].map(str::to_owned);
    let untracked = text_of(".gitignore");
    let untracked = untracked
        .lines()
        .map(|line| line.trim_matches('/').to_owned());
    for name in there.chain(planned).chain(untracked) {
        let needed = app.iter().any(|path| path.split('/').next() == Some(&name));
        assert!(
            needed || ignored(&patterns, &name),
            "{name} would be published"
        );
    }
}

#[test]
fn the_reader_of_ignore_patterns_knows_its_syntax() {
    let patterns = "# comment\n/*\n!host.json\n!/Function\n*.md\n.*\nsrc/\n";
    for (path, expected) in [
        ("host.json", false),
        ("Function/function.json", false),
        ("Function/x.md", true),
        (".git/x", true),
        ("src/main.rs", true),
        ("other", true),
    ] {
        assert_eq!(ignored(patterns, path), expected, "{path}");
    }
    assert!(!ignored("/a\nb*c", "x/a"), "anchored");
}
