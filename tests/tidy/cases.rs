//! The table of situations from use in docs/testing.md: each sentence names tests that exist.

use std::collections::BTreeSet;

use super::{files, root};

/// The heading above the table.
const HEADING: &str = "## Situations from use";

/// The names of all test functions, as they stand in the sources.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files() {
        let mut is_test = false;
        let mut in_proptest = false;
        for line in file.text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            }
            in_proptest |= line.starts_with("proptest!");
            let Some((_, rest)) = line.split_once("fn ") else {
                continue;
            };
            if is_test || in_proptest {
                let end = rest.find(['(', '<']).unwrap_or(rest.len());
                names.insert(rest[..end].to_owned());
            }
            is_test = false;
        }
    }
    names
}

/// The rows of the table: the situation, what is right, and the names of the tests.
fn rows() -> Vec<(String, String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("docs/testing.md")).expect("docs/testing.md");
    let (_, after) = text.split_once(HEADING).expect("the table's heading");
    let table = after.lines().skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [case, right, tests] = cells[..] else {
                panic!("not three cells: {line}");
            };
            let names = tests.split('`').skip(1).step_by(2).map(str::to_owned);
            (case.to_owned(), right.to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn each_sentence_of_the_situations_from_use_names_tests_that_exist() {
    let names = test_names();
    let mut wrong = Vec::new();
    for (case, right, tests) in rows() {
        if tests.is_empty() {
            wrong.push(format!("{case}: no test for “{right}”"));
        }
        for test in tests {
            // The path of the module may stand before the name.
            let name = test.rsplit("::").next().unwrap_or_default();
            if !names.contains(name) {
                wrong.push(format!("{case}: no test is called {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
