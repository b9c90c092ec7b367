//! The shape of the house: which crate reaches which, no circles between modules, short files that
//! say what they are for. `ARCHITECTURE.md` draws it, and is held to what is there.

mod imports;
mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use modules::Modules;

/// The longest file of code, in lines: what holds a whole act.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A crate of the workspace, by its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Room {
    /// Folders of what it is built of.
    reaches: BTreeSet<String>,
    /// Folders of what its tests need besides.
    tests_reach: BTreeSet<String>,
    /// Whether it opens the queue's AMQP door, which is a feature.
    opens_amqp: bool,
}

type House = BTreeMap<String, Room>;

/// The house as Cargo knows it.
fn built() -> House {
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{metadata:?}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let folder = |path: &str| {
        let path = Path::new(path).strip_prefix(root()).unwrap();
        match path.to_str().unwrap() {
            "" => "src".to_owned(),
            folder => folder.to_owned(),
        }
    };
    let rooms = packages.iter().map(|package| {
        let manifest = package["manifest_path"].as_str().unwrap();
        let own = folder(manifest.strip_suffix("/Cargo.toml").unwrap());
        let mut room = Room::default();
        for dependency in package["dependencies"].as_array().unwrap() {
            let Some(path) = dependency["path"].as_str() else {
                continue;
            };
            let to = folder(path);
            let features = dependency["features"].as_array().unwrap();
            room.opens_amqp |= to != own && features.contains(&"amqp".into());
            match dependency["kind"].as_str() {
                _ if to == own => {}
                Some("dev") => drop(room.tests_reach.insert(to)),
                _ => drop(room.reaches.insert(to)),
            }
        }
        (own, room)
    });
    rooms.collect()
}

/// A row of the table in `ARCHITECTURE.md`: folder, purpose, what it reaches.
fn drawn() -> Vec<(String, String, BTreeSet<String>)> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("\n## The house\n").expect("a section");
    let section = section.split_once("\n## ").map_or(section, |(it, _)| it);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").collect();
        let [folder, purpose, reaches] = cells[..] else {
            panic!("{row}: expected three cells")
        };
        let reaches = reaches.split('`').skip(1).step_by(2);
        (
            folder.trim_end_matches(['/', '`']).to_owned(),
            purpose.trim().to_owned(),
            reaches.map(str::to_owned).collect(),
        )
    });
    rows.collect()
}

