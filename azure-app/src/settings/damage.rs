//! Values that were damaged on their way into a setting. Each of them could pass for a value of its
//! own (a queue's name, a key, a URL) or be refused for a reason that misleads, so they are told by
//! what happened to them.

/// What a template leaves behind where nobody filled it in.
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("<", ">"),
    ("${", "}"),
    ("$(", ")"),
    ("%", "%"),
    ("#{", "}#"),
];

/// How `&` and `"` are written in HTML, XML and JSON.
const ESCAPES: [&str; 6] = ["&amp;", "&quot;", "&#38;", "&#34;", "\\u0026", "\\u0022"];

const QUOTES: &[char] = &['"', '\'', '`', '“', '”', '„', '‘', '’'];

/// What happened to the value of `name`, if it shows. Never quotes it.
pub(super) fn damage(name: &str, value: &str) -> Option<String> {
    let what = if let Some(service) = reference(value) {
        format!(
            "an unresolved reference to {service}: Azure puts the value in its place when the app's identity may \
             read it, and nothing does so elsewhere"
        )
    } else if value.trim_matches('\\').starts_with(QUOTES) || value.ends_with(QUOTES) {
        "in quotes: a shell takes them off, but a portal, an .env file and JSON keep them"
            .to_owned()
    } else if value
        .strip_prefix(name)
        .is_some_and(|rest| rest.trim_start().starts_with('='))
    {
        "the setting's own name and `=` stand in its value".to_owned()
    } else if let Some(escape) = ESCAPES.iter().find(|escape| value.contains(**escape)) {
        format!(
            "`{escape}` stands in it: it was copied out of HTML, XML or JSON, where it means another character"
        )
    } else if let Some((open, close)) = placeholder(value) {
        format!("a placeholder, `{open}…{close}`, that nobody has filled in")
    } else if let Some(invisible) = value.chars().find(|c| is_invisible(*c)) {
        format!(
            "an invisible character stands in it (U+{:04X})",
            u32::from(invisible)
        )
    } else {
        return None;
    };
    Some(format!("{what}; expected the value itself"))
}

/// The service that `@Microsoft.Service(…)` refers to.
fn reference(value: &str) -> Option<&str> {
    let value = value.trim_start_matches(QUOTES);
    let (name, _) = value.split_once('(')?;
    let service = name.get(11..)?.trim_end();
    let plain = !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && name.get(..11)?.eq_ignore_ascii_case("@Microsoft.")).then_some(service)
}

fn placeholder(value: &str) -> Option<(&'static str, &'static str)> {
    PLACEHOLDERS.into_iter().find(|(open, close)| {
        let rest = value.strip_prefix(open);
        rest.is_some_and(|rest| rest.ends_with(close))
    })
}

/// Control characters (a line break within a pasted key), marks of order and those without width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_to_a_value_is_told_and_the_value_is_not() {
        for (value, said) in [
            ("\"hush\"", "in quotes"),
            ("'hush'", "in quotes"),
            ("“hush”", "in quotes"),
            ("hush\"", "in quotes"),
            ("\\\"hush\\\"", "in quotes"),
            (
                "@Microsoft.KeyVault(SecretUri=https://hush.vault.azure.net/secrets/x)",
                "to KeyVault:",
            ),
            (
                "@microsoft.appconfiguration(Endpoint=https://hush; Key=x)",
                "to appconfiguration:",
            ),
            (
                "\"@Microsoft.KeyVault(VaultName=hush;SecretName=x)\"",
                "to KeyVault:",
            ),
            ("@Microsoft.KeyVault(VaultName=hush", "to KeyVault:"),
            ("X=hush", "own name"),
            ("X = hush", "own name"),
            ("https://hush/?a=1&amp;sig=hush", "`&amp;`"),
            ("https://hush/?a=1\\u0026sig=hush", "`\\u0026`"),
            ("<hush>", "`<…>`"),
            ("${hush}", "`${…}`"),
            ("%hush%", "`%…%`"),
            ("hu\nsh", "U+000A"),
            ("\u{feff}hush", "U+FEFF"),
            ("hush\u{200b}", "U+200B"),
        ] {
            let told = damage("X", value).unwrap_or_else(|| panic!("{value}: sound"));
            assert!(told.contains(said), "{value}: {told}");
            assert!(told.ends_with("; expected the value itself"), "{told}");
            assert!(!told.contains("hush"), "{told}");
        }
    }

    #[test]
    fn a_sound_value_is_left_alone() {
        for value in [
            "orders",
            "XY=1",
            "UseDevelopmentStorage=true",
            "AccountName=x;AccountKey=c2Vjcg==;EndpointSuffix=core.windows.net",
            "https://prod-1.westeurope.logic.azure.com/workflows/x?a=1&sig=%2Fx",
            "info,order_items_reserver=debug",
            "a%b%c",
            "<",
            "%",
            "me@Microsoft.KeyVault(x)",
            "@Microsoft.(x)",
            "Katzenbäume 猫",
            "",
        ] {
            assert_eq!(damage("X", value), None, "{value}");
        }
    }
}
