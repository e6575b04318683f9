//! Typed bytes and what they mean, whole and in pieces.

use proptest::prelude::*;

use super::*;

fn parse(bytes: &[u8]) -> Vec<Action> {
    PrefixParser::default().parse(bytes)
}

fn input(bytes: &[u8]) -> Action {
    Action::Input(bytes.to_vec())
}

#[test]
fn commands() {
    assert_eq!(
        parse(b"ab\x02dcd"),
        [input(b"ab"), Action::Detach, input(b"cd")]
    );
    assert_eq!(
        parse(b"\x02n\x02p\x02o"),
        [Action::NextWindow, Action::PreviousWindow, Action::NextPane]
    );
    assert_eq!(parse(b"\x02r\x02?"), [Action::Redraw, Action::Help]);
    assert_eq!(parse(b"\x02\x02x"), [input(b"\x02x")]);
    assert_eq!(
        parse(b"a\x02zb"),
        [input(b"ab")],
        "an unknown command is dropped"
    );
}

#[test]
fn keys_that_are_sequences_mean_nothing_behind_the_prefix() {
    assert_eq!(parse(b"\x02\x1b[Ax"), [input(b"x")]);
    assert_eq!(parse(b"\x02\x1b[1;5Cx"), [input(b"x")]);
    assert_eq!(parse(b"\x02\x1bOPx"), [input(b"x")]);
    assert_eq!(parse(b"\x02\x1bfx"), [input(b"x")]);
}

#[test]
fn a_lone_escape_is_passed_on_at_once() {
    let mut parser = PrefixParser::default();
    assert_eq!(parser.parse(b"\x1b"), [input(b"\x1b")]);
    assert_eq!(parser.parse(b"\x02"), []);
    assert_eq!(parser.parse(b"d"), [Action::Detach]);
}

#[test]
fn nothing_in_a_paste_is_a_command() {
    let paste = b"\x1b[200~a\x02d\x1b[200~\x1b[201\x02n\x1b\x1b[201~";
    assert_eq!(parse(paste), [input(paste)]);
    let mut then = paste.to_vec();
    then.extend(b"x\x02d");
    let mut before = paste.to_vec();
    before.push(b'x');
    assert_eq!(parse(&then), [input(&before), Action::Detach]);
}

/// Adjacent input as one.
fn merged(actions: Vec<Action>) -> Vec<Action> {
    let mut merged: Vec<Action> = Vec::new();
    for action in actions {
        match (merged.last_mut(), action) {
            (Some(Action::Input(bytes)), Action::Input(more)) => bytes.extend(more),
            (_, action) => merged.push(action),
        }
    }
    merged
}

fn typed() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(PASTE_BEGINS.to_vec()),
        Just(PASTE_ENDS.to_vec()),
        Just(vec![PREFIX]),
        prop::sample::select(b"dnpor?\x1b[O~201x\x02".to_vec()).prop_map(|b| vec![b]),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_actions(bytes in typed(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut parser = PrefixParser::default();
        let mut actions = Vec::new();
        let mut from = 0;
        for cut in cuts {
            actions.extend(parser.parse(&bytes[from..cut]));
            from = cut;
        }
        prop_assert_eq!(merged(actions), parse(&bytes));
    }

    #[test]
    fn without_the_prefix_every_byte_is_passed_on(bytes in prop::collection::vec(3u8.., 1..200)) {
        prop_assert_eq!(parse(&bytes), [input(&bytes)]);
    }
}
