//! How others find the stack of a folder.

use stack::running::{Claim, ClaimError, NotFound, Running, find};
use testkit::fixture::Folder;

fn running() -> Running {
    Running {
        pid: 7,
        queue: Some("http://127.0.0.1:5300/order-items".to_owned()),
        ..Running::default()
    }
}

#[test]
fn a_stack_is_found_as_long_as_it_lives() {
    let folder = Folder::new();
    assert!(matches!(find(folder.path()), Err(NotFound::NotRunning(_))));
    let claim = Claim::take(folder.path()).unwrap();
    assert!(matches!(find(folder.path()), Err(NotFound::NotReady(_))));
    claim.publish(&running()).unwrap();
    assert_eq!(find(folder.path()).unwrap(), running());
    let text = std::fs::read_to_string(folder.path().join("stack.json")).unwrap();
    assert!(
        !text.contains("dashboard"),
        "absent parts are absent: {text}"
    );
    drop(claim);
    assert!(!folder.path().join("stack.json").exists());
    assert!(matches!(find(folder.path()), Err(NotFound::NotRunning(_))));
}

#[test]
fn a_folder_belongs_to_one_stack_at_a_time() {
    let folder = Folder::new();
    let claim = Claim::take(folder.path()).unwrap();
    claim.publish(&running()).unwrap();
    let error = Claim::take(folder.path()).expect_err("taken");
    assert!(
        matches!(error, ClaimError::Taken { pid: Some(7), .. }),
        "{error}"
    );
    assert!(error.to_string().contains("(process 7)"), "{error}");
    assert!(find(folder.path()).is_ok(), "the other's file stays");
    drop(claim);
    Claim::take(folder.path()).unwrap();
}

#[test]
fn what_a_killed_stack_has_left_is_not_taken_for_one() {
    let folder = Folder::new();
    let claim = Claim::take(folder.path()).unwrap();
    claim.publish(&running()).unwrap();
    let left = std::fs::read(folder.path().join("stack.json")).unwrap();
    drop(claim);
    std::fs::write(folder.path().join("stack.json"), left).unwrap();
    assert!(matches!(find(folder.path()), Err(NotFound::NotRunning(_))));
    let _claim = Claim::take(folder.path()).unwrap();
    assert!(!folder.path().join("stack.json").exists(), "cleared");
}
