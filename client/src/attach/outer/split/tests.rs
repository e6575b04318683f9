//! What comes from a terminal and what it means, whole and in pieces.

use proptest::prelude::*;

use super::*;

fn split(bytes: &[u8]) -> Vec<Input> {
    let mut splitter = Splitter::default();
    let mut inputs = splitter.feed(bytes, Instant::now());
    inputs.extend(splitter.give_up());
    merged(inputs)
}

fn typed(bytes: &[u8]) -> Input {
    Input::Typed(bytes.to_vec())
}

fn paste(bytes: &[u8]) -> Input {
    Input::Paste {
        bytes: bytes.to_vec(),
        begins: true,
        ends: true,
    }
}

/// Adjacent keys and adjacent pieces of a paste as one.
fn merged(inputs: Vec<Input>) -> Vec<Input> {
    let mut merged: Vec<Input> = Vec::new();
    for input in inputs {
        match (merged.last_mut(), input) {
            (Some(Input::Typed(bytes)), Input::Typed(more)) => bytes.extend(more),
            (
                Some(Input::Paste { bytes, ends, .. }),
                Input::Paste {
                    bytes: more,
                    begins: false,
                    ends: last,
                },
            ) => {
                bytes.extend(more);
                *ends |= last;
            }
            (_, input) => merged.push(input),
        }
    }
    merged
}

