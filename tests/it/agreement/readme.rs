//! The tables of settings in `README.md` against `config::SETTINGS` and `export::SETTINGS`.

use std::collections::BTreeMap;

use azure_app::export;
use order_items_reserver::config::SETTINGS;

use super::{text_of, trigger_settings};

/// Names of a table's first cell: back-ticked, joined by ` or `, `/` or commas.
fn names(cell: &str) -> Option<Vec<String>> {
    let mut joined = cell.trim().split('`');
    if joined.next() != Some("") {
        return None;
    }
    let mut names = Vec::new();
    while let Some(name) = joined.next() {
        names.push(name.to_owned());
        match joined.next()?.trim() {
            "" => return joined.next().is_none().then_some(names),
            "or" | "/" | "," => {}
            _ => return None,
        }
    }
    None
}

/// Name and default of every row, for each table of a Markdown text that lists names.
fn tables(markdown: &str) -> Vec<BTreeMap<String, Option<String>>> {
    let mut tables = vec![BTreeMap::new()];
    for line in markdown.lines() {
        let Some(row) = line.trim().strip_prefix('|') else {
            tables.push(BTreeMap::new());
            continue;
        };
        let cells: Vec<&str> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let (Some(names), Some(defaults)) =
            (cells.first().and_then(|cell| names(cell)), cells.get(1))
        else {
            continue;
        };
        let defaults: Vec<&str> = defaults
            .split(',')
            .map(|default| default.trim().trim_matches('`'))
            .collect();
        for (index, name) in names.iter().enumerate() {
            let default = defaults
                .get(index)
                .or(defaults.first())
                .copied()
                .unwrap_or_default();
            let default = (default != "–").then(|| default.to_owned());
            let table = tables.last_mut().unwrap();
            assert_eq!(
                table.insert(name.clone(), default),
                None,
                "{name} stands twice"
            );
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

#[test]
fn the_readme_lists_every_setting_with_its_default_and_no_other() {
    let tables = tables(&text_of("README.md"));
    // Those of the spans are for both programs, and have a table of their own.
    let settings = || SETTINGS.iter().chain(&export::SETTINGS);
    let is_known = |name: &String| settings().any(|(known, _)| known == name);
    let ours: Vec<_> = tables
        .into_iter()
        .filter(|table| table.keys().any(is_known))
        .collect();
    let mut listed = BTreeMap::new();
    for (name, default) in ours.into_iter().flatten() {
        let of_trigger = trigger_settings()
            .iter()
            .any(|known| name == *known || name.starts_with(&format!("{known}__")));
        if !of_trigger {
            assert_eq!(
                listed.insert(name.clone(), default),
                None,
                "{name} stands twice"
            );
        }
    }
    let known: BTreeMap<String, Option<String>> = settings()
        .map(|(name, default)| ((*name).to_owned(), default.map(str::to_owned)))
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn the_reader_of_tables_reads_every_form() {
    let table = "text\n| name | default | meaning |\n|---|---|---|\n| `A` or `B` | – | x |\n| `C`, `D` / `E` | 1, `2`, 3 | `y` |\n| plain | 1 | z |\n| `F` plain | 1 | z |\n";
    let expected: BTreeMap<String, Option<String>> = [
        ("A", None),
        ("B", None),
        ("C", Some("1")),
        ("D", Some("2")),
        ("E", Some("3")),
    ]
    .map(|(name, default)| (name.to_owned(), default.map(str::to_owned)))
    .into();
    assert_eq!(tables(table), [expected]);
}
