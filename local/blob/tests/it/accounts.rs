//! Two accounts behind one port: each has its key, its blobs and its faults.

use blob::{ACCOUNT, Account, BlobEndpoint, BlobHandle, BlobStorage};
use reqwest::Method;
use stand_in::{Fault, StatusCode};
use testkit::net;

use crate::client::BlobClient;

async fn two() -> (BlobEndpoint, BlobHandle, BlobClient, BlobClient) {
    let first = (Account::ORDERS, BlobStorage::default());
    let other = (Account::PETSTORE, BlobStorage::default());
    let endpoint = BlobEndpoint::start_accounts(net::listener().await, first, [other]).unwrap();
    let shop = endpoint.other(Account::PETSTORE).unwrap();
    for storage in [endpoint.storage(), shop.storage()] {
        storage.create_container("orders").unwrap();
    }
    let orders = BlobClient::to(&endpoint);
    let carts = BlobClient::of_account(shop.url(), "petstore", Account::PETSTORE.key);
    (endpoint, shop, orders, carts)
}

#[tokio::test]
async fn each_account_has_its_own_key_and_its_own_blobs() {
    let (endpoint, shop, orders, carts) = two().await;
    assert_eq!(orders.put("a", &[], "an order").await.outcome(), (201, ""));
    assert_eq!(carts.put("a", &[], "a cart").await.outcome(), (201, ""));
    assert_eq!(endpoint.blob("orders", "a").unwrap().bytes, "an order");
    let cart = shop.storage().blob("orders", "a").unwrap();
    assert_eq!(cart.bytes, "a cart");
    assert_eq!(shop.storage().writes_len(), 1);

    let wrong = BlobClient::of_account(shop.url(), "petstore", Account::ORDERS.key);
    let refused = wrong.put("a", &[], "another's").await;
    assert_eq!(refused.outcome(), (403, "AuthenticationFailed"));
    let url = shop.url().replace("petstore", "nobody");
    let nobody = BlobClient::of_account(&url, "nobody", Account::PETSTORE.key);
    let unknown = nobody.put("a", &[], "x").await;
    assert_eq!(unknown.outcome(), (404, "ResourceNotFound"));
    for known in [ACCOUNT, "petstore"] {
        assert!(unknown.body.contains(known), "{}", unknown.body);
    }
}

#[tokio::test]
async fn what_breaks_one_leaves_the_other_alone() {
    let (endpoint, shop, orders, carts) = two().await;
    carts.put("a", &[], "a cart").await;
    endpoint.faults().refuse_connections();
    assert!(orders.try_put("a", &[], "1").await.is_err());
    assert_eq!(carts.put("a", &[], "a cart").await.outcome(), (201, ""));
    endpoint.faults().set(Fault::None);

    // The shop's reads and lists meet faults too: without them it has no cart to show.
    shop.faults().set(Fault::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        error_code: "ServerBusy",
        retry_after: None,
    });
    for (method, path) in [
        (Method::GET, "/orders/a"),
        (Method::GET, "/orders?restype=container&comp=list"),
        (Method::DELETE, "/orders/a"),
    ] {
        let answer = carts.send(method, path, &[], "").await;
        assert_eq!(answer.outcome(), (503, "ServerBusy"), "{path}");
    }
    assert_eq!(orders.put("a", &[], "1").await.outcome(), (201, ""));
    // A person looks without a signature.
    let looked = net::client().get(format!("{}/orders/a", shop.url()));
    assert_eq!(looked.send().await.unwrap().text().await.unwrap(), "a cart");
}
