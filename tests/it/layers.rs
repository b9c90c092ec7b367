//! The shape of the source: imports point downwards, files stay short and say what they are for.

mod source;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use source::{code_of, own_modules, paths};

/// The longest file: one act, read in one sitting.
const LINES_MAX: usize = 500;

fn src() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// Module path and text of every source file.
fn sources() -> BTreeMap<String, String> {
    fn visit(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(src()).unwrap().with_extension("");
                let module = name.to_str().unwrap().replace('/', "::");
                let module = module.strip_suffix("::mod").unwrap_or(&module);
                found.insert(module.to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(&src(), &mut found);
    assert!(
        found.contains_key("lib") && found.len() > 20,
        "the sources are found"
    );
    found
}

/// The table in the documentation of `src/lib.rs`: module, layer.
struct Layers(BTreeMap<String, u32>);

impl Layers {
    fn read(lib: &str) -> Self {
        let rows = lib.lines().filter_map(|line| line.strip_prefix("//! |"));
        let mut layers = BTreeMap::new();
        for row in rows {
            let (layer, modules) = row.split_once('|').unwrap();
            let Ok(layer) = layer.trim().parse() else {
                continue;
            };
            for module in modules.split('`').skip(1).step_by(2) {
                assert_eq!(
                    layers.insert(module.to_owned(), layer),
                    None,
                    "{module} stands twice"
                );
            }
        }
        assert!(!layers.is_empty(), "src/lib.rs has a table of layers");
        Self(layers)
    }

    /// The entry that a path belongs to: the longest that it begins with.
    fn entry(&self, path: &[String]) -> Option<(&str, u32)> {
        let longest = (1..=path.len())
            .rev()
            .find_map(|length| self.0.get_key_value(&path[..length].join("::")));
        longest.map(|(module, layer)| (module.as_str(), *layer))
    }

    /// What of `text`, the file of `module`, points anywhere but down or into its own entry.
    fn violations(&self, module: &str, text: &str) -> Vec<String> {
        let here: Vec<String> = module.split("::").map(str::to_owned).collect();
        let Some((own, layer)) = self.entry(&here) else {
            return vec![format!("{module} is in no layer")];
        };
        let mut wrong = Vec::new();
        for path in paths(&code_of(text)) {
            let target = resolved(&here, &path);
            match self.entry(&target) {
                Some((entry, below)) if entry == own || below < layer => {}
                Some((entry, above)) => wrong.push(format!(
                    "{module} ({layer}) uses {entry} ({above}): {}",
                    path.join("::")
                )),
                None if target.is_empty() => wrong.push(format!("{module} uses the crate's root")),
                None => wrong.push(format!(
                    "{module} uses {}, which is in no layer",
                    target.join("::")
                )),
            }
        }
        wrong
    }
}

/// The path from the crate's root.
fn resolved(here: &[String], path: &[String]) -> Vec<String> {
    let mut target = match path[0].as_str() {
        "crate" | "order_items_reserver" => Vec::new(),
        _ => here.to_vec(),
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "order_items_reserver" | "self" => {}
            "super" => drop(target.pop()),
            name => target.push(name.to_owned()),
        }
    }
    target
}

#[test]
fn imports_point_only_to_a_lower_layer() {
    let sources = sources();
    let layers = Layers::read(&sources["lib"]);
    let files = sources.iter().filter(|(module, _)| *module != "lib");
    let wrong: Vec<String> = files
        .flat_map(|(module, text)| layers.violations(module, text))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table_and_the_table_in_the_source() {
    let sources = sources();
    let layers = Layers::read(&sources["lib"]);
    for module in own_modules(&code_of(&sources["lib"])) {
        assert!(layers.0.contains_key(&module), "{module} is in no layer");
    }
    for module in layers.0.keys() {
        assert!(sources.contains_key(module), "{module} does not exist");
    }
    for module in sources.keys() {
        let parent = module.rsplit_once("::").map_or("lib", |(parent, _)| parent);
        let name = module.rsplit("::").next().unwrap().to_owned();
        let root = ["lib", "main"].contains(&module.as_str());
        assert!(
            root || own_modules(&code_of(&sources[parent])).contains(&name),
            "{module} is declared nowhere"
        );
    }
}

const UPWARDS: &[(&str, &str)] = &[
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
    (
        "low",
        "fn f() { let a = 'a'; let b = '\"'; crate::mid::g(); let c = '\"'; }",
    ),
    ("low", "fn f<'a>(s: &'a str) { crate::mid::g(s) }"),
    ("low", "/* a */ use /* b */ crate::mid /* c */ ;"),
    ("low", "const A: &str = \"\\\"\"; use crate::mid;"),
    ("low", "const A: &str = r#\"\"\"#; use crate::mid;"),
    ("low", "use order_items_reserver::top;"),
    ("mid", "use crate::side;"),
    ("mid", "use super::side::S;"),
    ("mid::base", "use super::Thing;"),
    ("mid::base", "use crate::mid;"),
    ("side", "use crate::nowhere;"),
    ("nowhere", ""),
    ("top", "use crate::*;"),
    (
        "main",
        "use order_items_reserver::{low, top};\nuse order_items_reserver::unknown;",
    ),
];

const DOWNWARDS: &[(&str, &str)] = &[
    ("top", "use crate::{low::A, mid::{self, base::C}, side};"),
    (
        "mid",
        "mod base;\nmod other;\npub use base::B;\nuse other::O;\nuse crate::mid::other;",
    ),
    (
        "mid::other",
        "use super::{Thing, base::B};\nuse crate::low;",
    ),
    (
        "mid::base::deep",
        "use super::B; use self::x::Y; use crate::mid::base::x;",
    ),
    (
        "low",
        "// use crate::top;\n/// [`crate::top`]\n/* use crate::top; */",
    ),
    (
        "low",
        "const A: &str = \"use crate::top;\"; const B: &str = r##\"\"# crate::top\"##;",
    ),
    ("low", "use std::fmt; use bytes::Bytes; use top_of::crates;"),
    (
        "low",
        "use std::fmt;\n#[cfg(test)]\nmod tests { use crate::top; }",
    ),
    ("main", "use order_items_reserver::{low::A, mid, side::S};"),
];

/// Negative control: the rule would see what it forbids.
#[test]
fn an_import_upwards_is_seen_in_every_form() {
    let layers = Layers::read(
        "//! | layer | modules |\n//! |---|---|\n//! | 2 | [`top`], `main` |\n//! | 1 | [`mid`], [`side`] |\n//! | 0 | [`low`], [`mid::base`] |\n",
    );
    for (module, text) in UPWARDS {
        assert!(
            !layers.violations(module, text).is_empty(),
            "{module}: {text}"
        );
    }
    for (module, text) in DOWNWARDS {
        assert_eq!(layers.violations(module, text), [""; 0], "{module}: {text}");
    }
}

#[test]
fn every_file_is_short_and_says_what_it_is_for() {
    for (module, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{module}: {lines} lines, more than {LINES_MAX}"
        );
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 8,
            "{module}: no word on what it is for"
        );
    }
}

