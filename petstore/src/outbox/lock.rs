//! Whether an instance lives: it holds the lock of its journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// The lock of a journal, unless another instance has it: the system lets go of it, however that
/// one ends.
pub(super) fn lock(journal: &Path) -> io::Result<Option<File>> {
    let path = journal.with_extension("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // So SMB says it, which is what `/home` is; without the right to write, `open` fails.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(None)
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
