//! The whole way for programs that are not ours: Microsoft's clients through the AMQP door, curl
//! through the REST door, and the blob is there.
#![cfg(unix)]

use testkit::clients;

use crate::stack::{Pipeline, SESSION, cart, completed};

/// What `local.settings.json` says, but for the port: the one that REST is spoken on as well.
pub(super) fn connection(pipeline: &Pipeline) -> String {
    let door = pipeline.stack.door.url();
    let port = door.rsplit(':').next().unwrap();
    format!(
        "Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;\
         SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
    )
}

async fn a_cart_of(client: Option<clients::Client>) {
    let Some(client) = client else { return };
    let mut pipeline = Pipeline::start().await;
    let connection = connection(&pipeline);
    for quantity in 1..=2 {
        let cart = cart(quantity);
        client.send(&[&connection, "cart", SESSION, &cart]).await;
        assert!(completed(&pipeline.delivered().await));
        assert_eq!(pipeline.blob_over_http().await, cart);
    }
    pipeline.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_cart_sent_with_microsofts_python_client_is_the_blob() {
    a_cart_of(clients::python()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_cart_sent_with_microsofts_node_client_is_the_blob() {
    a_cart_of(clients::node()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_cart_sent_with_curl_is_the_blob() {
    let mut pipeline = Pipeline::start().await;
    let url = format!("{}/order-items/messages", pipeline.stack.door.url());
    let properties = format!(r#"BrokerProperties: {{"SessionId":"{SESSION}"}}"#);
    let sent = tokio::process::Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--write-out",
            "%{http_code}",
        ])
        .args([
            "--header",
            &properties,
            "--header",
            "Content-Type: application/json",
        ])
        .args(["--data-binary", &cart(3), &url])
        .output()
        .await;
    let Ok(sent) = sent else {
        testkit::skipped("curl against the REST door", "no curl", "curl");
        return;
    };
    let error = String::from_utf8_lossy(&sent.stderr);
    assert_eq!(String::from_utf8_lossy(&sent.stdout), "201", "{error}");
    assert!(completed(&pipeline.delivered().await));
    assert_eq!(pipeline.blob_over_http().await, cart(3));
    pipeline.stack.stop().await;
}
