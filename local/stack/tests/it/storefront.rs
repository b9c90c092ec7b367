//! PetStore as a child, played by a script.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use stack::storefront::{Storefront, StorefrontEvent, StorefrontOptions};
use testkit::fixture::{Folder, settings};
use testkit::until;

const LIMIT: Duration = Duration::from_secs(30);

/// Says that it listens, as the real one does, then does `then`.
fn program(folder: &Folder, then: &str) -> PathBuf {
    let path = folder.path().join("petstore");
    let script = format!(
        "#!/bin/sh\ncd \"{}\"\necho \"$PORT $1 $ServiceBusConnection $PetStoreStorage__credential $OrdersStorage\" >> starts\necho $$ > pid\n\
         echo '{{\"level\":\"INFO\",\"message\":\"listening\",\"url\":\"http://127.0.0.1:4711\"}}'\n{then}\n",
        folder.path().display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn start(folder: &Folder, then: &str) -> Storefront {
    let options = StorefrontOptions {
        settings: settings(&[
            ("ServiceBusConnection", "the-queue"),
            ("PetStoreStorage__credential", "managedidentity"),
            ("OrdersStorage", "not-its-business"),
        ]),
        port: 0,
    };
    Storefront::start(program(folder, then), options)
}

fn starts(folder: &Folder) -> Vec<String> {
    let starts = std::fs::read_to_string(folder.path().join("starts")).unwrap_or_default();
    starts
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn runs(folder: &Folder) -> bool {
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    let kill = std::process::Command::new("kill")
        .args(["-0", pid.trim()])
        .stderr(std::process::Stdio::null())
        .status();
    kill.unwrap().success()
}

#[tokio::test]
async fn it_gets_the_queue_and_ends_when_its_input_closes() {
    let folder = Folder::new();
    let storefront = start(&folder, "cat > /dev/null; echo orderly > end");
    let url = storefront.url(LIMIT).await;
    assert_eq!(url.as_deref(), Some("http://127.0.0.1:4711"));
    assert!(runs(&folder));
    storefront.stop().await;
    assert!(folder.path().join("end").exists(), "in order");
    assert_eq!(starts(&folder), ["0 --attached the-queue managedidentity"]);
}

#[tokio::test]
async fn when_it_dies_it_is_started_again_on_the_same_port_and_this_is_told() {
    let folder = Folder::new();
    let mut storefront = start(
        &folder,
        "[ $(wc -l < starts) -lt 3 ] && exit 7\ncat > /dev/null",
    );
    let mut ends = Vec::new();
    let told = async {
        while starts(&folder).len() < 3 {
            if let StorefrontEvent::Ended { how, pause } = storefront.told().await {
                ends.push((how, pause.as_millis()));
            }
        }
    };
    // The paused time of a test would not wait for a process.
    tokio::time::timeout(LIMIT, told).await.ok();
    let how = "exited with code 7".to_owned();
    assert_eq!(ends[..2], [(how.clone(), 500), (how, 1_000)]);
    until("the third start", || starts(&folder).len() == 3).await;
    assert!(
        starts(&folder)[2].starts_with("4711 "),
        "{:?}",
        starts(&folder)
    );
    storefront.stop().await;
    assert!(!runs(&folder));
}

#[tokio::test]
async fn a_new_program_is_started_at_once() {
    let folder = Folder::new();
    let storefront = start(&folder, "cat > /dev/null");
    storefront.url(LIMIT).await.expect("it serves");
    storefront.restart();
    until("the second start", || starts(&folder).len() == 2).await;
    storefront.stop().await;
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_told() {
    let options = StorefrontOptions {
        settings: settings(&[]),
        port: 0,
    };
    let mut storefront = Storefront::start("/nowhere/petstore".into(), options);
    let told = tokio::time::timeout(LIMIT, storefront.told())
        .await
        .expect("told");
    assert!(
        matches!(&told, StorefrontEvent::Ended { how, .. } if how.starts_with("cannot be started")),
        "{told:?}"
    );
    storefront.stop().await;
}

/// On purpose, and so often that pauses that grow would be noticed.
#[tokio::test]
async fn each_kill_ends_the_one_that_runs_and_the_next_one_starts_soon() {
    let folder = Folder::new();
    let mut storefront = start(&folder, "cat > /dev/null");
    let kills = storefront.kills();
    let mut pauses = Vec::new();
    while pauses.len() < 3 {
        match storefront.told().await {
            StorefrontEvent::Listening(_) => kills.send_modify(|kills| *kills += 1),
            StorefrontEvent::Ended { how, pause } => {
                assert_eq!(how, "was killed on purpose");
                pauses.push(pause);
            }
            StorefrontEvent::Line(_) => {}
        }
    }
    assert_eq!(pauses, [Duration::from_millis(500); 3]);
    storefront.stop().await;
    assert_eq!(starts(&folder).len(), 3, "none is killed that does not run");
}
