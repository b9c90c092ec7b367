//! The modules of a crate, and which of them need which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::imports;

type Module = Vec<String>;

/// The source of a crate.
pub(super) struct Modules {
    /// The crate's name in code.
    pub(super) name: String,
    /// Text of each file, by its module.
    pub(super) files: BTreeMap<Module, String>,
}

impl Modules {
    /// Those of the crate whose manifest is in `folder`.
    pub(super) fn read(folder: &Path) -> Self {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = manifest.split('"').nth(1).unwrap().replace('-', "_");
        let mut files = BTreeMap::new();
        visit(&folder.join("src"), &mut Vec::new(), &mut files);
        assert!(!files.is_empty(), "{name} has sources");
        Self { name, files }
    }

    /// Made-up ones, for controls.
    pub(super) fn of(name: &str, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(module, text)| {
            let module = module.split("::").map(str::to_owned).collect();
            (module, (*text).to_owned())
        });
        Self {
            name: name.to_owned(),
            files: files.collect(),
        }
    }

    /// The modules that `module` names, but for itself. Unit tests may name any.
    fn needs(&self, module: &[String]) -> BTreeSet<Module> {
        if module.last().is_some_and(|name| name == "tests") {
            return BTreeSet::new();
        }
        let paths = imports::of(&self.files[module], &self.name);
        let targets = paths.iter().filter_map(|path| self.resolved(module, path));
        targets.filter(|target| target != module).collect()
    }

    /// The module that a path leads into: the longest one with a file of its own.
    fn resolved(&self, here: &[String], path: &[String]) -> Option<Module> {
        let is_root = here == ["lib"] || here == ["main"];
        let mut at = if is_root { Vec::new() } else { here.to_vec() };
        for segment in path {
            match segment.as_str() {
                "self" => {}
                "super" => drop(at.pop()),
                name if name == "crate" || name == self.name => at.clear(),
                name => at.push(name.to_owned()),
            }
        }
        while !at.is_empty() && !self.files.contains_key(&at) {
            at.pop();
        }
        Some(at).filter(|at| !at.is_empty())
    }

    /// Neighbours in one folder that need each other, what is below them included. A module and
    /// those below it are one thing: they may name each other.
    pub(super) fn circles(&self) -> Vec<Vec<String>> {
        let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for from in self.files.keys() {
            for to in self.needs(from) {
                let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if same < from.len() && same < to.len() {
                    let neighbour = |module: &Module| module[..=same].to_vec();
                    edges
                        .entry(neighbour(from))
                        .or_default()
                        .insert(neighbour(&to));
                }
            }
        }
        let reach = |from: &Module| {
            let mut found = BTreeSet::new();
            let mut next = vec![from.clone()];
            while let Some(module) = next.pop() {
                for to in edges.get(&module).into_iter().flatten() {
                    if to.len() == from.len() && found.insert(to.clone()) {
                        next.push(to.clone());
                    }
                }
            }
            found
        };
        let reaches: BTreeMap<&Module, _> = edges.keys().map(|it| (it, reach(it))).collect();
        let mut circles = BTreeSet::new();
        for (module, within) in &reaches {
            let back = |other: &&Module| reaches.get(other).is_some_and(|it| it.contains(*module));
            let circle: Vec<String> = within.iter().filter(back).map(|it| it.join("::")).collect();
            if !circle.is_empty() {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    /// The table in the documentation of the crate's root: module and layer; `None` without one.
    pub(super) fn layers(&self) -> Option<BTreeMap<Module, u32>> {
        // A crate may be a program alone.
        let text = self.files.get(&vec!["lib".to_owned()])?;
        let rows = text.lines().filter_map(|line| line.strip_prefix("//! |"));
        let mut layers = BTreeMap::new();
        for row in rows {
            let (layer, modules) = row.split_once('|').unwrap();
            let Ok(layer) = layer.trim().parse() else {
                continue;
            };
            for module in modules.split('`').skip(1).step_by(2) {
                let module: Module = module.split("::").map(str::to_owned).collect();
                let last = layers.insert(module, layer);
                assert_eq!(last, None, "{}: a module stands twice", self.name);
            }
        }
        Some(layers).filter(|layers| !layers.is_empty())
    }

    /// Imports that point anywhere but down, or into the importer's own entry of the table.
    pub(super) fn upwards(&self, layers: &BTreeMap<Module, u32>) -> Vec<String> {
        let entry = |module: &[String]| {
            let mut lengths = (1..=module.len()).rev();
            lengths.find_map(|length| layers.get_key_value(&module[..length]))
        };
        let mut wrong = Vec::new();
        for module in self.files.keys().filter(|it| *it != &["lib"]) {
            let Some((own, layer)) = entry(module) else {
                wrong.push(format!("{} is in no layer", module.join("::")));
                continue;
            };
            for target in self.needs(module) {
                match entry(&target) {
                    Some((to, _)) if to == own => {}
                    Some((_, below)) if below < layer => {}
                    _ => wrong.push(format!("{} → {}", module.join("::"), target.join("::"))),
                }
            }
        }
        wrong
    }
}

fn visit(folder: &Path, at: &mut Module, files: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            at.push(name);
            visit(&path, at, files);
            at.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut module = at.clone();
            if name != "mod" {
                module.push(name);
            }
            files.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}
