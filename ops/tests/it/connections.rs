//! A fail-over of the storage account leaves connections in the pool that lead nowhere.

use std::collections::HashMap;

use testkit::scripted::{Scripted, Step, answer};

use crate::stage::{Stage, cart};

/// Requests that a connection serves before it breaks.
const SERVED: usize = 2;

#[tokio::test]
async fn a_redrives_retry_does_not_go_down_the_connection_that_failed() {
    let stage = Stage::new().await;
    for number in 1..=4 {
        let session = format!("s{number}");
        stage.add_letter(number, &session, cart(&session, number));
    }
    // Every connection takes so many orders, and answers 503 from then on.
    let mut served = HashMap::new();
    let storage = Scripted::choosing(move |_, request| {
        let served: &mut usize = served.entry(request.peer).or_default();
        *served += 1;
        vec![Step::Send(if *served > SERVED {
            answer("503 Service Unavailable", "", "")
        } else {
            answer("201 Created", "etag: \"1\"\r\n", "")
        })]
    })
    .await;
    let address = storage.address;
    stage.set(
        "OrdersStorage",
        &format!("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://{address}"),
    );

    let ran = stage.run("dead-letters redrive --yes").await;

    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.mailed(), [0_u64; 0]);
    assert!(storage.methods().iter().all(|method| method == "PUT"));
    let mut requests = HashMap::new();
    for request in storage.received() {
        *requests.entry(request.peer).or_insert(0) += 1;
    }
    let mut requests: Vec<usize> = requests.into_values().collect();
    requests.sort_unstable();
    // The pooled one took two orders and refused two; each of these was stored at the second
    // attempt, over a connection of its own.
    assert_eq!(requests, [1, 1, 4]);
}
