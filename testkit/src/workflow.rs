//! The workflow in infra/, and the vectors that the official engine made of it.

use serde_json::Value;

/// A file of `infra/logicapp/`, as text.
pub fn read(file: &str) -> String {
    let path = crate::workspace().join("infra/logicapp").join(file);
    std::fs::read_to_string(path).expect(file)
}

/// The same as JSON.
pub fn json_of(file: &str) -> Value {
    serde_json::from_str(&read(file)).expect(file)
}

/// The first run of the vectors: an order that was not stored.
pub fn vector() -> Value {
    json_of("golden.json")["runs"][0].clone()
}

/// Posts `body` as the function does; status and answer.
pub async fn post(url: &str, body: &Value) -> (u16, Value) {
    let request = crate::net::client().post(url).body(body.to_string());
    let request = request.header("content-type", "application/json");
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}
