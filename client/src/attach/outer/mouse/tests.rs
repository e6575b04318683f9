//! Reports as programs asked for them.

use super::*;

fn press(button: u16) -> Mouse {
    Mouse {
        button,
        row: 4,
        col: 2,
        release: false,
    }
}

#[test]
fn each_program_gets_the_form_and_the_kinds_that_it_asked_for() {
    const SGR: u32 = mode::MOUSE_CLICK | mode::MOUSE_SGR;
    let release = Mouse {
        release: true,
        ..press(0)
    };
    let far = Mouse {
        col: 300,
        ..press(0)
    };
    let rows: [(&str, Mouse, u32, Option<&[u8]>); 12] = [
        ("nobody asked", press(0), mode::MOUSE_SGR, None),
        ("a click", press(0), SGR, Some(b"\x1b[<0;3;5M")),
        ("its end", release, SGR, Some(b"\x1b[<0;3;5m")),
        ("the wheel", press(65), SGR, Some(b"\x1b[<65;3;5M")),
        ("a drag that nobody wants", press(32), SGR, None),
        (
            "a drag",
            press(32),
            mode::MOUSE_DRAG | mode::MOUSE_SGR,
            Some(b"\x1b[<32;3;5M"),
        ),
        (
            "a move for who wants drags",
            press(35),
            mode::MOUSE_DRAG,
            None,
        ),
        (
            "a move",
            press(35),
            mode::MOUSE_MOTION | mode::MOUSE_SGR,
            Some(b"\x1b[<35;3;5M"),
        ),
        (
            "the oldest form",
            press(0),
            mode::MOUSE_CLICK,
            Some(b"\x1b[M #%"),
        ),
        (
            "its end in the oldest form",
            release,
            mode::MOUSE_CLICK,
            Some(b"\x1b[M##%"),
        ),
        ("too far for the oldest form", far, mode::MOUSE_CLICK, None),
        (
            "far in UTF-8",
            far,
            mode::MOUSE_CLICK | mode::MOUSE_UTF8,
            Some("\x1b[M \u{14d}%".as_bytes()),
        ),
    ];
    for (name, mouse, modes, wanted) in rows {
        assert_eq!(mouse.report(modes).as_deref(), wanted, "{name}");
    }
}

#[test]
fn the_wheel_is_told_from_buttons() {
    assert_eq!(press(64).wheel(), Some(3));
    assert_eq!(press(65 + 16).wheel(), Some(-3));
    assert_eq!(press(0).wheel(), None);
    assert!(press(2).is_press() && !press(64).is_press() && !press(35).is_press());
}
