//! The operations on containers.

use std::collections::BTreeMap;

use super::{BlobStorage, Container, Page, Range, Stamp, StorageError, finish};

impl BlobStorage {
    /// Creates an empty container.
    ///
    /// # Errors
    /// [`StorageError::ContainerAlreadyExists`].
    pub fn create_container(&self, name: &str) -> Result<(), StorageError> {
        self.add_container(name).map(drop)
    }

    pub(crate) fn add_container(&self, name: &str) -> Result<Stamp, StorageError> {
        let mut state = self.state();
        if state.containers.contains_key(name) {
            return Err(StorageError::ContainerAlreadyExists);
        }
        let stamp = state.etags.stamp();
        let rest = state.keep(|disk| disk.create_container(name, &stamp))?;
        let container = Container {
            stamp: stamp.clone(),
            blobs: BTreeMap::new(),
        };
        state.containers.insert(name.to_owned(), container);
        finish(rest)?;
        Ok(stamp)
    }

    pub(crate) fn container(&self, name: &str) -> Result<Stamp, StorageError> {
        Ok(self.state().container(name)?.stamp.clone())
    }

    /// Deletes a container and what is in it.
    ///
    /// # Errors
    /// [`StorageError::ContainerNotFound`].
    pub fn delete_container(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        state.container(name)?;
        let rest = state.keep(|disk| disk.delete_container(name))?;
        state.containers.remove(name);
        finish(rest)
    }

    pub(crate) fn containers(&self, range: &Range) -> Page<Stamp> {
        range.page(&self.state().containers, |container| {
            container.stamp.clone()
        })
    }
}
