//! `cargo local --watch` in a workspace of its own, whose handler is a few lines.

use testkit::fixture::AppFolder;
use testkit::workspace;

use super::Local;

const HANDLER: &str = r#"use std::io::{Read, Write};
fn main() {
    let port = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    eprintln!("VERSION");
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
    }
}
"#;

/// The three packages that `cargo local` builds, without a dependency.
fn app() -> AppFolder {
    let app = AppFolder::copy_of(&workspace());
    let write = |file: &str, text: &str| {
        let file = app.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let package = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
    };
    let members = "[workspace]\nmembers = [\"petstore\", \"ops\", \"local/stack\"]\n";
    write("Cargo.toml", &(package("order-items-reserver") + members));
    write(
        "src/main.rs",
        &HANDLER.replace("VERSION", "warn: version one"),
    );
    for (folder, name) in [
        ("petstore", "petstore"),
        ("ops", "order-items-ops"),
        ("local/stack", "stack"),
    ] {
        write(&format!("{folder}/Cargo.toml"), &package(name));
        write(&format!("{folder}/src/main.rs"), "fn main() {}\n");
    }
    app
}

#[tokio::test]
async fn a_saved_source_is_built_and_the_handler_started_again() {
    let app = app();
    let local = Local::start(&app, &["--watch", "--no-petstore", "--in-memory"]);
    local.says("version one").await;
    local.says("handler ready").await;
    let source = app.path().join("src/main.rs");
    std::fs::write(&source, "fn main() { no }\n").unwrap();
    local
        .says("the build failed; what runs stays as it was")
        .await;
    let output = local.output();
    assert!(
        output.contains("cannot find value `no`"),
        "cargo's words: {output}"
    );
    assert!(output.contains("Z  building…\n"), "{output}");
    assert!(
        output.contains("what runs stays as it was: error[E0425]"),
        "the first error: {output}"
    );
    let page = super::found(&app).await.dashboard.unwrap();
    let state = testkit::net::client().get(format!("{page}/api/state"));
    let state = state.send().await.unwrap().text().await.unwrap();
    assert!(
        state.contains(r#""state":"failed""#) && state.contains("E0425"),
        "{state}"
    );
    assert!(!output.contains("was killed by the host"), "{output}");
    std::fs::write(&source, HANDLER.replace("VERSION", "warn: version two")).unwrap();
    local.says("version two").await;
    let output = local.output();
    assert!(output.contains("the handler is new"), "{output}");
    local.says("handler gave way to what was built").await;
    assert!(!local.output().contains("was killed"), "{}", local.output());
    app.replace("host.json", "00:05:00", "00:04:00");
    local.says("host.json is new: start the stack again").await;
    let file = local.output.clone();
    assert_eq!(local.terminate(), Some(0));
    let output = std::fs::read_to_string(file).unwrap();
    assert!(output.contains("Z  ending: "), "{output}");

    // What is kept survives a start anew, which so needs nobody.
    let local = Local::start(&app, &["--watch", "--no-petstore"]);
    local.says("handler ready").await;
    app.replace("OrderItemsReserver/function.json", "\"binary\"", "7");
    local.says("function.json: ").await;
    local.says("what runs stays as it was").await;
    app.replace("OrderItemsReserver/function.json", "7", "\"binary\"");
    local
        .says("function.json is new: the stack is started again")
        .await;
    let ups = || local.output().matches("handler ready").count();
    testkit::until("the second start", || ups() == 2).await;
    assert_eq!(local.terminate(), Some(0));
}
