//! Tests of who gives way to whom.

use super::*;

#[test]
fn the_pane_that_is_typed_into_gives_way_to_nobody_and_the_others_to_it() {
    let (typed, other) = (LastKey::never(), LastKey::never());
    typed.typed();
    assert!(other.others_type());
    assert!(!typed.others_type());
}

#[test]
fn a_key_counts_for_a_while() {
    let key = LastKey::never();
    assert!(!key.is_recent(0), "nobody has typed");
    key.0.store(1_000, Ordering::Relaxed);
    assert!(key.is_recent(1_000));
    assert!(key.is_recent(1_000 + TYPING_MS - 1));
    assert!(!key.is_recent(1_000 + TYPING_MS));
}
