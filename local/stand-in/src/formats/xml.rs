//! Just enough XML to write an answer.

use std::fmt::Write as _;

pub fn document(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{root}")
}

/// An element that holds `text`.
pub fn element(name: &str, text: &str) -> String {
    let mut xml = format!("<{name}>");
    escape(&mut xml, text);
    // Writing to a String cannot fail.
    write!(xml, "</{name}>").ok();
    xml
}

/// Appends `text` for use in an element or an attribute.
pub fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' => xml.push(c),
            // XML 1.0 has no way to write these, not even escaped.
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => xml.push('\u{FFFD}'),
            c => xml.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let xml = element("Name", "a<b>&\"c'\u{0}\u{FFFF}\nü");
        assert_eq!(
            xml,
            "<Name>a&lt;b&gt;&amp;&quot;c'\u{FFFD}\u{FFFD}\nü</Name>"
        );
    }
}
