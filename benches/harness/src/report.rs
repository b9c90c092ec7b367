//! What was measured, as Markdown that also reads well in a terminal.

use std::fmt;
use std::time::Duration;

/// One topic: a heading, how to read it, and a table.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// How it was measured and what it says.
    pub words: String,
    /// When, where that is to be said.
    pub moment: Option<String>,
    /// Column heads.
    pub head: Vec<String>,
    /// The rows, as long as the head.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section that has no rows yet.
    #[must_use]
    pub fn new(title: &'static str, words: impl Into<String>, head: &[&str]) -> Self {
        Self {
            title,
            words: words.into(),
            moment: None,
            head: head.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.title, self.words)?;
        if let Some(moment) = &self.moment {
            writeln!(f, "{moment}\n")?;
        }
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.head]);
            let lengths = cells
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count());
            lengths.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |f: &mut fmt::Formatter<'_>, row: &[String]| {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")
        };
        line(f, &self.head)?;
        for (column, width) in widths.iter().enumerate() {
            let dashes = "-".repeat(*width + 1);
            write!(
                f,
                "{}",
                if column == 0 {
                    format!("|{dashes}-")
                } else {
                    format!("|{dashes}:")
                }
            )?;
        }
        writeln!(f, "|")?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

/// Milliseconds.
#[must_use]
pub fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

/// Microseconds.
#[must_use]
pub fn us(duration: Duration) -> String {
    format!("{:.0}", duration.as_secs_f64() * 1e6)
}

/// Megabytes of a million bytes.
#[must_use]
pub fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// A whole number.
#[must_use]
pub fn whole(number: f64) -> String {
    format!("{number:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut section = Section::new("T", "w", &["a", "long"]);
        section.row(["x".to_owned(), "1".to_owned()]);
        let text = section.to_string();
        assert_eq!(
            text,
            "## T\n\nw\n\n| a | long |\n|---|-----:|\n| x |    1 |\n"
        );
    }
}
