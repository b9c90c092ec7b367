//! Folders that are gone after the test: an empty one, and one with a function app in it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::Path;

use tempfile::TempDir;

/// An empty folder of its own, removed on drop.
///
/// It is below cargo's target folder: what a killed test leaves there goes with `cargo clean`.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    pub fn new() -> Self {
        let home = crate::target().join("tmp");
        fs::create_dir_all(&home).expect("cargo's folder for tests");
        Self(TempDir::new_in(home).expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.path()
    }
}

/// A copy of the app's three files, removed on drop.
#[derive(Debug)]
pub struct AppFolder(Folder);

impl AppFolder {
    pub fn copy_of(workspace: &Path) -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.join("OrderItemsReserver")).expect("a folder");
        for file in [
            "host.json",
            "local.settings.json",
            "OrderItemsReserver/function.json",
        ] {
            fs::copy(workspace.join(file), folder.join(file)).expect(file);
        }
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fails when `from` is not there: the app's files have changed, and the test with them.
    pub fn replace(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.join(file)).expect(file);
        assert!(text.contains(from), "{file} has {from}");
        fs::write(self.0.join(file), text.replace(from, to)).expect(file);
    }

    /// Makes this test's own binary the handler: the host starts it in its ignored function
    /// `function`, which calls [`crate::handler::serve`].
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

/// Settings from pairs.
pub fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
