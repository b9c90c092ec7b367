//! What comes without being said, and what is refused.

use clap::error::ErrorKind;

use super::*;

fn parsed(line: &str) -> Result<Cli, clap::Error> {
    let words = line.split_whitespace();
    Cli::try_parse_from(std::iter::once("cargo local").chain(words))
}

/// An option of the start that has another default than `StartOptions::default` would have every
/// command refused with an option that nobody gave.
#[test]
fn a_command_comes_without_options_of_the_start() {
    for line in [
        "reset",
        "dead-letters",
        "dead-letters list --json",
        "redrive --yes --sequence 7",
        "load",
        "load --max --json",
        "load --shoppers 500 --faults bus=any,shop-storage=any,shop=kills",
        "chaos",
        "chaos --messages 1000 --seed 7",
        "completions bash",
        "--root elsewhere load",
        "load --root elsewhere",
    ] {
        let cli = parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(cli.command.is_some(), "{line}");
        assert_eq!(cli.options, StartOptions::default(), "{line}");
    }
    let start = parsed("").unwrap();
    assert!(start.command.is_none());
    assert_eq!(start.options, StartOptions::default());
    // And what is given is noticed.
    let given = parsed("--shops 1 load").unwrap();
    assert_ne!(given.options, StartOptions::default());
}

#[test]
fn several_shops_go_with_every_way_to_start() {
    for (line, shops) in [
        ("--shops 1", 1),
        ("--shops 8 --watch", 8),
        ("--func --shops 2", 2),
        ("--shops 2 --host none", 2),
        ("--azurite --shops=3", 3),
        ("--in-memory --no-build --shops 2 --ports auto", 2),
    ] {
        let cli = parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(cli.options.shops, Some(shops), "{line}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_was_expected() {
    for (line, kind, told) in [
        ("--shops 0", ErrorKind::ValueValidation, "1..=8"),
        ("--shops 99", ErrorKind::ValueValidation, "1..=8"),
        ("--shops 256", ErrorKind::ValueValidation, "1..=8"),
        ("--shops=-1", ErrorKind::ValueValidation, "1..=8"),
        ("--shops two", ErrorKind::ValueValidation, "'--shops <N>'"),
        ("--shops", ErrorKind::InvalidValue, "'--shops <N>'"),
        (
            "--shops 2 --no-petstore",
            ErrorKind::ArgumentConflict,
            "--no-petstore",
        ),
        (
            "--shops 2 --shops 3",
            ErrorKind::ArgumentConflict,
            "--shops",
        ),
        (
            "--watch --no-build",
            ErrorKind::ArgumentConflict,
            "--no-build",
        ),
        ("--func --host none", ErrorKind::ArgumentConflict, "--host"),
        ("load --shops 2", ErrorKind::UnknownArgument, "--shops"),
        (
            "load --shoppers 5 --carts 5",
            ErrorKind::ArgumentConflict,
            "--carts",
        ),
    ] {
        let refused = parsed(line).expect_err(line);
        assert_eq!(refused.kind(), kind, "{line}: {refused}");
        assert!(refused.to_string().contains(told), "{line}: {refused}");
    }
}
