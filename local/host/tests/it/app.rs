//! The function app's files: ours as they stand, and errors that name file, key and expectation.

use std::time::Duration;

use host::app::{DataType, FunctionApp, Settings};
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;

fn error_with(file: &str, from: &str, to: &str) -> String {
    let app = AppFolder::copy_of(&workspace());
    app.replace(file, from, to);
    FunctionApp::load(app.path(), Settings::new())
        .expect_err("a broken file")
        .to_string()
}

#[test]
fn our_own_files_are_read() {
    let app = FunctionApp::load(&workspace(), Settings::new()).expect("our files");
    assert_eq!(
        (app.function.as_str(), app.binding.as_str()),
        ("OrderItemsReserver", "order")
    );
    assert_eq!(
        (app.queue.as_str(), app.data_type),
        ("order-items", DataType::Binary)
    );
    assert_eq!(
        app.host.function_timeout.limit(),
        Some(Duration::from_secs(300))
    );
    assert_eq!(
        app.host
            .service_bus()
            .max_auto_lock_renewal_duration
            .limit(),
        Some(Duration::from_secs(600))
    );
    assert_eq!(app.host.service_bus().max_concurrent_calls, 64);
    assert_eq!(
        app.host.custom_handler.description.default_executable_path,
        "target/debug/order-items-reserver"
    );
}

#[test]
fn settings_override_host_json_and_name_the_queue() {
    let overrides = settings(&[
        ("ORDERS_QUEUE_NAME", "other"),
        ("azurefunctionsjobhost__functionTimeout", "00:00:01"),
        (
            "AzureFunctionsJobHost__extensions__servicebus__maxConcurrentCalls",
            "2",
        ),
    ]);
    let app = FunctionApp::load(&workspace(), overrides).expect("our files");
    assert_eq!(app.queue, "other");
    assert_eq!(
        app.host.function_timeout.limit(),
        Some(Duration::from_secs(1))
    );
    assert_eq!(app.host.service_bus().max_concurrent_calls, 2);
}

#[test]
fn sessions_are_read_and_have_the_extensions_defaults() {
    let folder = AppFolder::copy_of(&workspace());
    folder.replace(
        "OrderItemsReserver/function.json",
        "\"isSessionsEnabled\": false",
        "\"isSessionsEnabled\": true",
    );
    let app = FunctionApp::load(folder.path(), Settings::new()).expect("good files");
    let service_bus = app.host.service_bus();
    assert!(app.sessions);
    assert_eq!(service_bus.max_concurrent_sessions, 64);
    let idle = service_bus.session_idle_timeout.limit();
    assert_eq!(idle, Some(Duration::from_secs(1)));
    folder.replace("host.json", "\"maxConcurrentSessions\"", "\"x\"");
    folder.replace("host.json", "\"sessionIdleTimeout\"", "\"y\"");
    let app = FunctionApp::load(folder.path(), Settings::new()).expect("good files");
    let service_bus = app.host.service_bus();
    assert_eq!(service_bus.max_concurrent_sessions, 8);
    let idle = service_bus.session_idle_timeout.limit();
    assert_eq!(idle, Some(Duration::from_secs(60)));
}

#[test]
fn an_error_names_the_file_the_key_and_what_was_expected() {
    assert_eq!(
        error_with(
            "host.json",
            "\"functionTimeout\": \"00:05:00\"",
            "\"functionTimeout\": \"5m\""
        ),
        "host.json: functionTimeout: expected a time span like 00:05:00 or 1.00:00:00, found \"5m\""
    );
    let calls = error_with(
        "host.json",
        "\"maxConcurrentCalls\": 64",
        "\"maxConcurrentCalls\": \"many\"",
    );
    assert!(
        calls.starts_with("host.json: extensions.serviceBus.maxConcurrentCalls: "),
        "{calls}"
    );
    assert!(calls.contains("expected usize"), "{calls}");
    let kind = error_with(
        "OrderItemsReserver/function.json",
        "\"binary\"",
        "\"stream\"",
    );
    assert!(
        kind.starts_with("OrderItemsReserver/function.json: bindings[0].dataType: "),
        "{kind}"
    );
    let without_type = error_with(
        "OrderItemsReserver/function.json",
        "\"one\",\n      \"dataType\": \"binary\"",
        "\"many\"",
    );
    let expected =
        "OrderItemsReserver/function.json: bindings[0].dataType: expected \"binary\" or \"string\"";
    assert!(without_type.starts_with(expected), "{without_type}");
    let per_session = error_with(
        "host.json",
        "\"maxConcurrentCalls\": 64",
        "\"maxConcurrentCallsPerSession\": 2",
    );
    assert_eq!(
        per_session,
        "host.json: extensions.serviceBus.maxConcurrentCallsPerSession: \
         expected 1: more gives up the order of a session; found 2"
    );
    let none = error_with(
        "host.json",
        "\"maxConcurrentSessions\": 64",
        "\"maxConcurrentSessions\": 0",
    );
    assert_eq!(
        none,
        "host.json: extensions.serviceBus.maxConcurrentSessions: expected at least 1, found 0"
    );
    assert_eq!(
        error_with("local.settings.json", "\"ORDERS_QUEUE_NAME\"", "\"OTHER\""),
        "local.settings.json: Values.ORDERS_QUEUE_NAME: expected a value, because \
         OrderItemsReserver/function.json: bindings[0].queueName names it; found none"
    );
    assert!(
        error_with("host.json", "\"2.0\",", "")
            .contains("host.json: the whole file: expected JSON: ")
    );
}

