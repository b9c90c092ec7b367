//! What several tests need: a function app in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A copy of the app's three files in a temporary folder, removed on drop.
#[derive(Debug)]
pub struct AppFolder {
    path: PathBuf,
}

impl AppFolder {
    pub fn copy_of(workspace: &Path) -> Self {
        let path = std::env::temp_dir().join(format!("order-items-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(path.join("OrderItemsReserver")).expect("a folder");
        for file in [
            "host.json",
            "local.settings.json",
            "OrderItemsReserver/function.json",
        ] {
            std::fs::copy(workspace.join(file), path.join(file)).expect(file);
        }
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn replace(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path.join(file)).expect(file);
        assert!(text.contains(from), "{file} has {from}");
        std::fs::write(self.path.join(file), text.replace(from, to)).expect(file);
    }

    /// Its handler is this test's own binary, in whose ignored function `function` [`crate::handler::serve`] runs.
    pub fn run_the_fake_handler(&self, function: &str) {
        let this = std::env::current_exe().expect("this binary");
        self.replace(
            "host.json",
            "\"description\": {",
            &format!(
                "\"description\": {{ \"arguments\": [\"{function}\",\"--exact\",\"--ignored\"],"
            ),
        );
        self.replace(
            "local.settings.json",
            "target/debug/order-items-reserver",
            this.to_str().expect("text"),
        );
    }
}

impl Drop for AppFolder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// An empty folder of its own, removed on drop.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("order-items-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Settings from pairs.
pub fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
