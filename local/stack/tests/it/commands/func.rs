//! `cargo local --func` and `--host none`: the real host's place is taken by a script.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::fixture::AppFolder;
use testkit::until;

use super::{Local, SLEEP, folder, found};
use crate::stack::app_with_handler;

/// Says what it was given, and ends in order when it is told to.
const FUNC: &str = r#"
trap 'echo interrupted >> "$0.said"; exit 0' INT
env > "$0.environment"
pwd > "$0.folder"
echo "func was called with $*"
echo $$ > "$0.id"
while :; do sleep 0.05; done
"#;

/// The app, and a folder of programs that comes first on the `PATH`.
struct World {
    app: AppFolder,
    programs: PathBuf,
}

impl World {
    /// The host's own storage is a real account: no Azurite is wanted.
    fn new(func: &str) -> Self {
        let app = app_with_handler(SLEEP);
        app.replace(
            "local.settings.json",
            "\"AzureWebJobsStorage\": \"UseDevelopmentStorage=true\"",
            "\"AzureWebJobsStorage\": \"AccountName=a;AccountKey=YQ==;EndpointSuffix=example.net\"",
        );
        let programs = app.path().join("programs");
        fs::create_dir(&programs).unwrap();
        let world = Self { app, programs };
        world.program("func", func);
        world
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.programs.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn start(&self, arguments: &[&str]) -> Local {
        #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.programs.display());
        let arguments = [&["--no-petstore"], arguments].concat();
        Local::start_with(&self.app, &arguments, |command| {
            // What a person's shell may have left: the settings of the app go before it.
            command
                .env("PATH", path)
                .env("ORDERS_QUEUE_NAME", "another");
        })
    }

    fn func_has(&self, what: &str) -> PathBuf {
        self.programs.join(format!("func.{what}"))
    }

    async fn said(&self, what: &str) -> String {
        let file = self.func_has(what);
        until("the stand-in to say it", || {
            file.metadata().is_ok_and(|it| it.len() > 0)
        })
        .await;
        fs::read_to_string(file).unwrap()
    }
}

fn lives(id: &str) -> bool {
    let status = Command::new("kill").args(["-0", id.trim()]).output();
    status.unwrap().status.success()
}

async fn gone(id: &str) {
    until("its end", || !lives(id)).await;
}

fn environment(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .collect()
}

#[tokio::test]
async fn func_gets_the_settings_of_the_stack_and_ends_with_it() {
    let world = World::new(FUNC);
    let local = world.start(&["--no-build", "--func"]);
    let running = found(&world.app).await;
    let id = world.said("id").await;
    local
        .says("func | func was called with start --port ")
        .await;
    let said = world.said("environment").await;
    let has = environment(&said);
    assert_eq!(has["ServiceBusConnection"], running.connection.unwrap());
    assert_eq!(has["FALLBACK_URL"], running.fallback.unwrap());
    let blobs = running.blobs.unwrap();
    assert!(has["OrdersStorage"].contains(&format!("BlobEndpoint={blobs};")));
    // What the file says is left to the file, and nobody else says it.
    assert_eq!(has.get("ORDERS_QUEUE_NAME"), None);
    assert_eq!(has.get("AzureWebJobsStorage"), None);
    let here = PathBuf::from(world.said("folder").await.trim());
    assert_eq!(
        here.canonicalize().unwrap(),
        world.app.path().canonicalize().unwrap()
    );
    assert!(!local.output().contains("handler ready"), "ours stays away");

    assert_eq!(local.terminate(), Some(0));
    assert_eq!(world.said("said").await, "interrupted\n", "once");
    gone(&id).await;
}

#[tokio::test]
async fn the_stack_ends_as_func_does_and_leaves_nothing_of_it_behind() {
    let world =
        World::new("sleep 600 & echo $! > \"$0.id\"; echo 'no runtime'; echo bad >&2; exit 7");
    let local = world.start(&["--no-build", "--func"]);
    let left_over = world.said("id").await;
    local.says("func ended with code 7").await;
    let output = local.output();
    assert!(
        output.contains("func | no runtime") && output.contains("func | bad"),
        "{output}"
    );
    assert_eq!(local.ended().await, Some(7));
    gone(&left_over).await;
    assert!(!folder(&world.app).join("stack.json").exists());
}

#[tokio::test]
async fn a_killed_stack_leaves_no_func_behind() {
    let world = World::new(FUNC);
    let local = world.start(&["--no-build", "--func"]);
    let id = world.said("id").await;
    local.kill();
    gone(&id).await;
}

#[tokio::test]
async fn the_handler_is_built_before_func_is_started() {
    let world = World::new("ls built-handler && echo started; exit 0");
    world.program(
        "cargo",
        "sleep 0.3; : > built-handler; chmod +x built-handler",
    );
    // As in Azure: the program lies beside host.json, where that file says.
    world
        .app
        .replace("local.settings.json", "\"sh\"", "\"built-handler\"");
    let local = world.start(&["--func"]);
    local.says("func | started").await;
    assert_eq!(local.ended().await, Some(0), "func's own");
}

/// Says as cargo does that the handler is new, or that it cannot be built.
const CARGO: &str = r#"
[ -e broken ] && { echo 'error[E0425]: no such value' >&2; exit 101; }
case "$*" in *json*)
    echo '{"reason":"compiler-artifact","target":{"name":"order-items-reserver"},"executable":"/x","fresh":false}';;
