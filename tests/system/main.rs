//! The product in the local stack: the real programs, driven and judged from outside.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

use testkit::fixture::AppFolder;

mod chaos;
mod clients;
mod dashboard;
mod host_rules;
mod load;
mod shop;
mod shoppers;
mod spans;
mod stack;

/// The function app with one word changed: it takes many messages in one invocation.
fn app_in_batches() -> AppFolder {
    let app = AppFolder::copy_of(&testkit::workspace());
    let workflow = "infra/logicapp";
    std::fs::create_dir_all(app.path().join(workflow)).unwrap();
    let workflow = format!("{workflow}/fallback.definition.json");
    let copied = std::fs::copy(
        testkit::workspace().join(&workflow),
        app.path().join(&workflow),
    );
    copied.unwrap();
    app.replace(
        "OrderItemsReserver/function.json",
        r#""cardinality": "one""#,
        r#""cardinality": "many""#,
    );
    app
}
