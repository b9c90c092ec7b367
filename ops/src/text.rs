//! What others wrote, on an operator's terminal: nothing that steers it, and tables.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;
use std::{fmt, io, str};

use tokio::time::Instant;

/// Often enough for a person.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

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

/// How far a long walk is, on one line of a terminal that is gone in the end; nothing elsewhere,
/// for what is kept in a file is read by programs.
pub struct Progress {
    what: &'static str,
    out: Option<Box<dyn io::Write + Send>>,
    told: Option<Instant>,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

impl Progress {
    /// Of so many `what`, on standard error.
    #[must_use]
    pub fn on_terminal(what: &'static str) -> Self {
        let err = io::stderr();
        match err.is_terminal() {
            true => Self::to(what, Box::new(err)),
            false => Self::nowhere(),
        }
    }

    /// Of so many `what`, on `out`.
    #[must_use]
    pub fn to(what: &'static str, out: Box<dyn io::Write + Send>) -> Self {
        Self {
            what,
            out: Some(out),
            told: None,
        }
    }

    /// To nobody.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            what: "",
            out: None,
            told: None,
        }
    }

    /// So many were seen. The first is not told: a short walk needs no word.
    pub fn at(&mut self, seen: usize) {
        let Some(out) = &mut self.out else { return };
        let now = Instant::now();
        let last = *self.told.get_or_insert(now);
        if now.duration_since(last) >= PROGRESS_EVERY {
            self.told = Some(now);
            // Who closed it still wants the walk.
            let told = write!(out, "\r{seen} {} so far", self.what);
            told.and_then(|()| out.flush()).ok();
        }
    }

    /// The walk is over: its line goes.
    pub fn end(&mut self) {
        if let (Some(out), Some(_)) = (&mut self.out, self.told.take()) {
            let gone = write!(out, "\r\x1b[K");
            gone.and_then(|()| out.flush()).ok();
        }
    }
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
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Heard(Sender<String>);

    impl io::Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_walk_tells_how_far_it_is_and_takes_the_line_away() {
        let (said, heard) = channel();
        let mut progress = Progress::to("dead letters", Box::new(Heard(said)));
        for seen in 1..=1000 {
            progress.at(seen);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        progress.end();
        drop(progress);
        let heard: String = heard.into_iter().collect();
        assert_eq!(heard, "\r501 dead letters so far\r\u{1b}[K");
    }

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
