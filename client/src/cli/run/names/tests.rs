//! Names from first words.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn names(lines: &[&str]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    of(&lines)
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}

#[test]
fn a_command_is_named_by_its_first_words() {
    for (line, name) in [
        ("cargo test", "cargo test"),
        ("cargo test --workspace -- --nocapture", "cargo test"),
        ("true", "true"),
        ("exit 7", "exit 7"),
        ("echo hi; exit 3", "echo hi"),
        ("make&&make install", "make"),
        ("ls -l | wc -l", "ls -l"),
        ("sort <in >out", "sort"),
        (
            "A=1 B=2 ./configure --prefix=/usr",
            "configure --prefix=/usr",
        ),
        ("/usr/bin/make -j4 all", "make -j4"),
        ("A=1", "A=1"),
        ("cd /srv/app", "cd /srv/app"),
        ("\ntwo\nlines of it", "two"),
        (" ", ""),
        ("; ;", ""),
        (
            "a-program-with-quite-a-long-name an-argument",
            "a-program-with-quite-a-long-nam…",
        ),
    ] {
        assert_eq!(names(&[line]), [name], "{line}");
    }
}

#[test]
fn further_words_tell_commands_apart_and_then_numbers_do() {
    assert_eq!(
        names(&["npm run build", "npm run lint", "npm test"]),
        ["npm run build", "npm run lint", "npm test"]
    );
    assert_eq!(
        names(&[
            "cargo test",
            "cargo test",
            "cargo test -q",
            "true",
            "cargo test"
        ]),
        [
            "cargo test",
            "cargo test (2)",
            "cargo test -q",
            "true",
            "cargo test (3)"
        ]
    );
    assert_eq!(
        names(&["sh -c 'exit 3'", "sh -c 'exit 4'"]),
        ["sh -c 'exit 3'", "sh -c 'exit 4'"]
    );
}

proptest! {
    #[test]
    fn names_differ_and_can_be_names(lines in prop::collection::vec("[ab ;(2)\u{e9}]{0,12}", 0..12)) {
        let names: Vec<_> = of(&lines).into_iter().flatten().collect();
        let different: HashSet<_> = names.iter().collect();
        prop_assert_eq!(different.len(), names.len());
        for name in names {
            prop_assert!(!name.trim().is_empty() && name.chars().count() <= 64);
        }
    }
}
