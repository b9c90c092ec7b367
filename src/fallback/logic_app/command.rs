//! The operator's command as a mail prints it: to be copied into a shell, whatever an id holds.

use std::fmt::Write as _;

use super::shown::is_visible;
use crate::order::Delivery;

/// Stores `file` under the guard, at the place that the message had; half a place is none.
pub(super) fn put_command(file: &str, session: &str, delivery: &Delivery) -> String {
    // `./`, and `=` before each value: an id may begin with a dash.
    let mut command = format!(
        "order-items-ops orders put ./{file} --session={}",
        quoted(session)
    );
    // Writing to a String cannot fail.
    if let Some(place) = delivery.position() {
        let (number, time) = (place.sequence, place.enqueued);
        write!(command, " --sequence={number} --enqueued={time}").ok();
    }
    if let Some(id) = delivery.message_id.as_deref().filter(|id| !id.is_empty()) {
        write!(command, " --message-id={}", quoted(id)).ok();
    }
    command
}

/// Shows what is stored for a session.
pub(super) fn show_command(session: &str) -> String {
    format!("order-items-ops orders show --body -- {}", quoted(session))
}

/// The text as one word of a shell: as it is, in single quotes, or, where it holds what a mail may
/// not show or not keep, in `$'…'` of bash, zsh and others.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    // A mail may fold, trim or replace them.
    let is_kept = |c: char| is_visible(c) && (c == ' ' || !c.is_whitespace());
    if text.chars().all(is_kept) && !text.contains("  ") && text.trim() == text {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut escaped = "$'".to_owned();
    for character in text.chars() {
        match character {
            '\'' | '\\' => escaped.extend(['\\', character]),
            '!'..='~' => escaped.push(character),
            _ => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    // Three octal digits: no digit that follows can join them.
                    write!(escaped, "\\{byte:03o}").ok();
                }
            }
        }
    }
    escaped.push('\'');
    escaped
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_command_names_the_place_and_quotes_what_it_must() {
        let delivery = Delivery {
            message_id: Some("it's".to_owned()),
            sequence_number: Some(crate::order::SequenceNumber(8412)),
            enqueued: "2026-05-04T09:30:10Z".parse().ok(),
            ..Delivery::default()
        };
        assert_eq!(
            put_command("S-1.json", "-S 1", &delivery),
            "order-items-ops orders put ./S-1.json --session='-S 1' --sequence=8412 \
             --enqueued=2026-05-04T09:30:10Z --message-id='it'\\''s'"
        );
        let half = Delivery {
            enqueued: None,
            message_id: None,
            ..delivery
        };
        assert_eq!(
            put_command("S.json", "S", &half),
            "order-items-ops orders put ./S.json --session=S"
        );
        assert_eq!(show_command("S"), "order-items-ops orders show --body -- S");
    }

    /// A real shell reads each word back; nothing of it is run.
    #[test]
    fn a_shell_reads_every_text_back() {
        for text in [
            "E7DB",
            "",
            " ",
            "a b",
            "a  b",
            "it's",
            "$(touch x)",
            "`id`",
            "a\nb",
            "\t",
            "\\n",
            "ü🐠",
            "'\n'",
            "-x",
            "--body",
            "\u{202e}abc",
            "\u{1}23",
            "!!",
            "~",
            "*",
            "a\u{a0}b",
            "; rm -rf .",
            "\"",
            "\u{feff}",
            "#",
        ] {
            let word = quoted(text);
            assert!(word.chars().all(|c| is_visible(c) && c != '\n'), "{word}");
            let script = format!("printf %s {word}");
            let shell = Command::new("bash").args(["-c", &script]).output();
            let Ok(shell) = shell else {
                return; // no bash on this machine
            };
            assert_eq!(String::from_utf8_lossy(&shell.stdout), text, "{word}");
        }
    }
}
