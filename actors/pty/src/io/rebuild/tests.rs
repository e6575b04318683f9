//! A rebuilt screen is the undisturbed one, wherever its daemon died.

use journal::Journal;
use proptest::prelude::*;
use protocol::Size;
use terminal::screen::{Extent, Screen};

use super::{SLICE_BYTES, carefully, rebuild};
use crate::setup::ScreenSetup;

const HISTORY: usize = 50;
const FIRST: Size = Size::new(10, 40);

#[derive(Clone, Debug)]
enum Step {
    Output(Vec<u8>),
    Resize(u16, u16),
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    let pieces = prop::sample::select(vec![
        "some text that is longer than the screen is wide, so that it wraps at once\r\n",
        "\x1b[31mred\x1b[0m \u{4e16}\u{754c} e\u{301}\r\n",
        "\x1b[3;5Hthere\x1b[K",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b7",
        "\x1b8",
        "\x1b[2;6r",
        "\x1b[6n",
        "\n",
        "\x1b[",
        "2J",
        "\u{1f600}",
    ]);
    prop_oneof![
        8 => prop::collection::vec(pieces, 1..12)
            .prop_map(|pieces| Step::Output(pieces.concat().into_bytes())),
        2 => (2u16..20, 5u16..60).prop_map(|(rows, cols)| Step::Resize(rows, cols)),
        1 => Just(Step::Checkpoint),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn it_equals_the_undisturbed_one(steps in prop::collection::vec(step(), 1..40)) {
        let mut journal = Journal::anonymous(16 * 1024).unwrap();
        let mut screen = Screen::new(FIRST, HISTORY);
        assert!(journal.note_resize(FIRST.rows, FIRST.cols));
        for step in steps {
            match step {
                Step::Output(bytes) => {
                    journal.append(&bytes);
                    screen.advance(&bytes);
                    let _ = screen.take_replies();
                    journal.mark_answered(journal.position());
                }
                Step::Resize(rows, cols) => {
                    screen.resize(Size::new(rows, cols));
                    assert!(journal.note_resize(rows, cols));
                }
                Step::Checkpoint => {
                    let position = journal.position();
                    assert!(journal.store_checkpoint(position, &screen.checkpoint(Extent::Full)));
                }
            }
        }
        let mut rebuilt = rebuild(&journal, u64::MAX, screen.size(), HISTORY);
        prop_assert_eq!(rebuilt.answers, None);
        prop_assert_eq!(rebuilt.screen.state(), screen.state());
    }
}

#[test]
fn only_what_nobody_has_answered_is_answered() {
    let mut journal = Journal::anonymous(16 * 1024).unwrap();
    assert!(journal.note_resize(FIRST.rows, FIRST.cols));
    journal.append(b"one\x1b[6n");
    journal.mark_answered(journal.position());
    let rebuilt = rebuild(&journal, u64::MAX, FIRST, HISTORY);
    assert_eq!(rebuilt.answers, None);
    journal.append(b"two\x1b[6n");
    let rebuilt = rebuild(&journal, u64::MAX, FIRST, HISTORY);
    assert_eq!(rebuilt.answers.as_deref(), Some(&b"\x1b[1;7R"[..]));
}

#[test]
fn more_resizes_than_are_noted_ask_for_a_checkpoint() {
    let mut journal = Journal::anonymous(16 * 1024).unwrap();
    let mut screen = Screen::new(FIRST, HISTORY);
    let noted = (0..200).take_while(|_| journal.note_resize(5, 5)).count();
    assert_eq!(noted, 64);
    assert!(journal.store_checkpoint(0, &screen.checkpoint(Extent::Full)));
    assert_eq!(journal.resizes().count(), 0);
    assert!(journal.note_resize(7, 8));
    assert_eq!(journal.resizes().collect::<Vec<_>>(), [(0, 7, 8)]);
}

/// So many slices of lines, and what a screen shows after the first two of them.
fn lines(slices: usize) -> (Journal, Vec<u8>, Screen) {
    let mut journal = Journal::anonymous(64 * 1024).unwrap();
    let _fits = journal.note_resize(FIRST.rows, FIRST.cols);
    let line = |number: usize| format!("line {number}\r\n");
    let output: Vec<u8> = (0..)
        .flat_map(|n| line(n).into_bytes())
        .take(slices * SLICE_BYTES)
        .collect();
    journal.append(&output);
    let position = journal.position();
    journal.mark_answered(position);
    let mut screen = Screen::new(FIRST, HISTORY);
    screen.advance(&output[..2 * SLICE_BYTES]);
    (journal, output, screen)
}

fn left_out(is_over: &dyn Fn(u32) -> bool) {
    let (mut journal, output, mut before) = lines(5);
    let slices = std::cell::Cell::new(0);
    let is_over = || {
        slices.set(slices.get() + 1);
        is_over(slices.get())
    };
    let mut rebuilt = carefully(
        &mut journal,
        u64::MAX,
        FIRST,
        ScreenSetup::keeping(HISTORY),
        &is_over,
    );
    assert_eq!(rebuilt.left_out, (output.len() - 2 * SLICE_BYTES) as u64);
    assert_eq!(rebuilt.screen.state(), before.state());
    // The next one begins behind it.
    let fed = std::cell::Cell::new(0);
    let never = || {
        fed.set(fed.get() + 1);
        false
    };
    let mut again = carefully(
        &mut journal,
        u64::MAX,
        FIRST,
        ScreenSetup::keeping(HISTORY),
        &never,
    );
    assert_eq!((again.left_out, fed.get()), (0, 0));
    assert_eq!(again.screen.state(), before.state());
}

#[test]
fn output_that_the_screen_fails_at_is_left_out_and_not_parsed_again() {
    left_out(&|slice| {
        assert_ne!(slice, 3, "the screen fails");
        false
    });
}

#[test]
fn output_that_costs_too_much_is_left_out() {
    left_out(&|slice| slice >= 3);
}
