//! What is shown of a pane: parts, messages, places.

use protocol::event::{ScreenRow, mode};

use super::*;

fn row(row: u16, text: &str) -> ScreenRow {
    ScreenRow {
        row,
        ansi: text.as_bytes().to_vec(),
        clusters: None,
    }
}

fn update(size: Size, rows: Vec<ScreenRow>, cursor: (u16, u16)) -> ScreenUpdate {
    ScreenUpdate {
        full: true,
        rows,
        size,
        cursor: ScreenCursor {
            row: cursor.0,
            col: cursor.1,
            visible: true,
            shape: 0,
        },
        ..ScreenUpdate::default()
    }
}

fn drawn(display: &mut Display, update: &ScreenUpdate) -> String {
    let mut out = Vec::new();
    display.update(update, &mut out);
    String::from_utf8(out).unwrap()
}

fn display() -> Display {
    Display::new(Size::new(3, 10), false)
}

fn numbered(rows: u16, cols: usize) -> Vec<ScreenRow> {
    (0..rows)
        .map(|n| row(n, &format!("{n:<2}").repeat(cols / 2)))
        .collect()
}

#[test]
fn an_echo_is_its_character() {
    let mut display = display();
    drawn(
        &mut display,
        &update(Size::new(3, 10), vec![row(1, "$ ")], (1, 2)),
    );
    let mut echo = update(Size::new(3, 10), vec![row(1, "$ a")], (1, 3));
    echo.full = false;
    assert_eq!(drawn(&mut display, &echo), "a");
    assert_eq!(drawn(&mut display, &echo), "");
}

#[test]
fn a_smaller_terminal_shows_the_part_with_the_cursor() {
    let size = Size::new(9, 40);
    let mut display = display();
    let text = drawn(&mut display, &update(size, numbered(9, 40), (8, 39)));
    assert!(text.contains("8 8 8"), "{text:?}");
    assert!(text.contains("\x1b[?25h"), "the cursor is seen: {text:?}");
    assert!(!text.contains("5 5"), "{text:?}");
    let text = drawn(&mut display, &update(size, vec![], (0, 0)));
    assert!(display.origin == (0, 0), "back to the beginning: {text:?}");
}

#[test]
fn the_person_can_pan_and_typing_follows_again() {
    let size = Size::new(9, 40);
    let mut display = display();
    drawn(&mut display, &update(size, numbered(9, 40), (8, 0)));
    assert_eq!(display.origin, (6, 0));
    let mut out = Vec::new();
    display.pan(-1, 1, &mut out);
    assert_eq!(display.origin, (5, 5));
    for _ in 0..9 {
        display.pan(1, 1, &mut out);
    }
    assert_eq!(display.origin, (6, 30), "not beyond the end");
    drawn(&mut display, &update(size, numbered(9, 40), (0, 0)));
    assert_eq!(display.origin, (6, 30), "chosen by hand");
    display.follow(&mut out);
    assert_eq!(display.origin, (0, 0));
}

#[test]
fn a_click_means_the_pane_only_inside_of_it() {
    let mut display = display();
    drawn(&mut display, &update(Size::new(2, 5), vec![], (0, 0)));
    let at = |row, col| Mouse {
        button: 0,
        row,
        col,
        release: false,
    };
    assert_eq!(display.inside(at(1, 4), false), Some(at(1, 4)));
    assert_eq!(display.inside(at(2, 0), false), None);
    assert_eq!(display.inside(at(0, 5), false), None);
    assert_eq!(
        display.inside(at(2, 9), true),
        Some(at(1, 4)),
        "a drag that began inside"
    );
    drawn(&mut display, &update(Size::new(9, 40), vec![], (8, 0)));
    assert_eq!(
        display.inside(at(0, 1), false),
        Some(at(6, 1)),
        "of the part that is shown"
    );
}

#[test]
fn a_message_stands_on_the_last_line_and_gives_it_back() {
    let mut display = display();
    drawn(
        &mut display,
        &update(Size::new(3, 10), numbered(3, 10), (0, 0)),
    );
    let mut out = Vec::new();
    display.say(Some(Message::new(["hello there\n", "hello\n"])), &mut out);
    let text = String::from_utf8(std::mem::take(&mut out)).unwrap();
    assert!(text.contains("\x1b[0;7mhello"), "{text:?}");
    assert!(display.has_message());
    let text = drawn(
        &mut display,
        &update(Size::new(3, 10), numbered(3, 10), (0, 0)),
    );
    assert_eq!(text, "", "it stays");
    display.say(None, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("2 2 2 2 2"), "{text:?}");
}

#[test]
fn modes_titles_and_the_bell_are_passed_on() {
    let mut display = display();
    let mut loud = update(Size::new(3, 10), vec![], (0, 0));
    drawn(&mut display, &loud);
    loud.bell = true;
    loud.title = Some("t".into());
    loud.modes = mode::APPLICATION_CURSOR;
    assert_eq!(drawn(&mut display, &loud), "\x1b[?1h\x1b]2;t\x07\x07");
}

#[test]
fn a_terminal_that_was_made_ready_anew_gets_all_of_it_again() {
    let mut display = display();
    let mut first = update(Size::new(3, 10), vec![row(0, "text")], (0, 4));
    first.modes = mode::APPLICATION_CURSOR;
    first.title = Some("t".into());
    let before = drawn(&mut display, &first);
    let mut out = Vec::new();
    display.ready_again(Size::new(3, 10), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), before);
}
