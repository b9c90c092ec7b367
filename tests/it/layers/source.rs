//! Just enough of Rust's grammar to see what a source file imports.

/// The code alone: comments, strings and characters are blanked, lines stay where they are. What
/// only tests see, a last `mod tests`, is left out.
pub(super) fn code_of(source: &str) -> String {
    let code = blanked(source);
    match code.split_once("#[cfg(test)]") {
        None => code,
        Some((code, tests)) => {
            assert!(
                is_one_module(tests),
                "a test module that is not the end of its file"
            );
            code.to_owned()
        }
    }
}

fn is_one_module(code: &str) -> bool {
    let Some(inside) = code
        .trim()
        .strip_prefix("mod tests {")
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        return false;
    };
    let mut depth = 0;
    let balanced = inside.chars().all(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth >= 0
    });
    balanced && depth == 0
}

fn blanked(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, code.chars().last()));
        let length = skipped.unwrap_or(first.len_utf8());
        let (token, after) = rest.split_at(length);
        if skipped.is_some() {
            code.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.push_str(token);
        }
        rest = after;
    }
    code
}

fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?;
    Some(text.find("*/").map_or(text.len(), |end| end + 2))
}

fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(raw) = text
        .strip_prefix('r')
        .filter(|_| !in_word || before == Some('b'))
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            return Some(
                text[start..]
                    .find(&end)
                    .map_or(text.len(), |at| start + at + end.len()),
            );
        }
    }
    if let Some(string) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = string.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        return Some(end.map_or(text.len(), |end| end + 2));
    }
    let character = text.strip_prefix('\'')?;
    if character.starts_with('\\') {
        return character[2..].find('\'').map(|end| end + 4);
    }
    let first = character.chars().next()?;
    character[first.len_utf8()..]
        .starts_with('\'')
        .then(|| first.len_utf8() + 2)
}

/// Every path that the code names from `crate`, `super`, `self` or a module of its own, groups
/// and all, in the words of the source.
pub(super) fn paths(code: &str) -> Vec<Vec<String>> {
    let own = own_modules(code);
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = next_word(rest) {
        let (word, after) = word_at(&rest[at..]);
        let starts = !rest[..at].trim_end().ends_with("::");
        if word == "use" {
            let (tree, after) = after.split_once(';').unwrap_or((after, ""));
            paths.extend(expanded(tree));
            rest = after;
        } else if starts
            && after.trim_start().starts_with("::")
            && ["crate", "super", "self"].contains(&word)
        {
            let end = after
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .unwrap_or(after.len());
            paths.extend(expanded(&format!("{word}{}", &after[..end])));
            rest = &after[end..];
        } else {
            rest = after;
        }
    }
    let ours = |path: &Vec<String>| {
        let first = path.first().map(String::as_str).unwrap_or_default();
        ["crate", "super", "self", "order_items_reserver"].contains(&first)
            || own.iter().any(|module| module == first)
    };
    paths.retain(ours);
    for path in &mut paths {
        if own.iter().any(|module| *module == path[0]) {
            path.insert(0, "self".to_owned());
        }
    }
    paths
}

/// Modules that the code declares (`mod x;`).
pub(super) fn own_modules(code: &str) -> Vec<String> {
    let statements = code.split([';', '{', '}']);
    let declared = statements.filter_map(|statement| {
        let mut words = statement.split_whitespace().rev();
        let name = words.next()?;
        (words.next() == Some("mod")).then(|| name.to_owned())
    });
    declared.collect()
}

fn next_word(text: &str) -> Option<usize> {
    text.find(|c: char| c.is_alphabetic() || c == '_')
}

fn word_at(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len()),
    )
}

/// `a::{b, c::{d, self}}` as its single paths.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let segments = path.split("::").map(|segment| segment.trim().to_owned());
        return vec![
            segments
                .filter(|segment| !segment.is_empty() && segment != "*")
                .collect(),
        ];
    };
    let prefix: Vec<String> = prefix
        .split("::")
        .map(|segment| segment.trim().to_owned())
        .filter(|segment| !segment.is_empty())
        .collect();
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let mut depth = 0;
    let members = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    members
        .filter(|member| !member.trim().is_empty())
        .flat_map(expanded)
        .map(|member| prefix.iter().cloned().chain(member).collect())
        .collect()
}
