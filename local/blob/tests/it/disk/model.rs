//! Blobs in a folder against blobs in memory: whatever is done, a restart is never noticed.

use blob::{BlobStorage, Conditions};
use proptest::prelude::*;
use testkit::fixture::Folder;

use super::{open, upload};

#[derive(Debug, Clone)]
enum Step {
    Put(usize, u8),
    Delete(usize),
    CreateContainer,
    DeleteContainer,
    Restart,
}

const NAMES: [&str; 4] = ["a", "A", "a/b", "\u{202e}"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..NAMES.len(), any::<u8>()).prop_map(|(name, body)| Step::Put(name, body)),
        3 => (0..NAMES.len()).prop_map(Step::Delete),
        2 => Just(Step::CreateContainer),
        1 => Just(Step::DeleteContainer),
        3 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_restart_is_never_noticed(steps in proptest::collection::vec(step(), 1..40)) {
        let folder = Folder::new();
        let mut kept = open(&folder);
        let model = BlobStorage::default();
        let any = Conditions::default();
        for step in steps {
            let (in_folder, in_memory) = match step {
                Step::Put(name, body) => {
                    let put = |storage: &BlobStorage| {
                        storage.put("orders", NAMES[name], upload(&body.to_string()), &any).map(|blob| blob.bytes)
                    };
                    (put(&kept).map(drop), put(&model).map(drop))
                }
                Step::Delete(name) => (kept.delete("orders", NAMES[name], &any), model.delete("orders", NAMES[name], &any)),
                Step::CreateContainer => (kept.create_container("orders"), model.create_container("orders")),
                Step::DeleteContainer => (kept.delete_container("orders"), model.delete_container("orders")),
                Step::Restart => {
                    drop(kept);
                    kept = open(&folder);
                    (Ok(()), Ok(()))
                }
            };
            prop_assert_eq!(in_folder, in_memory);
            for name in NAMES {
                let view = |storage: &BlobStorage| {
                    storage.blob("orders", name).map(|blob| (blob.bytes, blob.metadata, blob.content_type))
                };
                prop_assert_eq!(view(&kept), view(&model));
            }
        }
    }
}
