//! Tokens before, during and after the start of their panes.

use futures_util::FutureExt;

use super::Beginnings;

#[test]
fn a_token_is_waited_for_until_its_pane_is_entered() {
    let beginnings = Beginnings::default();
    assert!(beginnings.of("a").is_none());
    let beginning = beginnings.begin(Some("a"));
    let mut waits = Box::pin(beginnings.of("a").unwrap());
    assert!(beginnings.of("b").is_none());
    assert!(waits.as_mut().now_or_never().is_none());
    drop(beginning);
    assert!(waits.now_or_never().is_some());
    assert!(beginnings.of("a").is_none());
}

#[test]
fn whoever_comes_without_a_token_waits_for_those_that_begin_now() {
    let beginnings = Beginnings::default();
    assert!(beginnings.present().is_none());
    let (one, two) = (beginnings.begin(Some("a")), beginnings.begin(None));
    let mut waits = Box::pin(beginnings.present().unwrap());
    let _later = beginnings.begin(None);
    drop(one);
    assert!(waits.as_mut().now_or_never().is_none());
    drop(two);
    assert!(waits.now_or_never().is_some());
}
