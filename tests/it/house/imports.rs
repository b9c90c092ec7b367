//! What a source file imports of its own crate: enough of Rust's grammar for code that rustfmt has
//! laid out.

/// Paths that begin with `crate`, `super`, `self` or the crate's own name; a tree of `use` gives a
/// path a leaf.
pub(super) fn of(text: &str, crate_name: &str) -> Vec<Vec<String>> {
    let code = code(text);
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("::") {
        let (before, after) = rest.split_at(at);
        let head = before
            .rsplit(|c: char| !is_word(c))
            .next()
            .unwrap_or_default();
        let absolute = before
            .strip_suffix(head)
            .is_some_and(|it| !it.ends_with("::"));
        let ours = ["crate", "super", "self", crate_name].contains(&head);
        let length = if absolute && ours {
            let (paths, length) = tree(after);
            found.extend(paths.into_iter().map(|mut path| {
                path.insert(0, head.to_owned());
                path
            }));
            length
        } else {
            2
        };
        rest = &after[length..];
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Without comments, and without the tests at the end of the file.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    let code = lines.map(|line| match line.trim_start().starts_with("//") {
        true => "",
        false => line,
    });
    code.collect::<Vec<_>>().join("\n")
}

/// The paths behind a `::`, and how many bytes of `text` they take.
fn tree(text: &str) -> (Vec<Vec<String>>, usize) {
    let Some(rest) = text.strip_prefix("::") else {
        return (vec![Vec::new()], 0);
    };
    if let Some(mut leaves) = rest.strip_prefix('{') {
        let mut paths = Vec::new();
        loop {
            leaves = leaves.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if leaves.is_empty() || leaves.starts_with('}') {
                let length = text.len() - leaves.len();
                return (paths, text.len().min(length + 1));
            }
            let (found, length) = segment(leaves);
            paths.extend(found);
            // `as Other`, or a `*`.
            let end = leaves[length..].find([',', '}']).unwrap_or_default();
            leaves = &leaves[length + end..];
        }
    }
    let (paths, length) = segment(rest);
    (paths, length + 2)
}

/// A name, and what follows it.
fn segment(text: &str) -> (Vec<Vec<String>>, usize) {
    let length = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    let (name, after) = text.split_at(length);
    if name.is_empty() {
        return (vec![Vec::new()], 0);
    }
    let (mut paths, further) = tree(after);
    for path in &mut paths {
        if name != "self" {
            path.insert(0, name.to_owned());
        }
    }
    (paths, length + further)
}
