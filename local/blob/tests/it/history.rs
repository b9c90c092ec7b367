//! What the storage remembers of a long run.

use std::sync::Arc;

use blob::{BlobStorage, Conditions, Upload};
use bytes::Bytes;

/// A buffer, and whether anybody still has it.
struct Buffer {
    bytes: Vec<u8>,
    _held: Arc<()>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Small bodies are parts of large read buffers: a hundred thousand of them once were a gigabyte.
#[test]
fn a_blob_does_not_hold_on_to_the_buffer_that_it_came_in() {
    let storage = BlobStorage::default();
    storage.create_container("orders").unwrap();
    let held = Arc::new(());
    let buffer = Bytes::from_owner(Buffer {
        bytes: b"{\"id\":1} and the rest of the connection's buffer".to_vec(),
        _held: Arc::clone(&held),
    });
    let upload = Upload {
        bytes: buffer.slice(..8),
        ..Upload::default()
    };
    drop(buffer);
    let put = storage.put("orders", "a", upload, &Conditions::default());
    assert_eq!(put.unwrap().bytes, "{\"id\":1}");
    assert_eq!(Arc::strong_count(&held), 1, "the buffer is gone");
    assert_eq!(storage.blob("orders", "a").unwrap().bytes, "{\"id\":1}");
    assert_eq!(storage.versions("orders", "a").kept[0].bytes, "{\"id\":1}");
}

/// Bodies of half a megabyte, so that a few writes are a long run.
#[test]
fn a_long_run_keeps_every_write_the_newest_contents_and_what_is_there() {
    let storage = BlobStorage::default();
    storage.create_container("orders").unwrap();
    let put = |name: &str, byte: u8| {
        let upload = Upload {
            bytes: vec![byte; 512 * 1024].into(),
            ..Upload::default()
        };
        let put = storage.put("orders", name, upload, &Conditions::default());
        put.unwrap();
    };
    put("early", 1);
    put("early", 2);
    for byte in 0..40 {
        put("late", byte);
    }
    assert_eq!(storage.writes_len(), 42);
    assert_eq!(storage.writes()[1].name, "early");
    assert_eq!(storage.writes_after(41)[0].length, 512 * 1024);
    let late = storage.versions("orders", "late");
    assert_eq!(late.forgotten + late.kept.len(), 40);
    assert!((20..32).contains(&late.kept.len()), "{}", late.kept.len());
    assert_eq!(late.kept.back().unwrap().bytes[0], 39);
    let early = storage.versions("orders", "early");
    assert_eq!((early.forgotten, early.kept.len()), (1, 1));
    assert_eq!(early.kept[0], storage.blob("orders", "early").unwrap());
}
