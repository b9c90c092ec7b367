//! The addresses that the page shows, and its own.

use super::World;

#[tokio::test]
async fn every_address_on_the_page_answers_who_only_looks() {
    let world = World::start().await;
    world.stack.dashboard.add_link("petstore", "http://shop");
    let state = world.get("/api/state").await;
    let links = state["links"].as_array().unwrap();
    assert_eq!(links[0]["name"], "petstore", "the shop comes first");
    for link in &links[1..] {
        let (name, url) = (&link["name"], link["url"].as_str().unwrap());
        // This test's handler is not there.
        if name != "handler" {
            let answer = world.client.get(url).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{name}: {url}");
        }
    }
    world.stack.stop().await;
}

#[tokio::test]
async fn the_dashboard_stands_first_among_the_addresses_and_needs_no_port_of_its_own() {
    let (first, second) = (World::start().await, World::start().await);
    let addresses = first.stack.addresses();
    assert_eq!(
        addresses[0],
        ("dashboard".to_owned(), first.stack.dashboard.url())
    );
    assert_ne!(first.stack.dashboard.url(), second.stack.dashboard.url());
    first.stack.stop().await;
    second.stack.stop().await;
}
