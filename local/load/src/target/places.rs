//! Where the stack is now: one that was killed may come back on other ports.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Addresses, Target, TargetError, read};

/// The target as it is now; clones look together.
#[derive(Debug, Clone)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    by_hand: Addresses,
    now: RwLock<Arc<Target>>,
}

impl Places {
    /// Finds the stack: what is given by hand goes before what `file` says.
    ///
    /// # Errors
    /// [`TargetError`] names the part that is missing and the option that gives it.
    pub fn find(file: PathBuf, by_hand: Addresses) -> Result<Self, TargetError> {
        let now = RwLock::new(Arc::new(read(&file, &by_hand)?));
        Ok(Self(Arc::new(Inner { file, by_hand, now })))
    }

    /// Where the parts are.
    #[must_use]
    pub fn now(&self) -> Arc<Target> {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now)
    }

    /// Looks again, after a part did not answer. A file that is away for the moment changes nothing.
    pub fn look_again(&self) {
        if let Ok(target) = read(&self.0.file, &self.0.by_hand) {
            let mut now = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
            *now = Arc::new(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_comes_back_elsewhere_is_found_again() {
        let folder = std::env::temp_dir().join(format!("load-target-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("stack.json");
        let write = |port: u16| {
            let json = format!(
                r#"{{"pid":1,"queue":"http://q:{port}/o","blobs":"http://b","dashboard":"http://d","outbox":"http://o"}}"#
            );
            std::fs::write(&file, json).expect("written");
        };
        write(1);
        let places = Places::find(file.clone(), Addresses::default()).expect("found");
        write(2);
        places.look_again();
        assert_eq!(places.now().queue, "http://q:2/o");
        std::fs::remove_file(&file).expect("removed");
        places.look_again();
        assert_eq!(places.now().queue, "http://q:2/o", "kept while it is away");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
