//! Panes that are held back, and let in again.

use super::*;

fn noted(dir: &tempfile::TempDir, panes: &[Option<PaneUuid>]) -> HeldBack {
    let path = dir.path().join("wedges");
    let records = panes.iter().fold(Records::load(&path), |records, pane| {
        records.add(*pane, "a test")
    });
    records.save(&path).unwrap();
    let held = HeldBack::new(path);
    held.load();
    held
}

#[test]
fn a_pane_is_held_back_until_it_is_asked_for_and_that_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let (bad, other) = (PaneUuid::new(), PaneUuid::new());
    let held = noted(&dir, &[Some(bad), Some(other), Some(bad)]);
    let why = held.why(bad).expect("held back");
    assert!(
        why.contains("2 times") && why.contains("fugue retry"),
        "{why}"
    );
    assert_eq!((held.why(other), held.careful()), (None, None));
    held.let_in(bad);
    assert_eq!(held.why(bad), None);
    assert_eq!(noted(&dir, &[]).why(bad), None, "nor by the next daemon");
    // It counts anew.
    assert_eq!(noted(&dir, &[Some(bad)]).why(bad), None);
    let held = noted(&dir, &[Some(bad)]);
    assert!(held.why(bad).is_some());
    held.gone(bad);
    assert_eq!(noted(&dir, &[]).why(bad), None);
}

#[test]
fn a_careful_daemon_holds_back_all_panes_but_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (PaneUuid::new(), PaneUuid::new());
    let held = noted(&dir, &[None, None, None]);
    assert!(held.careful().is_some());
    assert!(held.why(one).is_some_and(|why| why.contains("carefully")));
    held.let_in(one);
    assert_eq!(held.why(one), None);
    assert!(held.why(two).is_some(), "one by one");
    assert_eq!(held.why(PaneUuid::new()), None, "its own");
}
