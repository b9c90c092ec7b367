//! A handler for a Functions host under test: a test binary runs it in an ignored function, which
//! the host starts.

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::net::TcpListener;

/// Serves the host that started this process, for ever. Every order is done, but for those whose
/// text says otherwise.
pub async fn serve() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a handler gets its port this way"
    )]
    let port = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT").expect("started by a host");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .expect("the port");
    let router = Router::new().route("/OrderItemsReserver", post(invoke));
    axum::serve(listener, router).await.expect("serves");
}

async fn invoke(body: Bytes) -> Response {
    let invocation: Value = serde_json::from_slice(&body).expect("JSON");
    let count = invocation["Metadata"]["DeliveryCount"]
        .as_str()
        .expect("a count")
        .to_owned();
    println!("delivery {count}");
    let order = STANDARD
        .decode(invocation["Data"]["order"].as_str().expect("text"))
        .expect("base64");
    if let Some(code) = order.strip_prefix(b"exit ") {
        let code = std::str::from_utf8(code).expect("text");
        #[expect(clippy::disallowed_methods, reason = "that is what was asked for")]
        std::process::exit(code.parse().expect("a number"));
    }
    match (order.as_slice(), count.as_str()) {
        (b"silent at first", "1") => std::future::pending().await,
        (b"empty at first", "1") => StatusCode::OK.into_response(),
        _ => ([(header::CONTENT_TYPE, "application/json")], "{}").into_response(),
    }
}