/// As people write them: the host's reader, Newtonsoft's, takes comments and trailing commas.
#[test]
fn comments_trailing_commas_and_a_byte_order_mark_are_read_past() {
    let folder = AppFolder::copy_of(&workspace());
    for file in [
        "host.json",
        "local.settings.json",
        "OrderItemsReserver/function.json",
    ] {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("the file");
        let end = text.rfind('}').expect("an object");
        let changed = format!(
            "\u{feff}// ours\n{}, /* last */ }}\n",
            &text[..end].trim_end()
        );
        std::fs::write(&path, changed).expect("written");
    }
    folder.replace(
        "local.settings.json",
        "\"RUST_LOG\": \"info,order_items_reserver::progress=debug\"",
        "\"PETSTORE_PORT\": 8081, \"x\": true,",
    );
    let app = FunctionApp::load(folder.path(), Settings::new()).expect("good files");
    assert_eq!(app.setting("PETSTORE_PORT", "x").expect("set"), "8081");
    assert_eq!(app.setting("x", "x").expect("set"), "true");
    let encrypted = error_with(
        "local.settings.json",
        "\"IsEncrypted\": false",
        "\"IsEncrypted\": true",
    );
    assert_eq!(
        encrypted,
        "local.settings.json: IsEncrypted: expected false: decrypt the file with `func settings decrypt`"
    );
}

#[test]
fn names_are_those_the_host_takes() {
    let binding = error_with(
        "OrderItemsReserver/function.json",
        "\"name\": \"order\"",
        "\"name\": \"the_order\"",
    );
    assert_eq!(
        binding,
        "OrderItemsReserver/function.json: bindings[0].name: \
         expected a letter, then letters and digits, 128 at most; found \"the_order\""
    );
    let folder = AppFolder::copy_of(&workspace());
    let rename = |from: &str, to: &str| {
        std::fs::rename(folder.path().join(from), folder.path().join(to)).expect("renamed");
    };
    rename("OrderItemsReserver", "Order_items-2");
    assert!(FunctionApp::load(folder.path(), Settings::new()).is_ok());
    rename("Order_items-2", "2nd");
    let error = FunctionApp::load(folder.path(), Settings::new()).expect_err("a digit first");
    assert_eq!(
        error.to_string(),
        "2nd/function.json: the folder's name: expected a letter, then letters, digits, _ and -, 128 at most"
    );
}

#[test]
fn a_setting_in_the_executables_path_is_expanded_and_an_unknown_one_is_left() {
    let key = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath";
    let overrides = settings(&[(key, "%BIN%/%NO_SUCH%/100%"), ("BIN", "out")]);
    let app = FunctionApp::load(&workspace(), overrides).expect("good files");
    let path = app.host.custom_handler.description.default_executable_path;
    assert_eq!(path, "out/%NO_SUCH%/100%");
}

fn error_of(setting: &str, value: &str) -> String {
    let name = format!("AzureFunctionsJobHost__extensions__serviceBus__{setting}");
    let overrides = settings(&[(&name, value)]);
    let error = FunctionApp::load(&workspace(), overrides).expect_err("a broken setting");
    error.to_string()
}

#[test]
fn the_limits_of_a_batch_are_read_and_checked_as_the_extension_does() {
    let app = FunctionApp::load(&workspace(), Settings::new()).expect("our files");
    assert_eq!(app.max_message_batch_size, 64);
    assert_eq!(app.host.service_bus().min_message_batch_size, 1);
    for (setting, value, problem) in [
        (
            "maxMessageBatchSize",
            "0",
            "maxMessageBatchSize: expected at least 1, found 0",
        ),
        (
            "minMessageBatchSize",
            "0",
            "minMessageBatchSize: expected at least 1, found 0",
        ),
        (
            "minMessageBatchSize",
            "1001",
            "minMessageBatchSize: expected at most maxMessageBatchSize, 64; found 1001",
        ),
        (
            "maxBatchWaitTime",
            "00:02:31",
            "maxBatchWaitTime: expected at most 00:02:30",
        ),
        (
            "maxBatchWaitTime",
            "-00:00:01",
            "maxBatchWaitTime: expected at most 00:02:30",
        ),
    ] {
        let error = error_of(setting, value);
        let expected = format!("host.json: extensions.serviceBus.{problem}");
        assert!(error.starts_with(&expected), "{error}");
    }
}
