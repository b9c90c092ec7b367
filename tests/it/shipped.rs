//! What is tested is what is shipped: cargo builds a crate once for all that are tested together,
//! with every feature that any of them asks for. A release is built alone, and gets only its own.
//! A feature that changes what a crate does would then be tested and not shipped.
//!
//! Build scripts and procedural macros are left out: they do not ship, and cargo gives them
//! features of their own. Both sides are of the machine that tests, whose crates cargo has here.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What people run: the function, the storefront, the operator's tool.
const PROGRAMS: [&str; 3] = ["order-items-reserver", "petstore", "order-items-ops"];

/// Crate, features that only the tests turn on, and why that changes nothing that ships.
const ALLOWED: [(&str, &str, &str); 11] = [
    (
        "axum",
        "form query",
        "extractors: whoever names none has none",
    ),
    ("bitflags", "std", "`Error` for a parser that is not called"),
    (
        "hashbrown",
        "default-hasher inline-more",
        "a hasher that indexmap brings itself; inlining",
    ),
    ("http-body-util", "channel", "one more kind of body"),
    (
        "indexmap",
        "serde std",
        "impls, and a default for a hasher that serde_json names",
    ),
    (
        "mio",
        "log",
        "lines for the `log` crate, and nobody here listens to it",
    ),
    ("serde", "rc", "impls for Rc and Arc"),
    ("serde_core", "rc", "impls for Rc and Arc"),
    (
        "tokio",
        "full io-std parking_lot test-util",
        "more functions; locks of another make with the same contract; a clock that stands still \
         only when a test stops it",
    ),
    ("tokio-util", "codec libc", "framing that nobody calls"),
    (
        "uuid",
        "serde sha1 v5 v7",
        "other kinds of identifiers; how random ones are made is the same",
    ),
];

type Features = BTreeSet<String>;

/// Crate and version, and its features.
type Build = BTreeMap<String, Features>;

/// What cargo builds, by `cargo tree`: offline and from the lock file, as the tests themselves.
fn build(arguments: &[&str]) -> Build {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(arguments)
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {problem}");
    read(&String::from_utf8(output.stdout).unwrap())
}

/// `name v1.2.3 (where from)|feature,feature`, and ` (*)` where the crate was named before.
fn read(tree: &str) -> Build {
    let mut build = Build::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (package, features) = line.split_once('|').unwrap();
        let features = features.trim_end_matches("(*)").trim_end();
        let mut words = package.split(' ');
        let name = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        let features: Features = features
            .split(',')
            // It stands for others, which are in the list themselves.
            .filter(|feature| !["", "default"].contains(feature))
            .map(str::to_owned)
            .collect();
        let before = build.insert(name.clone(), features.clone());
        assert!(
            before.is_none_or(|before| before == features),
            "{name} is built twice in one program"
        );
    }
    build
}

fn shipped(program: &str) -> Build {
    build(&["--package", program, "--edges", "normal,no-proc-macro"])
}

fn tested() -> Build {
    build(&["--workspace", "--edges", "normal,dev,no-proc-macro"])
}

/// The crates of `shipped` that have other features in `tested`, without the version.
fn differences(shipped: &Build, tested: &Build) -> BTreeMap<String, Features> {
    let none = Features::new();
    let differing = shipped.iter().filter_map(|(name, features)| {
        let with = tested.get(name).unwrap_or(&none);
        let differ: Features = features.symmetric_difference(with).cloned().collect();
        let (name, _) = name.split_once(' ')?;
        (!differ.is_empty()).then(|| (name.to_owned(), differ))
    });
    differing.collect()
}

/// `differences` without what is allowed.
fn unexplained(differences: &BTreeMap<String, Features>) -> BTreeMap<String, Features> {
    let mut left = differences.clone();
    for (name, features, _) in ALLOWED {
        if let Some(differ) = left.get_mut(name) {
            differ.retain(|feature| !features.split(' ').any(|allowed| allowed == feature));
        }
    }
    left.retain(|_, features| !features.is_empty());
    left
}

#[test]
fn what_is_tested_is_what_is_shipped() {
    let tested = tested();
    let mut all: BTreeMap<String, Features> = BTreeMap::new();
    for program in PROGRAMS {
        let shipped = shipped(program);
        assert!(shipped.len() > 50, "{program}: {shipped:?}");
        let missing: Vec<_> = shipped
            .keys()
            .filter(|it| !tested.contains_key(*it))
            .collect();
        assert!(
            missing.is_empty(),
            "{program} has, and no test: {missing:?}"
        );
        let differences = differences(&shipped, &tested);
        let unexplained = unexplained(&differences);
        assert!(
            unexplained.is_empty(),
            "{program} is tested with other features than it ships with: {unexplained:?}. When \
             they change what it does, choose them in [workspace.dependencies]; otherwise say so \
             in the list of this test."
        );
        for (name, features) in differences {
            all.entry(name).or_default().extend(features);
        }
    }
    // An entry that is not needed would hide the next difference. Elsewhere features differ a bit.
    if cfg!(target_os = "linux") {
        for (name, features, _) in ALLOWED {
            let needed = all.get(name).cloned().unwrap_or_default();
            let allowed: Features = features.split(' ').map(str::to_owned).collect();
            assert_eq!(allowed, needed, "{name}: more is allowed than is needed");
        }
    }
}

#[test]
fn a_feature_that_only_the_tests_have_would_be_seen() {
    let shipped = shipped("order-items-reserver");
    let tested = tested();
    let json = shipped.keys().find(|name| name.starts_with("serde_json "));
    let json = json.unwrap();
    for (feature, has) in [("preserve_order", true), ("arbitrary_precision", false)] {
        assert_eq!(shipped[json].contains(feature), has, "{feature}");
        let (mut shipped, mut tested) = (shipped.clone(), tested.clone());
        // On in the tests and off in the release.
        if has {
            shipped.get_mut(json).unwrap().remove(feature);
        } else {
            tested.get_mut(json).unwrap().insert(feature.to_owned());
        }
        let seen = unexplained(&differences(&shipped, &tested));
        let expected = Features::from([feature.to_owned()]);
        assert_eq!(seen, BTreeMap::from([("serde_json".to_owned(), expected)]));
    }
}
