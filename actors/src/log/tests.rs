//! Tests of when a log has colours.

use std::ffi::OsStr;

use super::colored;

#[test]
fn colours_are_for_terminals_whose_owner_wants_them() {
    assert!(colored(true, None));
    assert!(colored(true, Some(OsStr::new(""))));
    assert!(!colored(true, Some(OsStr::new("1"))));
    assert!(!colored(false, None));
}
