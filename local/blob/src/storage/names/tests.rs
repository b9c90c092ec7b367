use proptest::prelude::*;

use super::*;

fn file(name: &str) -> String {
    Files::default().file(name)
}

#[test]
fn ordinary_names_are_their_files() {
    for name in [
        "E7DBA502A3B795953DDE76EA965EBBF3.json",
        "a%2Fb.json",
        "x",
        "..json.x",
    ] {
        let same = file(name) == name;
        assert_eq!(same, !name.starts_with('.'), "{name}");
    }
}

#[test]
fn names_that_would_leave_the_folder_or_that_a_system_refuses_are_spelt_out() {
    let long = "a".repeat(1_024);
    let odd = [
        "",
        ".",
        "..",
        "../x",
        "..\\x",
        "/etc/passwd",
        "C:\\x",
        "a\0b",
        "a.",
        "a ",
        "nul",
        "NUL.json",
        "com1.json",
        "a/b",
        "a~b",
        "ä.json",
        "\u{202e}x",
        &long,
    ];
    let mut all = HashSet::new();
    for name in odd {
        let file = file(name);
        assert!(is_safe(&file) && file.len() <= 160, "{name:?}: {file}");
        assert!(file.contains('~'), "{name:?}: {file}");
        assert!(all.insert(file.to_lowercase()), "{name:?}: {file}");
    }
    assert!(file("a/b").starts_with("a%2Fb~"));
}

#[test]
fn names_that_differ_in_case_only_have_files_that_differ_in_more() {
    let mut files = Files::default();
    files.take("A.json", &files.file("A.json"));
    let other = files.file("a.json");
    assert!(other.starts_with("a.json~"), "{other}");
    assert_eq!(files.file("A.json"), "A.json", "it keeps its own");
    files.free("A.json");
    assert_eq!(files.file("a.json"), "a.json");
}

proptest! {
    #[test]
    fn no_two_names_share_a_file(names in proptest::collection::hash_set("[aA./~%b\\\\]{0,6}|\\PC{0,300}", 1..30)) {
        let mut files = Files::default();
        let mut all = HashSet::new();
        for name in &names {
            let file = files.file(name);
            files.take(name, &file);
            prop_assert!(is_safe(&file) && file.len() <= PLAIN_MAX, "{name:?}: {file}");
            prop_assert!(all.insert(file.to_lowercase()), "{name:?}: {file}");
        }
    }
}
