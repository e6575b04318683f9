//! Tests of `seldom`.

use super::*;

#[test]
fn it_is_told_once_in_a_while_with_how_often_it_was_not() {
    let seldom = Seldom::new(Duration::from_secs(1));
    let told: Vec<_> = [0, 10, 999, 1_000, 1_001, 5_000]
        .map(|ms| seldom.tell_at(Duration::from_millis(ms)))
        .into();
    assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    assert_eq!(Seldom::new(Duration::from_secs(1)).tell(), Some(0));
}
