//! What a program finds whose predecessor has left the terminal in any state.

use super::support::{all_text, screen, size, text};
use crate::screen::Screen;

/// What programs leave behind when they are killed.
const LEFT: [(&str, &str); 20] = [
    ("nothing", "old\r\n"),
    ("an unfinished line", "old"),
    ("the beginning of its only line", "old\r"),
    (
        "the alternate screen, entered from the first row",
        "old\x1b[2;3r\x1b[?1049hfull screen",
    ),
    ("the alternate screen", "old\r\n\x1b[?1049hfull screen"),
    ("the older alternate screen", "old\r\n\x1b[?47hfull screen"),
    (
        "the mouse",
        "old\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h",
    ),
    ("other mice", "old\x1b[?9h\x1b[?1005h\x1b[?1015h"),
    ("bracketed pastes and focus", "old\x1b[?2004h\x1b[?1004h"),
    ("a hidden cursor of another form", "old\x1b[?25l\x1b[5 q"),
    ("colours", "old\x1b[31;44;1;4;7m"),
    ("a drawing charset", "old\x1b(0\x0e\x1b)0"),
    ("a region", "old\x1b[2;3r\x1b[?6h\x1b[2;1H"),
    ("insertion without wrapping", "old\x1b[4h\x1b[?7l\x1b[20h"),
    ("application keys", "old\x1b[?1h\x1b="),
    ("keyboard protocols", "old\x1b[>1u\x1b[>3u\x1b[>4;2m"),
    ("a link", "old\x1b]8;;http://example.org\x1b\\here"),
    ("an unfinished string", "old\x1b]0;title without end"),
    ("an unfinished sequence", "old\x1b[38;5"),
    ("the middle of a frame", "old\x1b[?2026h"),
];

/// Enough to show region, wrapping, charset, colours and tabs.
const NEXT: &str = "\tqx\r\nl1\r\nl2\r\nl3\r\nl4\r\nl5\r\n0123456789012345678901\r\nlast";

fn styled(screen: &Screen) -> String {
    screen.read_last(usize::MAX, false, true, usize::MAX).text
}

#[test]
fn a_next_life_finds_a_usual_terminal_below_what_was_there() {
    let fresh = screen(NEXT);
    let modes = Screen::new(size(5, 20), 100).modes();
    for (what, left) in LEFT {
        let mut screen = screen(left);
        screen.begin_life();
        assert_eq!(screen.modes(), modes, "{what}");
        let cursor = screen.cursor();
        assert_eq!((cursor.col, cursor.visible), (0, true), "{what}");
        assert_eq!(cursor.shape, fresh.cursor().shape, "{what}");
        assert!(screen.take_replies().is_none(), "{what}");
        screen.advance(NEXT.as_bytes());
        assert_eq!(styled(&screen), styled(&fresh), "{what}");
        let all = all_text(&screen);
        assert!(all.starts_with("old"), "{what}: {all:?}");
        assert!(all.contains("\n        qx\nl1\n"), "{what}: {all:?}");
    }
}

#[test]
fn a_full_screen_is_scrolled_and_an_empty_one_is_not() {
    let mut full = screen("1\r\n2\r\n3\r\n4\r\n5\x1b[1;1H");
    full.begin_life();
    full.advance(b"next");
    assert_eq!(all_text(&full), "1\n2\n3\n4\n5\nnext");
    assert_eq!(text(&full), "2\n3\n4\n5\nnext");
    // Nor is there an empty line between the two lives where the first has ended its last one.
    let mut ended = screen("1\r\n2\r\n3\r\n4\r\n");
    ended.begin_life();
    ended.advance(b"next");
    assert_eq!(all_text(&ended), "1\n2\n3\n4\nnext");
    let mut empty = screen("");
    empty.begin_life();
    empty.advance(b"next");
    assert_eq!(all_text(&empty), "next");
}
