//! The cookie key of a laptop: made once, and kept in the data folder.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::{fs, io};

use tracing::info;
use uuid::Uuid;

use crate::cookie::Key;

/// The key that `data` keeps; made when there is none, by whoever is first.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn key(data: &Path) -> io::Result<Key> {
    let path = data.join("cookie.key");
    if !path.exists() {
        let beside = data.join(format!("cookie.key.{}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        write!(
            file,
            "{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        )?;
        file.sync_all()?;
        // Fails when another instance was faster: then its key is ours.
        fs::hard_link(&beside, &path).ok();
        fs::remove_file(&beside)?;
        info!(file = %path.display(), "PETSTORE_COOKIE_KEY is not set: cookies are signed with a key of our own");
    }
    let secret = fs::read_to_string(&path)?;
    Key::new(&secret).ok_or_else(|| io::Error::other("no key"))
}