/// What panics, in code without comments and strings.
fn panics(code: &str) -> Vec<&'static str> {
    const FORBIDDEN: [&str; 7] = [
        ".unwrap()",
        ".expect(",
        "panic!",
        "unreachable!",
        "unimplemented!",
        "todo!",
        ".unwrap_err()",
    ];
    let dense: String = code.split_whitespace().collect();
    FORBIDDEN
        .into_iter()
        .filter(|word| dense.contains(word))
        .collect()
}

/// A belt beside clippy's braces, which an attribute could loosen.
#[test]
fn the_product_asks_for_no_panic() {
    for (module, text) in sources() {
        let found = panics(&code_of(&text));
        assert!(found.is_empty(), "{module}: {found:?}");
        let allowed: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("allow("))
            .collect();
        assert!(
            allowed.is_empty(),
            "{module}: {allowed:?}; use expect with a reason"
        );
        for lint in [
            "unwrap_used",
            "expect_used",
            "clippy::panic",
            "indexing_slicing",
        ] {
            assert!(!text.contains(lint), "{module} loosens {lint}");
        }
    }
}

#[test]
fn a_panic_would_be_seen() {
    for code in [
        "x.unwrap()",
        "x\n    .unwrap()",
        "x.expect(\"y\")",
        "panic!(\"y\")",
        "if a { unreachable!() }",
    ] {
        assert_eq!(panics(&code_of(code)).len(), 1, "{code}");
    }
    for code in [
        "x.unwrap_or(1)",
        "#[expect(lint)]",
        "// panic!",
        "\"panic!\"",
        "x()?;\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }",
    ] {
        assert!(panics(&code_of(code)).is_empty(), "{code}");
    }
}
