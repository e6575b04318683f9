//! Modes are set once, taken back, and undone on leaving.

use super::*;

fn mirrored(modes: &mut Modes, wanted: u32) -> String {
    let mut out = Vec::new();
    modes.mirror(wanted, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn modes_are_mirrored_once_and_taken_back() {
    let mut modes = Modes::new(false);
    let keys = mode::BRACKETED_PASTE | mode::APPLICATION_CURSOR | mode::APPLICATION_KEYPAD;
    assert_eq!(
        mirrored(&mut modes, keys),
        "\x1b[?1h\x1b=",
        "pastes are marked in any case"
    );
    assert_eq!(mirrored(&mut modes, keys), "");
    let mouse = mode::FOCUS_EVENTS | mode::MOUSE_CLICK | mode::MOUSE_DRAG;
    assert_eq!(
        mirrored(&mut modes, mouse),
        "\x1b[?1l\x1b[?1004h\x1b>\x1b[?1002h"
    );
    assert_eq!(
        mirrored(&mut modes, mode::MOUSE_MOTION),
        "\x1b[?1004l\x1b[?1002l\x1b[?1003h"
    );
    assert_eq!(mirrored(&mut modes, mode::ALTERNATE_SCREEN), "\x1b[?1003l");
}

#[test]
fn a_view_that_wants_the_wheel_asks_for_the_least() {
    let mut modes = Modes::new(true);
    assert_eq!(mirrored(&mut modes, 0), "\x1b[?1000h");
    assert_eq!(
        mirrored(&mut modes, mode::MOUSE_DRAG),
        "\x1b[?1000l\x1b[?1002h"
    );
    assert_eq!(mirrored(&mut modes, 0), "\x1b[?1002l\x1b[?1000h");
    modes.forget();
    assert_eq!(mirrored(&mut modes, 0), "\x1b[?1000h");
}

#[test]
fn a_title_is_set_when_there_is_one_and_the_terminals_own_comes_back() {
    let mut modes = Modes::new(false);
    let mut title = |title: &str| {
        let mut out = Vec::new();
        modes.set_title(title, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(title(""), "", "nothing is set that no program asked for");
    assert_eq!(title("a\x07\x1b]2;b"), "\x1b]2;a]2;b\x07");
    assert_eq!(title("a]2;b"), "");
    assert_eq!(title(""), "\x1b[23;0t\x1b[22;0t");
}

#[test]
fn the_keyboard_writes_keys_as_the_program_asked_for_and_is_put_back() {
    let mut modes = Modes::new(false);
    let mut keyboard = |flags, level| {
        let mut out = Vec::new();
        modes.set_keyboard(flags, level, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(keyboard(0, 0), "", "nobody asked");
    assert_eq!(keyboard(1, 0), "\x1b[>1u", "one entry of the stack");
    assert_eq!(keyboard(5, 0), "\x1b[=5u", "the same entry");
    assert_eq!(keyboard(5, 0), "");
    assert_eq!(keyboard(0, 2), "\x1b[<u\x1b[>4;2m");
    assert_eq!(keyboard(0, 0), "\x1b[>4m");
    assert_eq!(keyboard(1, 0), "\x1b[>1u");
    modes.forget();
    let mut out = Vec::new();
    modes.set_keyboard(1, 0, &mut out);
    assert_eq!(out, b"\x1b[>1u", "the terminal was made ready anew");
}

#[test]
fn everything_that_may_be_set_is_undone() {
    let leave = std::str::from_utf8(LEAVE).unwrap();
    let numbers = PLAIN.iter().chain(&TRACKING).map(|(_, number)| *number);
    for number in numbers.chain([2004, 1006, 1049, 2026]) {
        assert!(leave.contains(&format!("\x1b[?{number}l")), "{number}");
    }
    for wanted in [
        "\x1b[?25h",
        "\x1b[?7h",
        "\x1b[0 q",
        "\x1b>",
        "\x1b[<8u",
        "\x1b[>4m",
        "\x1b[r",
        "\x1b[?1007r",
    ] {
        assert!(leave.contains(wanted), "{wanted:?}");
    }
    assert!(
        leave.ends_with("\x1b[?1049l"),
        "the usual screen comes last"
    );
}
