//! The Table action: rows as HTML or CSV, with the engine's escapes.

use std::fmt::Write;

use serde::Deserialize;

/// Value of `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Format {
    Html,
    Csv,
}

impl Format {
    /// A table under `headers`.
    pub(crate) fn render(self, headers: &[&str], rows: &[Vec<String>]) -> String {
        match self {
            Self::Html => html(headers, rows),
            Self::Csv => csv(headers, rows),
        }
    }
}

fn html(headers: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, texts: &mut dyn Iterator<Item = &str>| {
        texts.fold(String::new(), |row, text| {
            row + "<" + tag + ">" + &escaped(text) + "</" + tag + ">"
        })
    };
    let mut table = "<table><thead><tr>".to_owned();
    table += &cells("th", &mut headers.iter().copied());
    table += "</tr></thead><tbody>";
    for row in rows {
        table += "<tr>";
        table += &cells("td", &mut row.iter().map(String::as_str));
        table += "</tr>";
    }
    table + "</tbody></table>"
}

/// Mark-up, the upper half of Latin-1 and what lies outside the basic plane become references.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\u{A0}'..='\u{FF}' | '\u{10000}'.. => {
                // Writing to a String cannot fail.
                write!(escaped, "&#{};", u32::from(character)).ok();
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn csv(headers: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let mut table = line(headers.iter().map(|text| quoted(text)).collect());
    for row in rows {
        table += &line(row.iter().map(|text| quoted(text)).collect());
    }
    table
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&str]) -> Vec<Vec<String>> {
        cells.iter().map(|cell| vec![(*cell).to_owned()]).collect()
    }

    #[test]
    fn html_that_the_engine_gave() {
        let table = Format::Html.render(&["h,<é>"], &rows(&["a\u{A0}\u{FF}\u{100}\u{1}", "'\"🐕"]));
        let expected = "<table><thead><tr><th>h,&lt;&#233;&gt;</th></tr></thead><tbody><tr><td>a&#160;&#255;\u{100}\u{1}</td></tr><tr><td>&#39;&quot;&#128021;</td></tr></tbody></table>";
        assert_eq!(table, expected);
    }

    #[test]
    fn csv_that_the_engine_gave() {
        let table = Format::Csv.render(
            &["h,<é>"],
            &rows(&["a,b", "a\rb", "a\"b", " a ", "=1;2", "", "\t"]),
        );
        assert_eq!(
            table,
            "\"h,<é>\"\n\"a,b\"\n\"a\rb\"\n\"a\"\"b\"\n a \n=1;2\n\n\t\n"
        );
    }
}