/// Everything that a room needs, however far away; with `tests`, what tests need of it too.
fn everything(house: &House, from: &str, tests: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(folder) = next.pop() {
        let room = &house[&folder];
        let dev = room.tests_reach.iter().filter(|_| tests);
        for to in room.reaches.iter().chain(dev) {
            if found.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    found
}

/// What the tests of a room are built of: its own dependencies for tests, and nobody else's.
fn built_for_tests(house: &House, folder: &str) -> BTreeSet<String> {
    let room = &house[folder];
    let mut found = BTreeSet::from([folder.to_owned()]);
    for to in room.reaches.iter().chain(&room.tests_reach) {
        found.extend(everything(house, to, false));
        found.insert(to.clone());
    }
    found
}

/// What a build of the product's own tests should not wait for.
fn unneeded_in_tests(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for folder in [
        "src",
        "azure-app",
        "service-bus",
        "storage-account",
        "petstore",
        "ops",
    ] {
        for to in built_for_tests(house, folder) {
            if ["local/load", "local/stack", "local/dashboard"].contains(&to.as_str()) {
                found.push(format!("the tests of {folder} build {to}"));
            }
            if house[&to].opens_amqp {
                found.push(format!(
                    "the tests of {folder} build the AMQP door, for {to}"
                ));
            }
        }
    }
    found
}

/// What goes through a wall, of those that no drawing may move.
fn breaches(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    let product = [
        "src",
        "azure-app",
        "service-bus",
        "storage-account",
        "petstore",
        "ops",
    ];
    let is_local = |folder: &str| folder.starts_with("local/");
    for folder in house.keys() {
        let built_of = everything(house, folder, false);
        let tested_with = everything(house, folder, true);
        for to in &tested_with {
            if (is_local(folder) || folder == "testkit") && product.contains(&to.as_str()) {
                found.push(format!("{folder} reaches the product: {to}"));
            }
        }
        for to in &built_of {
            if product.contains(&folder.as_str()) && (is_local(to) || to == "testkit") {
                found.push(format!("{folder}, which is deployed, is built of {to}"));
            }
            if to == "testkit" && !folder.starts_with("tests/") {
                found.push(format!("{folder} is built of what is for tests"));
            }
        }
        if folder == "local/load" {
            let judge = tested_with.iter().filter(|to| *to != "testkit");
            let beyond = judge.filter(|to| *to != "local/stand-in");
            found.extend(beyond.map(|to| format!("the judge's crate reaches {to}")));
        }
    }
    found
}

#[test]
fn each_crate_reaches_what_the_drawing_shows_and_nothing_else() {
    let house = built();
    let drawn = drawn();
    let rooms: BTreeMap<_, _> = drawn
        .iter()
        .map(|(folder, _, reaches)| (folder.clone(), reaches.clone()))
        .collect();
    assert_eq!(rooms.len(), drawn.len(), "a crate stands twice");
    let built: BTreeMap<_, _> = house
        .iter()
        .map(|(folder, room)| (folder.clone(), room.reaches.clone()))
        .collect();
    assert_eq!(built, rooms);
}

#[test]
fn no_wall_is_gone_through() {
    assert_eq!(breaches(&built()), [""; 0]);
}

#[test]
fn the_products_tests_build_no_load_chaos_dashboard_or_amqp_door() {
    let house = built();
    assert_eq!(unneeded_in_tests(&house), [""; 0]);
    assert!(house["local/stack"].opens_amqp, "the door is a feature");
}

#[test]
fn what_the_products_tests_would_wait_for_is_seen() {
    let reaching = |from: &str, to: &str| {
        let mut house = built();
        let room = house.get_mut(from).unwrap();
        room.tests_reach.insert(to.to_owned());
        unneeded_in_tests(&house)
    };
    assert_eq!(reaching("petstore", "local/load").len(), 1);
    assert!(
        reaching("src", "local/stack").len() > 3,
        "with all that it is built of"
    );
    let mut house = built();
    house.get_mut("ops").unwrap().opens_amqp = true;
    assert_eq!(unneeded_in_tests(&house).len(), 1);
}

/// Negative control: each wall is one.
#[test]
fn a_dependency_through_a_wall_is_seen() {
    for (from, to, for_tests) in [
        ("local/load", "local/bus", false),
        ("local/load", "local/blob", true),
        ("local/bus", "service-bus", false),
        ("local/stack", "src", true),
        ("local/stand-in", "azure-app", false),
        ("testkit", "petstore", false),
        ("src", "local/blob", false),
        ("service-bus", "local/stand-in", false),
        ("storage-account", "local/blob", false),
        ("petstore", "testkit", false),
        ("local/host", "testkit", false),
    ] {
        let mut house = built();
        let room = house.get_mut(from).unwrap();
        let reaches = match for_tests {
            true => &mut room.tests_reach,
            false => &mut room.reaches,
        };
        assert!(reaches.insert(to.to_owned()), "{from} → {to}");
        assert!(!breaches(&house).is_empty(), "{from} → {to}");
    }
}

#[test]
fn each_crate_says_first_what_it_is_and_the_drawing_says_the_same() {
    for (folder, purpose, _) in drawn() {
        let src = match folder.as_str() {
            "src" => root().join("src"),
            _ => root().join(&folder).join("src"),
        };
        let file = match folder.as_str() {
            "tests/system" => root().join("tests/system/main.rs"),
            "local/cargo-local" => src.join("main.rs"),
            _ => src.join("lib.rs"),
        };
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().take_while(|line| line.len() > "//!".len());
        let first: Vec<&str> = first.filter_map(|line| line.strip_prefix("//! ")).collect();
        assert_eq!(first.join(" "), purpose, "{}", file.display());
    }
}

/// The longest that a stranger reads before the first line of code.
const DRAWING_LINES_MAX: usize = 150;

#[test]
fn the_drawing_is_short_and_leads_to_what_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= DRAWING_LINES_MAX);
    let mut led_to = 0;
    for name in text.split('`').skip(1).step_by(2) {
        let is_path = name.contains('/') && !name.contains([' ', '{', '$']);
        let is_ours = [
            "src/",
            "local/",
            "tests/",
            "infra/",
            "petstore/",
            "ops/",
            "service-bus/",
            "storage-account/",
        ];
        if is_path && is_ours.iter().any(|folder| name.starts_with(folder)) {
            led_to += 1;
            assert!(
                root().join(name).exists(),
                "ARCHITECTURE.md leads to {name}"
            );
        }
    }
    assert!(led_to > 20, "it names places");
}