esac
: > built-handler; chmod +x built-handler
"#;

#[tokio::test]
async fn with_watch_func_is_started_again_for_a_new_handler_and_only_then() {
    let world = World::new(&format!("echo $$ >> \"$0.starts\"\n{FUNC}"));
    world.program("cargo", CARGO);
    world
        .app
        .replace("local.settings.json", "\"sh\"", "\"built-handler\"");
    let source = world.app.path().join("src/main.rs");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    let starts = || {
        let text = fs::read_to_string(world.func_has("starts")).unwrap_or_default();
        let ids = text.lines().map(str::to_owned);
        ids.collect::<Vec<_>>()
    };
    let local = world.start(&["--func", "--watch"]);
    until("func's start", || starts().len() == 1).await;

    let broken = world.app.path().join("broken");
    fs::write(&broken, "").unwrap();
    fs::write(&source, "fn main() { no }").unwrap();
    local
        .says("what runs stays as it was: error[E0425]: no such value")
        .await;
    assert_eq!(starts().len(), 1, "what runs is not touched");
    assert!(lives(&starts()[0]));

    fs::remove_file(broken).unwrap();
    fs::write(&source, "fn main() {}").unwrap();
    local
        .says("the handler is new: func is started again")
        .await;
    until("func's second start", || starts().len() == 2).await;
    let [first, second] = &starts()[..] else {
        panic!("{:?}", starts())
    };
    assert!(!lives(first) && lives(second), "one at a time");
    assert_eq!(world.said("said").await, "interrupted\n", "in order");

    // The app's files are the whole stack's affair.
    world.app.replace("host.json", "00:05:00", "00:04:00");
    local
        .says("host.json is new: the stack is started again")
        .await;
    until("func's third start", || starts().len() == 3).await;
    let last = starts().pop().unwrap();
    assert_eq!(local.terminate(), Some(0));
    gone(&last).await;
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait_for_who_does_not_end() {
    let world = World::new("trap '' INT TERM; echo $$ > \"$0.id\"; while :; do sleep 0.05; done");
    let local = world.start(&["--no-build", "--func"]);
    let id = world.said("id").await;
    local.says("Ctrl+C ends it").await;
    local.interrupt();
    local.says("once more ends at once").await;
    assert!(lives(&id), "it does not end by a word");
    local.interrupt();
    assert_eq!(local.ended().await, Some(130));
    gone(&id).await;
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_built() {
    let world = World::new(FUNC);
    fs::remove_file(world.programs.join("func")).unwrap();
    world.program("cargo", "echo BUILDING");
    let only_these = world.programs.display().to_string();
    let local = Local::start_with(&world.app, &["--func"], |command| {
        command.env("PATH", only_these);
    });
    local.says("no func on the PATH").await;
    let output = local.output();
    assert!(
        output.contains("npm install --global azure-functions-core-tools@4"),
        "{output}"
    );
    assert!(!output.contains("BUILDING"), "{output}");
    assert_eq!(local.ended().await, Some(1));

    let world = World::new(FUNC);
    world
        .app
        .replace("local.settings.json", "\"sh\"", "\"not/built\"");
    let local = world.start(&["--no-build", "--func"]);
    local.says("no handler at").await;
    let output = local.output();
    assert!(
        output.contains("not/built, where AzureFunctionsJobHost__"),
        "{output}"
    );
    assert_eq!(local.ended().await, Some(1));
}

#[tokio::test]
async fn without_a_host_the_settings_are_told_and_what_cannot_be_broken_is_refused() {
    let world = World::new(FUNC);
    let local = world.start(&["--no-build", "--host", "none"]);
    let running = found(&world.app).await;
    local.says("Ctrl+C ends it").await;
    let connection = running.connection.unwrap();
    let output = local.output();
    let line = format!("  export ServiceBusConnection='{connection}'\n");
    assert!(output.contains(&line), "{output}");
    let file = fs::read_to_string(folder(&world.app).join("host.env")).unwrap();
    assert_eq!(environment(&file)["ServiceBusConnection"], connection);
    assert!(
        !Path::exists(&world.func_has("id")),
        "nobody has started it"
    );

    let (code, text) = super::run(
        &world.app,
        &["load", "--for", "1s", "--faults", "handler=kills"],
    );
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("another host runs the function"), "{text}");
    assert_eq!(local.terminate(), Some(0));
}