#[test]
fn commands() {
    use Command as C;
    for (bytes, wanted) in [
        (
            &b"ab\x02dcd"[..],
            vec![typed(b"ab"), Input::Command(C::Detach), typed(b"cd")],
        ),
        (b"\x02n", vec![Input::Command(C::NextWindow)]),
        (b"\x02p", vec![Input::Command(C::PreviousWindow)]),
        (b"\x02o", vec![Input::Command(C::NextPane)]),
        (b"\x02r", vec![Input::Command(C::Redraw)]),
        (b"\x02?", vec![Input::Command(C::Help)]),
        (b"\x02\x1b[A", vec![Input::Command(C::Pan(-1, 0))]),
        (b"\x02\x1bOC", vec![Input::Command(C::Pan(0, 1))]),
        (b"\x02\x1b[5~", vec![Input::Command(C::Page(1))]),
        (b"\x02\x02x", vec![typed(b"\x02x")]),
        (
            b"a\x02zb",
            vec![typed(b"a"), Input::Command(C::Help), typed(b"b")],
        ),
        // As kitty's protocol and modifyOtherKeys write the same keys.
        (b"\x1b[98;5ud", vec![Input::Command(C::Detach)]),
        (
            b"\x1b[98;5:1u\x1b[98;5:3u\x1b[100;1:1u",
            vec![Input::Command(C::Detach)],
        ),
        (b"\x1b[27;5;98~n", vec![Input::Command(C::NextWindow)]),
        (b"\x1b[98;5u\x1b[57441;2u?", vec![Input::Command(C::Help)]),
        (b"\x02\x1b[98;5u", vec![typed(b"\x1b[98;5u")]),
    ] {
        assert_eq!(split(bytes), wanted, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn keys_without_a_meaning_behind_the_prefix_are_dropped_whole() {
    for key in [&b"\x1b[1;5P"[..], b"\x1bOP", b"\x1bf", b"\x1b[3~"] {
        assert_eq!(split(&[b"\x02", key, b"x"].concat()), [typed(b"x")]);
    }
}

#[test]
fn a_lone_escape_is_a_key_when_nothing_follows() {
    let mut splitter = Splitter::default();
    assert_eq!(splitter.feed(b"\x1b", Instant::now()), []);
    assert!(splitter.is_waiting());
    assert_eq!(splitter.give_up(), [typed(b"\x1b")]);
    assert!(!splitter.is_waiting());
    assert_eq!(splitter.feed(b"\x02", Instant::now()), []);
    assert!(!splitter.is_waiting(), "the prefix waits without a limit");
    assert_eq!(
        splitter.feed(b"d", Instant::now()),
        [Input::Command(Command::Detach)]
    );
}

#[test]
fn nothing_in_a_paste_is_a_command() {
    let inside = b"a\x02d\x1b[200~\x1b[201\x02n\x1b\x1b[<0;1;1M";
    let all = [PASTE_BEGINS, inside, PASTE_ENDS, b"x\x02d"].concat();
    assert_eq!(
        split(&all),
        [paste(inside), typed(b"x"), Input::Command(Command::Detach)]
    );
    let prefix_before = [b"\x02", PASTE_BEGINS, b"d", PASTE_ENDS].concat();
    assert_eq!(split(&prefix_before), [paste(b"d")]);
    assert_eq!(split(&[PASTE_BEGINS, PASTE_ENDS].concat()), [paste(b"")]);
    assert_eq!(
        split(&[PASTE_ENDS, b"x"].concat()),
        [typed(b"x")],
        "an end without a paste"
    );
}

#[test]
fn a_burst_is_a_paste_of_a_terminal_that_does_not_mark_them() {
    let burst = [&b"a line\r".repeat(20)[..], b"\x02d", &b"more\r".repeat(9)].concat();
    assert_eq!(split(&burst), [typed(&burst)]);
    let now = Instant::now();
    let mut splitter = Splitter::default();
    splitter.feed(&burst, now);
    assert_eq!(
        splitter.feed(b"\x02d", now + BURST_PAUSE / 2),
        [typed(b"\x02d")],
        "the rest of it"
    );
    let later = now + BURST_PAUSE * 4;
    assert_eq!(
        splitter.feed(b"\x02d", later),
        [Input::Command(Command::Detach)]
    );
    // Many keys that are sequences, or some that waited on a slow line, are no burst.
    let keys = [&b"\x1b[A".repeat(100)[..], b"ls -la\r\x02d"].concat();
    assert_eq!(split(&keys).last(), Some(&Input::Command(Command::Detach)));
}

#[test]
fn reports_of_mouse_and_focus_are_told_apart_and_answers_are_dropped() {
    let mouse = |button, row, col, release| {
        Input::Mouse(Mouse {
            button,
            row,
            col,
            release,
        })
    };
    assert_eq!(
        split(b"\x1b[<0;5;7M\x1b[<0;5;7m"),
        [mouse(0, 6, 4, false), mouse(0, 6, 4, true)]
    );
    assert_eq!(
        split(b"\x1b[M !\""),
        [mouse(0, 1, 0, false)],
        "the oldest form"
    );
    assert_eq!(
        split(b"\x1b[I\x1b[O"),
        [Input::Focus(true), Input::Focus(false)]
    );
    assert_eq!(
        split(b"\x1b[?1u\x1b]4;1;rgb:0/0/0\x1b\\\x1bP1$r0m\x1b\\x"),
        [typed(b"x")]
    );
    assert_eq!(
        split(b"\x1b[1;2R\x1b]"),
        [typed(b"\x1b[1;2R\x1b]")],
        "F3 with Shift, and Alt-]"
    );
}

fn any_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(PASTE_BEGINS.to_vec()),
        Just(PASTE_ENDS.to_vec()),
        Just(b"\x02".to_vec()),
        prop::sample::select(b"dnpor?\x1b[O~201x\x02;<M".to_vec()).prop_map(|b| vec![b]),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same(bytes in any_input(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut splitter = Splitter::default();
        let mut inputs = Vec::new();
        let mut from = 0;
        for cut in cuts {
            inputs.extend(splitter.feed(&bytes[from..cut], Instant::now()));
            from = cut;
        }
        inputs.extend(splitter.give_up());
        prop_assert_eq!(merged(inputs), split(&bytes));
    }

    #[test]
    fn what_is_no_sequence_and_no_prefix_is_passed_on(bytes in prop::collection::vec(0x1cu8.., 1..200)) {
        prop_assert_eq!(split(&bytes), [typed(&bytes)]);
    }

    #[test]
    fn a_paste_arrives_byte_by_byte_as_it_was(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assume!(!bytes.windows(PASTE_ENDS.len()).any(|window| window == PASTE_ENDS));
        let all = [PASTE_BEGINS, &bytes, PASTE_ENDS].concat();
        prop_assume!(!all[..all.len() - 1].ends_with(PASTE_ENDS));
        let mut splitter = Splitter::default();
        let inputs = all.iter().flat_map(|byte| splitter.feed(&[*byte], Instant::now()));
        prop_assert_eq!(merged(inputs.collect()), [paste(&bytes)]);
    }
}

#[test]
fn answers_of_the_terminal_are_never_keys() {
    let answers =
        b"\x1b]10;rgb:1111/1111/1111\x1b\\\x1b]11;rgb:ff/ff/ff\x07\x1b]99;?\x07\x1b[?62;22c";
    let all = [
        Input::Answer(Answer::Foreground((0x11, 0x11, 0x11))),
        Input::Answer(Answer::Background((255, 255, 255))),
        Input::Answer(Answer::Identity),
    ];
    let between = [&b"a"[..], answers, b"b"].concat();
    let wanted = [&[typed(b"a")][..], &all, &[typed(b"b")]].concat();
    assert_eq!(split(&between), wanted);
    for at in 1..answers.len() {
        let mut splitter = Splitter::default();
        let mut inputs = splitter.feed(&answers[..at], Instant::now());
        let begins = splitter.begins_answer();
        assert!(
            begins
                || !splitter.is_waiting()
                || answers[..at].ends_with(b"\x1b")
                || answers[..at].ends_with(b"\x1b[")
        );
        inputs.extend(splitter.feed(&answers[at..], Instant::now()));
        assert_eq!(inputs, all, "cut at {at}");
    }
}