fn crates() -> Vec<Modules> {
    let folders = built()
        .into_keys()
        .filter(|folder| folder != "tests/system");
    folders
        .map(|folder| match folder.as_str() {
            "src" => Modules::read(&root()),
            _ => Modules::read(&root().join(folder)),
        })
        .collect()
}

#[test]
fn no_module_needs_one_that_needs_it() {
    for modules in crates() {
        let circles = modules.circles();
        assert!(circles.is_empty(), "{}: {circles:?}", modules.name);
    }
}

#[test]
fn a_circle_is_seen() {
    let circles = |files: &[(&str, &str)]| Modules::of("x", files).circles();
    let none = [
        ("lib", "mod a; mod b;"),
        ("a", "use crate::b;"),
        ("b", "mod c; use c::C; pub struct B;"),
        ("b::c", "use super::B;"),
    ];
    assert_eq!(circles(&none), [[""; 0]; 0]);
    let direct = [("a", "use crate::b::B;"), ("b", "fn f(_: &super::a::A) {}")];
    assert_eq!(circles(&direct), [["a", "b"]]);
    let through_a_child = [
        ("a", "use super::{b, c};"),
        ("b", "mod deep;"),
        ("b::deep", "use crate::c::{D, E};"),
        ("c", "use crate::x;\nuse crate::{\n    a::{A, B},\n};"),
    ];
    assert_eq!(circles(&through_a_child), [["a", "b", "c"]]);
    let below = [("a::b", "use super::c;"), ("a::c", "use super::b::T;")];
    assert_eq!(circles(&below), [["a::b", "a::c"]]);
}

#[test]
fn imports_point_only_to_a_lower_layer() {
    let mut layered = 0;
    for modules in crates() {
        let Some(layers) = modules.layers() else {
            continue;
        };
        layered += 1;
        let wrong = modules.upwards(&layers);
        assert!(wrong.is_empty(), "{}: {wrong:?}", modules.name);
    }
    assert!(layered >= 3, "function, storefront and tool have tables");
}

#[test]
fn every_module_is_in_the_table_and_the_table_in_the_source() {
    for modules in crates() {
        let Some(layers) = modules.layers() else {
            continue;
        };
        for module in layers.keys() {
            assert!(
                modules.files.contains_key(module),
                "{module:?} does not exist"
            );
        }
        let top = modules.files.keys().filter(|it| it.len() == 1);
        for module in top.filter(|it| *it != &["lib"]) {
            assert!(layers.contains_key(module), "{module:?} is in no layer");
        }
    }
}

