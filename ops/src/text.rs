//! What others wrote, on an operator's terminal: nothing that steers it, and tables.

use std::fmt::Write as _;
use std::str;

/// The text with control characters (which could steer a terminal) spelt out.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            // Writing to a String cannot fail.
            write!(shown, "\\u{{{:x}}}", u32::from(c)).ok();
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A body as text, when it is text that a terminal can show.
#[must_use]
pub fn readable(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?;
    let steering = |c: char| is_steering(c) && !matches!(c, '\t' | '\r' | '\n');
    (!text.contains(steering)).then_some(text)
}

/// Control characters, and those that turn the direction of writing around.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 dead letter`, `2 dead letters`.
#[must_use]
pub fn counted(letters: usize) -> String {
    let plural = if letters == 1 { "" } else { "s" };
    format!("{letters} dead letter{plural}")
}

/// Rows under a heading, in columns as wide as they need to be.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading and no row yet.
    #[must_use]
    pub fn new(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|&name| name.to_owned());
        Self {
            rows: vec![heading.collect()],
        }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| match cell.as_str() {
            "" => "-".to_owned(),
            _ => harmless(&cell),
        });
        self.rows.push(cells.collect());
    }

    /// The lines, the last column unpadded.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let padded = row.iter().zip(&widths);
            let cells = padded.map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(harmless("Zoë 🛒"), "Zoë 🛒");
        assert_eq!(readable("{\r\n\t1}".as_bytes()), Some("{\r\n\t1}"));
        assert_eq!(readable(b"\x1b[2J"), None);
        assert_eq!(readable(&[0xE4]), None);
    }

    #[test]
    fn columns_are_as_wide_as_they_need_to_be() {
        let mut table = Table::new(&["A", "LONG", "C"]);
        table.row(["wide one".to_owned(), String::new(), "x".to_owned()]);
        assert_eq!(table.lines(), ["A         LONG  C", "wide one  -     x"]);
    }
}
