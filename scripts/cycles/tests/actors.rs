//! The crates in `actors` hold their limits.

#![allow(clippy::unwrap_used, reason = "what fails in a test is to be seen")]

use std::path::Path;

use cycles::{CrateTree, Graph};

/// Each crate's folder, and the most files of a cycle in it.
const LIMITS: [(&str, usize); 6] = [
    ("actors/journal", 12),
    ("actors/terminal", 12),
    ("actors/pty", 12),
    ("actors/model", 12),
    ("actors/store", 12),
    ("actors", 4),
];

#[test]
fn no_import_cycle_has_more_files_than_its_crate_may_have() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (folder, most) in LIMITS {
        let tree = CrateTree::read(&root.join(folder).join("src/lib.rs")).unwrap();
        let cycles = Graph::of(&tree).cycles();
        let largest = cycles.first().map_or(0, Vec::len);
        assert!(
            largest <= most,
            "{folder}: {largest} files, at most {most}: {cycles:?}"
        );
    }
}
