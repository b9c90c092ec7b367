//! The only way to the screen: what strangers wrote must not steer the terminal.

use std::io::{self, Write};

/// Prints lines.
pub(super) fn print(lines: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", harmless(lines))?;
    out.flush()
}

/// The text with control characters, and those that turn the direction of writing around, spelt out. Lines stay lines.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_steering(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n')
}

/// A stranger's word within a line: it makes no lines of its own either.
pub(super) fn word(text: &str) -> String {
    harmless(text).replace('\n', "\\u{a}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{202e}c\n"),
            "a\\u{1b}[2Jb\\u{202e}c\n"
        );
        assert_eq!(word("a\nb\r"), "a\\u{a}b\\u{d}");
        assert_eq!(harmless("Zoë 🛒"), "Zoë 🛒");
    }
}
