//! Golden bytes for updates, modes, clipping and messages.

use protocol::event::ScreenRow;

use super::*;

fn row(row: u16, text: &str) -> ScreenRow {
    ScreenRow {
        row,
        ansi: text.as_bytes().to_vec(),
    }
}

fn update(full: bool, rows: Vec<ScreenRow>) -> ScreenUpdate {
    ScreenUpdate {
        full,
        rows,
        size: Size::new(3, 10),
        cursor: ScreenCursor {
            row: 1,
            col: 2,
            visible: true,
            shape: 0,
        },
        ..ScreenUpdate::default()
    }
}

fn drawn(renderer: &mut Renderer, update: &ScreenUpdate) -> String {
    let mut out = Vec::new();
    renderer.draw(update, &mut out);
    String::from_utf8(out).unwrap()
}

fn renderer() -> Renderer {
    Renderer::new(Size::new(3, 10))
}

#[test]
fn a_full_update_clears_first_and_is_seen_at_once() {
    let full = update(true, vec![row(0, "\x1b[31mred"), row(1, "$ ")]);
    assert_eq!(
        drawn(&mut renderer(), &full),
        "\x1b[?2026h\x1b[?25l\x1b[m\x1b[H\x1b[2J\
         \x1b[1;1H\x1b[31mred\x1b[m\x1b[2;1H$ \x1b[m\
         \x1b[2;3H\x1b[?25h\x1b[?2026l"
    );
}

#[test]
fn an_echo_is_one_row_its_end_and_the_cursor() {
    let echo = update(false, vec![row(1, "$ a")]);
    assert_eq!(
        drawn(&mut renderer(), &echo),
        "\x1b[?25l\x1b[2;1H$ a\x1b[m\x1b[K\x1b[2;3H\x1b[?25h"
    );
}

#[test]
fn a_cursor_that_moves_is_only_moved() {
    assert_eq!(drawn(&mut renderer(), &update(false, vec![])), "\x1b[2;3H");
}

#[test]
fn a_row_as_wide_as_the_terminal_keeps_its_last_cell() {
    let text = drawn(&mut renderer(), &update(false, vec![row(0, "0123456789")]));
    assert!(text.contains("0123456789\x1b[m\x1b[2;3H"), "{text:?}");
    let text = drawn(
        &mut renderer(),
        &update(false, vec![row(0, "\x1b[1m世世世世世")]),
    );
    assert!(!text.contains("\x1b[K"), "{text:?}");
    let text = drawn(&mut renderer(), &update(false, vec![row(0, "世世世世")]));
    assert!(text.contains("世世世世\x1b[m\x1b[K"), "{text:?}");
}

#[test]
fn a_wider_and_higher_pane_is_clipped() {
    let mut large = update(
        true,
        vec![row(0, "\x1b[1m01234567世x\x1b[0m"), row(7, "below")],
    );
    large.size = Size::new(8, 12);
    large.cursor.row = 7;
    let mut renderer = renderer();
    let text = drawn(&mut renderer, &large);
    assert!(text.contains("\x1b[1m01234567世\x1b[0m\x1b[m"), "{text:?}");
    assert!(!text.contains("below"), "{text:?}");
    assert!(
        text.ends_with("\x1b[?2026l") && !text.contains("\x1b[?25h"),
        "{text:?}"
    );
    assert_eq!(clipped("012345678世".as_bytes(), 10), b"012345678");
    assert_eq!(
        clipped("e\u{301}e\u{301}x".as_bytes(), 2),
        "e\u{301}e\u{301}".as_bytes()
    );
}

#[test]
fn the_cursor_follows_visibility_and_shape() {
    let mut renderer = renderer();
    let mut hidden = update(false, vec![]);
    hidden.cursor.visible = false;
    assert_eq!(drawn(&mut renderer, &hidden), "\x1b[?25l");
    assert_eq!(drawn(&mut renderer, &hidden), "");
    let mut bar = update(false, vec![]);
    bar.cursor.shape = 5;
    bar.cursor.col = 40;
    assert_eq!(drawn(&mut renderer, &bar), "\x1b[2;10H\x1b[5 q\x1b[?25h");
    assert_eq!(drawn(&mut renderer, &bar), "\x1b[2;10H");
}

#[test]
fn modes_are_mirrored_once_and_taken_back() {
    let mut renderer = renderer();
    let mut with = update(false, vec![]);
    with.cursor.visible = false;
    drawn(&mut renderer, &with);
    with.modes = mode::BRACKETED_PASTE | mode::APPLICATION_CURSOR | mode::APPLICATION_KEYPAD;
    assert_eq!(drawn(&mut renderer, &with), "\x1b[?1h\x1b[?2004h\x1b=");
    assert_eq!(drawn(&mut renderer, &with), "");
    with.modes = mode::FOCUS_EVENTS | mode::MOUSE_CLICK | mode::MOUSE_DRAG | mode::MOUSE_SGR;
    assert_eq!(
        drawn(&mut renderer, &with),
        "\x1b[?1l\x1b[?2004l\x1b[?1004h\x1b[?1006h\x1b>\x1b[?1000h\x1b[?1002h"
    );
    with.modes = mode::MOUSE_DRAG | mode::MOUSE_SGR;
    assert_eq!(
        drawn(&mut renderer, &with),
        "\x1b[?1004l\x1b[?1000l\x1b[?1002l\x1b[?1002h"
    );
    with.modes = mode::ALTERNATE_SCREEN | mode::SYNCHRONIZED;
    assert_eq!(drawn(&mut renderer, &with), "\x1b[?1006l\x1b[?1002l");
}

#[test]
fn title_and_bell() {
    let mut renderer = renderer();
    let mut loud = update(false, vec![]);
    loud.bell = true;
    loud.title = Some("a\x07\x1b]2;b".into());
    assert_eq!(drawn(&mut renderer, &loud), "\x1b]2;a]2;b\x07\x07\x1b[2;3H");
}

#[test]
fn a_message_stands_on_the_last_line_until_it_is_taken_away() {
    let mut renderer = renderer();
    let mut out = Vec::new();
    renderer.say(Some("hello there\n".into()), &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\x1b[?25l\x1b[3;1H\x1b[7mhello ther\x1b[m"
    );
    assert!(renderer.has_message());
    let text = drawn(&mut renderer, &update(false, vec![row(2, "x")]));
    let (at, over) = (text.find("x\x1b[m").unwrap(), text.find("hello").unwrap());
    assert!(at < over, "{text:?}");
    let mut out = Vec::new();
    renderer.say(None, &mut out);
    assert!(out.is_empty() && !renderer.has_message());
}

#[test]
fn sequences_have_no_width() {
    assert_eq!(columns(b"\x1b[1;38;2;1;2;3mab\x1b[0m"), 2);
    assert_eq!(columns(b"\x1b]8;;http://x\x1b\\ab\x1b]8;;\x07"), 2);
    assert_eq!(columns("é世\u{301}".as_bytes()), 3);
    assert_eq!(columns(b"\x1b[1"), 0);
    assert_eq!(columns(b"a\xff"), 2);
}