/// Negative control: the rule would see what it forbids.
#[test]
fn an_import_upwards_is_seen_in_every_form() {
    const TABLE: &str = "//! | 2 | [`top`], `main` |\n//! | 1 | [`mid`], [`side`] |\n//! | 0 | [`low`], [`mid::base`] |\n";
    let upwards = |module: &str, text: &str| {
        let empty = [
            "top",
            "main",
            "mid",
            "side",
            "low",
            "mid::base",
            "mid::other",
        ];
        let mut files: Vec<(&str, &str)> = empty.iter().map(|name| (*name, "")).collect();
        files.retain(|(name, _)| *name != module);
        files.extend([("lib", TABLE), (module, text)]);
        let modules = Modules::of("x", &files);
        modules.upwards(&modules.layers().unwrap())
    };
    for (module, text) in [
        ("low", "use crate::top;"),
        ("low", "pub use crate::mid::Thing as Other;"),
        (
            "low",
            "pub(crate) use crate::{\n    low::A,\n    mid::{self, B},\n};",
        ),
        ("low", "use crate::{low::{A, B}, top::*};"),
        ("low::deep", "use super::super::mid;"),
        ("low::deep::down", "use super::super::super::{low, top::T};"),
        ("low", "fn f() -> crate::mid::Thing { todo() }"),
        ("low", "fn f() { let a = 'a'; crate::mid::g(); }"),
        ("low", "use x::top;"),
        ("mid", "use crate::side;"),
        ("mid", "use super::side::S;"),
        ("mid::base", "use crate::mid::other;"),
        ("main", "use x::nowhere;\nuse x::unknown;"),
    ] {
        let seen = upwards(module, text);
        assert!(!seen.is_empty() || module == "main", "{module}: {text}");
    }
    for (module, text) in [
        ("top", "use crate::{low::A, mid::{self, base::C}, side};"),
        (
            "mid",
            "mod base;\nmod other;\npub use base::B;\nuse crate::mid::other;",
        ),
        (
            "mid::other",
            "use super::{Thing, base::B};\nuse crate::low;",
        ),
        (
            "low",
            "// use crate::top;\n/// [`crate::top`]\n//! crate::top",
        ),
        (
            "low",
            "use std::fmt;\nuse bytes::Bytes;\nuse top_of::crates;",
        ),
        (
            "low",
            "use std::fmt;\n#[cfg(test)]\nmod tests { use crate::top; }",
        ),
        ("main", "use x::low::A;\nuse x::mid;"),
    ] {
        assert_eq!(upwards(module, text), [""; 0], "{module}: {text}");
    }
}

#[test]
fn every_file_is_short_and_says_what_it_is_for() {
    let mut files = 0;
    for modules in crates() {
        for (module, text) in &modules.files {
            files += 1;
            let place = format!("{} {}", modules.name, module.join("::"));
            let lines = text.lines().count();
            assert!(
                lines <= LINES_MAX,
                "{place}: {lines} lines, more than {LINES_MAX}"
            );
            let first = text.lines().next().unwrap_or_default();
            let says = first.starts_with("//! ") && first.len() > 8;
            let is_tests = module.last().is_some_and(|name| name == "tests");
            assert!(says || is_tests, "{place}: no word on what it is for");
        }
    }
    assert!(files > 200, "the sources are found");
}

/// `use` statements that name more than one module path.
fn trees_of_use(text: &str) -> Vec<&str> {
    let statements = text.split(';').filter_map(|statement| {
        let (_, tree) = statement
            .split_once("\nuse ")
            .or_else(|| statement.split_once(" use "))?;
        Some(tree)
    });
    let leaves = |tree: &str| Some(tree.split_once("::{")?.1.to_owned());
    statements
        .filter(|tree| leaves(tree).is_some_and(|leaves| leaves.contains("::")))
        .collect()
}

#[test]
fn each_use_names_one_module_path() {
    for modules in crates() {
        for (module, text) in &modules.files {
            let found = trees_of_use(text);
            assert!(found.is_empty(), "{} {module:?}: {found:?}", modules.name);
        }
    }
    assert_eq!(trees_of_use("\nuse a::{b::C, d};\n").len(), 1);
    assert_eq!(trees_of_use("\nuse a::{\n    b::{C, D},\n};\n").len(), 1);
    assert_eq!(
        trees_of_use("\npub use a::b::{C, D as E};\nuse f::G;"),
        [""; 0]
    );
}

/// What panics is forbidden by lints that no attribute within can loosen.
#[test]
fn the_product_asks_for_no_panic() {
    const LINTS: [&str; 7] = [
        "clippy::expect_used",
        "clippy::indexing_slicing",
        "clippy::panic",
        "clippy::todo",
        "clippy::unimplemented",
        "clippy::unreachable",
        "clippy::unwrap_used",
    ];
    for file in ["src/lib.rs", "src/main.rs"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let (_, forbidden) = text.split_once("not(test),\n    forbid(").expect(file);
        let (forbidden, _) = forbidden.split_once(")]").expect(file);
        for lint in LINTS {
            assert!(forbidden.contains(lint), "{file} does not forbid {lint}");
        }
    }
}
