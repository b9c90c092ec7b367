//! `benches/RESULTS.md`: a section for each topic, renewed one by one. What stands there under
//! another heading was measured by other recipes, and stays behind them.

use std::path::Path;
use std::{fs, io};

use crate::error::{BenchError, doing};
use crate::machine;
use crate::report::Section;

/// The headings of the topics, in their order.
const HEADINGS: [&str; 10] = [
    "Instructions per invocation",
    "Start and size",
    "Handler ÷ raw upload",
    "Latency at fixed arrival rates",
    "Beside the same job in Node.js and Python",
    "Many messages in one invocation",
    "Sessions of a batch at once",
    "Growth with concurrent invocations",
    "Growth with the size of an order",
    "Memory",
];

/// The sections, each with its heading.
#[derive(Debug, Default)]
pub struct Results(Vec<(String, String)>);

impl Results {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, BenchError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self::of(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(doing(format!("read {}", path.display()))(error)),
        }
    }

    fn of(text: &str) -> Self {
        let sections = text.split("\n## ").skip(1);
        let headed = sections.filter_map(|section| {
            let (heading, rest) = section.split_once('\n')?;
            Some((heading.to_owned(), rest.trim().to_owned()))
        });
        Self(headed.collect())
    }

    /// The same with this section anew, or in its place.
    #[must_use]
    pub fn with(mut self, section: &Section) -> Self {
        let text = Self::of(&format!("\n{section}")).0;
        self.0.retain(|(heading, _)| heading != section.title);
        self.0.extend(text);
        let place = |heading: &str| HEADINGS.iter().position(|known| *known == heading);
        self.0
            .sort_by_key(|(heading, _)| place(heading).unwrap_or(HEADINGS.len()));
        self
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        let text = self.text(&machine::facts());
        fs::write(path, text).map_err(doing(format!("write {}", path.display())))
    }

    fn text(&self, machine: &str) -> String {
        let mut text = format!(
            "# Benchmark results\n\nWritten by `just bench`; what it measures is in `benches/README.md`. \
             Each section says when it was measured.\n\n{machine}"
        );
        for (heading, rest) in &self.0 {
            text.push_str(&format!("\n## {heading}\n\n{rest}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_renewed_in_its_place_and_others_stay() {
        let before = "# Benchmark results\n\nwords\n\n## Start and size\n\nold\n\n## Memory\n\nkept\n\n\
                      ## The local stack\n\nby hand\n";
        let mut start = Section::new("Start and size", "new", &["a"]);
        start.row(["1".to_owned()]);
        let mut batches = Section::new("Many messages in one invocation", "first", &["a"]);
        batches.moment = Some("Measured now.".to_owned());
        let results = Results::of(before).with(&batches).with(&start);
        let text = results.text("- machine\n");
        let headings: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(
            headings,
            [
                "## Start and size",
                "## Many messages in one invocation",
                "## Memory",
                "## The local stack"
            ]
        );
        assert!(!text.contains("old") && text.contains("| 1 |"), "{text}");
        assert!(text.contains("first\n\nMeasured now.\n\n|"), "{text}");
        assert!(
            text.ends_with("\n\n## The local stack\n\nby hand\n"),
            "{text}"
        );
        assert_eq!(
            Results::of(&text).text("- machine\n"),
            text,
            "read and written alike"
        );
    }
}
