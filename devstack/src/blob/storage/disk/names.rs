//! File names for blobs: the blob's own name where every file system can hold it, else a readable
//! one with a digest behind `~`.
//!
//! A plain name has no `~`, so the two kinds never meet. Names that differ in case only are one file on some
//! systems: the first to come gets the plain name, the others a digest.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::super::write::sha256;

/// Longer names get a digest: 255 bytes is the limit nearly everywhere, and people add suffixes.
const PLAIN_MAX: usize = 200;

/// How much of a name that cannot stay is shown.
const SHOWN_MAX: usize = 120;

/// Hex digits of the digest.
const DIGEST: usize = 16;

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
        let short = digest.get(..DIGEST).unwrap_or(&digest);
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(name: &str) -> String {
        Files::default().file(name)
    }

    #[test]
    fn ordinary_names_are_their_files() {
        for name in [
            "E7DBA502A3B795953DDE76EA965EBBF3.json",
            "a%2Fb.json",
            "x",
            "..json.x",
        ] {
            let same = file(name) == name;
            assert_eq!(same, !name.starts_with('.'), "{name}");
        }
    }

    #[test]
    fn names_that_would_leave_the_folder_or_that_a_system_refuses_are_spelt_out() {
        let long = "a".repeat(1_024);
        let odd = [
            "",
            ".",
            "..",
            "../x",
            "..\\x",
            "/etc/passwd",
            "C:\\x",
            "a\0b",
            "a.",
            "a ",
            "nul",
            "NUL.json",
            "com1.json",
            "a/b",
            "a~b",
            "ä.json",
            "\u{202e}x",
            &long,
        ];
        let mut all = HashSet::new();
        for name in odd {
            let file = file(name);
            assert!(is_safe(&file) && file.len() <= 160, "{name:?}: {file}");
            assert!(file.contains('~'), "{name:?}: {file}");
            assert!(all.insert(file.to_lowercase()), "{name:?}: {file}");
        }
        assert!(file("a/b").starts_with("a%2Fb~"));
    }

    #[test]
    fn names_that_differ_in_case_only_have_files_that_differ_in_more() {
        let mut files = Files::default();
        files.take("A.json", &files.file("A.json"));
        let other = files.file("a.json");
        assert!(other.starts_with("a.json~"), "{other}");
        assert_eq!(files.file("A.json"), "A.json", "it keeps its own");
        files.free("A.json");
        assert_eq!(files.file("a.json"), "a.json");
    }

    proptest! {
        #[test]
        fn no_two_names_share_a_file(names in proptest::collection::hash_set("[aA./~%b\\\\]{0,6}|\\PC{0,300}", 1..30)) {
            let mut files = Files::default();
            let mut all = HashSet::new();
            for name in &names {
                let file = files.file(name);
                files.take(name, &file);
                prop_assert!(is_safe(&file) && file.len() <= PLAIN_MAX, "{name:?}: {file}");
                prop_assert!(all.insert(file.to_lowercase()), "{name:?}: {file}");
            }
        }
    }
}
