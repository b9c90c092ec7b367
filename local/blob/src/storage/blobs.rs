//! The operations on blobs.

use super::{Blob, BlobStorage, Conditions, Page, Range, StorageError, Upload, finish, write};

impl BlobStorage {
    /// Writes a blob as a whole and returns it.
    ///
    /// # Errors
    /// When the container is missing or a condition does not hold; nothing is changed then.
    pub fn put(
        &self,
        container: &str,
        name: &str,
        upload: Upload,
        conditions: &Conditions,
    ) -> Result<Blob, StorageError> {
        let digest = write::digest(&upload.bytes);
        let mut state = self.state();
        let current = state.container(container)?.blobs.get(name);
        conditions.allow_write(current.map(|blob| blob.etag.as_str()))?;
        let stamp = state.etags.stamp();
        let blob = upload.into_blob(stamp);
        let rest = state.keep(|disk| disk.write(container, name, &blob, &digest))?;
        let blobs = &mut state.container(container)?.blobs;
        blobs.insert(name.to_owned(), blob.clone());
        state.history.add(container, name, blob.clone(), digest);
        finish(rest)?;
        Ok(blob)
    }

    /// A blob as it is now.
    pub fn blob(&self, container: &str, name: &str) -> Option<Blob> {
        self.get(container, name, &Conditions::default()).ok()
    }

    pub(crate) fn get(
        &self,
        container: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<Blob, StorageError> {
        let mut state = self.state();
        let blob = state.container(container)?.blobs.get(name);
        let blob = blob.ok_or(StorageError::BlobNotFound)?;
        conditions.allow_read(&blob.etag)?;
        Ok(blob.clone())
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// When it is missing or a condition does not hold; nothing is changed then.
    pub fn delete(
        &self,
        container: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let blobs = &state.container(container)?.blobs;
        let blob = blobs.get(name).ok_or(StorageError::BlobNotFound)?;
        conditions.allow_delete(&blob.etag)?;
        let rest = state.keep(|disk| disk.delete(container, name))?;
        state.container(container)?.blobs.remove(name);
        finish(rest)
    }

    pub(crate) fn list(&self, container: &str, range: &Range) -> Result<Page<Blob>, StorageError> {
        let mut state = self.state();
        Ok(range.page(&state.container(container)?.blobs, Blob::clone))
    }
}
