//! File names for blobs: the blob's own name where every file system can hold it, else a readable
//! one with a digest behind `~`.
//!
//! A plain name has no `~`, so the two kinds never meet. Names that differ in case only are one
//! file on some systems: the first to come gets the plain name, the others a digest.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::blob::sha256;

/// Longer names get a digest: 255 bytes is the limit nearly everywhere, and people add suffixes.
const PLAIN_MAX: usize = 200;

/// How much of a name that cannot stay is shown.
const SHOWN_MAX: usize = 120;

/// Hex digits of the digest.
const DIGEST_LENGTH: usize = 16;

/// Device names that Windows takes for itself, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Which blob of one container has which file.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_name: HashMap<String, String>,
    /// In lower case.
    taken: HashSet<String>,
}

impl Files {
    /// The file of `name`; a new blob gets one that no other has.
    pub(super) fn file(&self, name: &str) -> String {
        if let Some(file) = self.by_name.get(name) {
            return file.clone();
        }
        let digest = sha256(name.as_bytes());
        let short = digest.get(..DIGEST_LENGTH).unwrap_or(&digest);
        let plain = is_plain(name).then(|| name.to_owned());
        let candidates = [plain, Some(shown(name, short))].into_iter().flatten();
        candidates
            .into_iter()
            .find(|file| !self.taken.contains(&file.to_lowercase()))
            .unwrap_or_else(|| shown(name, &digest))
    }

    /// From now on `file` is that of `name`.
    pub(super) fn take(&mut self, name: &str, file: &str) {
        self.taken.insert(file.to_lowercase());
        self.by_name.insert(name.to_owned(), file.to_owned());
    }

    /// The blob is gone, and its file with it.
    pub(super) fn free(&mut self, name: &str) {
        if let Some(file) = self.by_name.remove(name) {
            self.taken.remove(&file.to_lowercase());
        }
    }
}

/// The folder of a container. By the service's rules its name is plain.
pub(super) fn folder(container: &str) -> String {
    Files::default().file(container)
}

/// Whether `file` can be one of ours: it then stays in its folder.
pub(super) fn is_safe(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && file.bytes().all(is_kept)
}

fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.%~".contains(&byte)
}

fn is_plain(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|number| number.len() == 1 && number != "0")
    };
    let device = DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt");
    name.len() <= PLAIN_MAX
        && is_safe(name)
        && !name.contains('~')
        && !name.ends_with('.')
        && !device
}

fn shown(name: &str, digest: &str) -> String {
    let mut shown = String::new();
    for (at, byte) in name.bytes().enumerate() {
        if shown.len() >= SHOWN_MAX {
            break;
        }
        if is_kept(byte) && !matches!((at, byte), (0, b'.') | (_, b'~')) {
            shown.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(shown, "%{byte:02X}").ok();
        }
    }
    format!("{shown}~{digest}")
}

#[cfg(test)]
mod tests;
