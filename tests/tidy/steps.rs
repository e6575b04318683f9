//! The steps that are named in the code and those of the table in `tests/steps/table.rs` are the same.

use std::collections::BTreeMap;

use super::files;
use crate::steps::table::{Kind, TABLE};

/// The names of all steps in the code, and whether each can fail.
fn named() -> BTreeMap<String, Kind> {
    let mut steps = BTreeMap::new();
    for file in files().iter().filter(|file| !file.is_test) {
        for part in file.text.split("step!(\"").skip(1) {
            let (name, rest) = part.split_once('"').expect("a step has a name");
            let kind = match rest.trim_start().strip_prefix(", sure)") {
                Some(_) => Kind::Sure,
                None => Kind::Fails,
            };
            let others = steps.insert(name.to_owned(), kind);
            assert_eq!(
                others, None,
                "{}: {name} is the name of two steps",
                file.path
            );
        }
    }
    steps
}

#[test]
fn each_step_that_the_code_names_is_walked_with_each_fault() {
    let named = named();
    assert!(named.len() > 20, "{named:?}");
    for (name, kind) in &named {
        let mut rows = TABLE.iter().filter(|(_, step, _)| step == name).peekable();
        assert!(rows.peek().is_some(), "no operation walks {name}");
        for (operation, _, walked) in rows {
            assert_eq!(walked, kind, "{operation:?}: {name}");
        }
    }
    for (operation, step, _) in TABLE {
        assert!(
            named.contains_key(*step),
            "{operation:?}: no step is called {step}"
        );
    }
}
