//! The pages in real Chromium: a whole visit with and without script, light and dark, on a phone
//! and a desktop, and what the accessibility auditor says. The pictures are in `target/pages`.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{bus::Bus, folder, shop::Shop};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages");

const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

fn target() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("pages")
}

fn browser() -> Result<String, String> {
    let found = |name: &str| {
        let look = format!("command -v {name}");
        let output = Command::new("sh").args(["-c", &look]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(path).filter(|path| !path.is_empty())
    };
    let mut names = BROWSERS.iter();
    names
        .find_map(|name| found(name))
        .ok_or_else(|| "no chromium".to_owned())
}

/// The packages of the lock file, in a folder of its own version: complete, or not there.
fn modules() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    let lock = fs::read(format!("{HERE}/package-lock.json")).map_err(|error| error.to_string())?;
    lock.hash(&mut hasher);
    let home = target().join(format!("{:016x}", hasher.finish()));
    if !home.exists() {
        let beside = home.with_extension(std::process::id().to_string());
        fs::create_dir_all(&beside).map_err(|error| error.to_string())?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(format!("{HERE}/{file}"), beside.join(file))
                .map_err(|error| error.to_string())?;
        }
        let npm = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&beside)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("npm: {error}"))?;
        if !npm.status.success() {
            fs::remove_dir_all(&beside).ok();
            return Err(format!("npm ci: {}", String::from_utf8_lossy(&npm.stderr)));
        }
        if fs::rename(&beside, &home).is_err() {
            // Another process was faster, with the same.
            fs::remove_dir_all(&beside).ok();
        }
    }
    Ok(home.join("node_modules"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_works_with_and_without_script_and_for_everyone() {
    let (browser, modules) = match (browser(), modules()) {
        (Ok(browser), Ok(modules)) => (browser, modules),
        (Err(problem), _) | (_, Err(problem)) => return missing(&problem),
    };
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string(), &folder("pages"));
    let pictures = target().join("pictures");
    fs::create_dir_all(&pictures).unwrap();
    let visit = Command::new("node")
        .arg(format!("{HERE}/visit.js"))
        .args([
            modules.as_os_str(),
            browser.as_ref(),
            shop.url.as_ref(),
            pictures.as_os_str(),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&visit.stdout);
    let error = String::from_utf8_lossy(&visit.stderr);
    assert!(
        visit.status.success() && found.is_empty(),
        "{found}\n{error}"
    );
    let complete = bus
        .orders()
        .into_iter()
        .filter(|order| order["complete"] == true);
    assert_eq!(complete.count(), 5, "one a visit");
}

/// Past the capture of the test harness, which hides what a passing test prints.
fn missing(problem: &str) {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "CI has to run the pages in Chromium: {problem}");
    writeln!(
        io::stderr(),
        "\nSKIPPED: the pages in a real browser. {problem}\n\
         To run it, install Node.js 20 or later with npm, and chromium (Debian: apt-get install chromium).\n"
    )
    .ok();
}
