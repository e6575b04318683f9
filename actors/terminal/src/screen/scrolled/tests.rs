//! Scrolling back and on again.

use protocol::Size;

use crate::screen::Screen;

fn screen() -> Screen {
    let mut screen = Screen::new(Size::new(4, 10), 100);
    for line in 0..20 {
        screen.advance(format!("\r\nline {line}").as_bytes());
    }
    screen
}

fn first_row(screen: &Screen, first: u64) -> String {
    let row = screen.update_scrolled(first).rows.remove(0);
    String::from_utf8(row.ansi).unwrap().replace("\x1b[m", "")
}

#[test]
fn rows_are_found_again_however_much_is_printed_meanwhile() {
    let mut screen = screen();
    let first = screen.scroll_from(None, 3).unwrap();
    assert_eq!(first_row(&screen, first), "line 13");
    assert_eq!(screen.update_scrolled(first).rows_back, 3);
    screen.advance(b"\r\nmore\r\nmore");
    assert_eq!(first_row(&screen, first), "line 13");
    assert_eq!(screen.update_scrolled(first).rows_back, 5);
    assert_eq!(
        screen.scroll_from(Some(first), -5),
        None,
        "at the end again"
    );
    let oldest = screen.scroll_from(Some(first), i32::MAX).unwrap();
    assert_eq!(first_row(&screen, oldest), "");
    assert!(!screen.update_scrolled(oldest).cursor.visible);
}

#[test]
fn there_is_nothing_to_scroll_without_a_history_and_on_the_alternate_screen() {
    let mut screen = Screen::new(Size::new(4, 10), 100);
    assert_eq!(screen.scroll_from(None, 3), None);
    screen = self::screen();
    let first = screen.scroll_from(None, 3).unwrap();
    screen.advance(b"\x1b[?1049h");
    assert_eq!(screen.scroll_from(None, 3), None);
    assert_eq!(screen.update_scrolled(first).rows_back, 0);
}
