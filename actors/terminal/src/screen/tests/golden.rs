//! What sequences do to the screen, by example.

use protocol::terminal::{CellPixels, TerminalColors, TerminalFacts};

use protocol::Size;

use super::support::{all_text, fed, screen, size, text};
use crate::screen::{Cursor, CursorShape, Modes, Permissions, Screen};

fn replies(bytes: &str) -> String {
    let replies = screen(bytes).take_replies().unwrap_or_default();
    String::from_utf8(replies).expect("replies are ASCII")
}

#[test]
fn text_wraps_and_scrolls() {
    let screen = screen("one\r\ntwo\r\nabcdefghijklmnopqrstuvwxyz\r\n3\r\n4\r\n5");
    assert_eq!(
        text(&screen),
        "abcdefghijklmnopqrst\nuvwxyz\n3\n4\n5".replace("t\nu", "tu")
    );
    assert_eq!(
        all_text(&screen),
        "one\ntwo\nabcdefghijklmnopqrstuvwxyz\n3\n4\n5"
    );
    assert_eq!(screen.rows_scrolled(), 2);
}

#[test]
fn last_lines_are_counted_as_lines() {
    let screen = screen("one\r\ntwo\r\nabcdefghijklmnopqrstuvwxyz\r\n3\r\n\r\n");
    assert_eq!(
        screen.read_last(2, true, false, 100).text,
        "abcdefghijklmnopqrstuvwxyz\n3"
    );
    assert_eq!(
        screen.read_last(3, true, false, 100).text,
        "two\nabcdefghijklmnopqrstuvwxyz\n3"
    );
    let cut = screen.read_last(3, true, false, 10);
    assert_eq!((cut.text.as_str(), cut.truncated), ("3", true));
    assert_eq!(screen.read_last(0, true, false, 10).text, "");
}

#[test]
fn wide_and_combining_characters_take_their_cells() {
    let mut screen = screen("日本語 e\u{301}x\r\n");
    assert_eq!(text(&screen), "日本語 e\u{301}x");
    screen.advance("\x1b[1;3H*".as_bytes());
    assert_eq!(text(&screen), "日* 語 e\u{301}x");
}

#[test]
fn a_wide_character_at_the_edge_goes_to_the_next_row() {
    let screen = fed(size(3, 5), 10, "abcd日x".as_bytes());
    assert_eq!(text(&screen), "abcd日x");
    assert_eq!((screen.cursor().row, screen.cursor().col), (1, 3));
}

#[test]
fn the_cursor_and_its_form_are_told() {
    let shown = screen("ab\x1b[2;4H\x1b[5 q").cursor();
    let bar = Cursor {
        row: 1,
        col: 3,
        visible: true,
        shape: CursorShape::Bar,
        blinking: true,
        color: None,
    };
    assert_eq!(shown, bar);
    assert!(!screen("\x1b[?25l").cursor().visible);
    assert_eq!(screen("日\x1b[1;2H").cursor().col, 0);
}

#[test]
fn modes_are_told() {
    let modes = screen("\x1b[?1049h\x1b[?2004h\x1b[?1h\x1b=\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?2026h\x1b[>5u\x1b[>4;2m").modes();
    let expected = Modes {
        alternate_screen: true,
        bracketed_paste: true,
        application_cursor: true,
        application_keypad: true,
        mouse_drag: true,
        mouse_sgr: true,
        alternate_scroll: true,
        focus_events: true,
        synchronized_output: true,
        keyboard: 5,
        modify_other_keys: 2,
        ..Modes::default()
    };
    assert_eq!(modes, expected);
    let mut stuck = screen("\x1b[?2026h");
    stuck.end_synchronized_update();
    assert!(!stuck.modes().synchronized_output);
}

#[test]
fn leaving_the_alternate_screen_brings_the_primary_back() {
    for number in [47, 1047, 1049] {
        let mut screen = screen("one\r\ntwo\r\n3\r\n4\r\n5\r\n6\r\n");
        let before = all_text(&screen);
        screen.advance(
            format!("\x1b[?{number}h\x1b[2J\x1b[Hfull\r\n\r\n\r\n\r\n\r\n\r\nscreen").as_bytes(),
        );
        assert_eq!(text(&screen), "\n\n\n\nscreen", "{number}");
        screen.advance(format!("\x1b[?{number}l").as_bytes());
        assert_eq!(all_text(&screen), before, "{number}");
        if number == 1049 {
            screen.advance(b"7");
            assert_eq!(all_text(&screen), format!("{before}\n7"));
        }
    }
}

#[test]
fn queries_are_answered() {
    assert_eq!(replies("\x1b[c"), "\x1b[?62;22c");
    assert_eq!(replies("\x1b[>c"), "\x1b[>1;10;0c");
    assert_eq!(replies("\x1b[5n"), "\x1b[0n");
    assert_eq!(replies("ab\r\ncd\x1b[6n"), "\x1b[2;3R");
    assert_eq!(replies("\x1b[2;4r\x1b[?6h\x1b[2;3H\x1b[6n"), "\x1b[2;3R");
    assert_eq!(replies("\x1b[18t"), "\x1b[8;5;20t");
    assert_eq!(replies("\x1b[?u"), "\x1b[?0u");
    assert_eq!(
        replies("\x1b[>q"),
        format!("\x1bP>|fugue({})\x1b\\", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn mode_queries_are_answered() {
    assert_eq!(replies("\x1b[?2026$p"), "\x1b[?2026;2$y");
    assert_eq!(replies("\x1b[?2004h\x1b[?2004$p"), "\x1b[?2004;1$y");
    assert_eq!(replies("\x1b[?4711$p"), "\x1b[?4711;0$y");
    assert_eq!(replies("\x1b[4h\x1b[4$p"), "\x1b[4;1$y");
}

#[test]
fn colours_are_told_as_they_are_and_not_where_nobody_knows() {
    let unknown = [
        "\x1b]10;?\x1b\\",
        "\x1b]11;?\x07",
        "\x1b]12;?\x07",
        "\x1b]4;1;?\x07",
    ];
    for bytes in unknown {
        assert_eq!(replies(bytes), "", "{bytes:?}");
    }
    assert_eq!(
        replies("\x1b]4;196;?\x07"),
        "\x1b]4;196;rgb:ffff/0000/0000\x07"
    );
    assert_eq!(
        replies("\x1b]4;1;#123456\x07\x1b]4;1;?\x07"),
        "\x1b]4;1;rgb:1212/3434/5656\x07"
    );
    assert_eq!(replies("\x1b]11;#ffffff\x07\x1b]111\x07\x1b]11;?\x07"), "");

    let mut screen = screen("");
    screen.set_terminal(TerminalFacts {
        colors: Some(TerminalColors {
            foreground: Some((0x11, 0x11, 0x11)),
            background: Some((0xfd, 0xf6, 0xe3)),
            cursor: None,
        }),
        cell: None,
    });
    screen.advance(b"\x1b]10;?;?;?\x1b\\\x1b]11;#ffffff\x07\x1b]11;?\x07\x1b]111\x07\x1b]11;?\x07");
    let replies = screen.take_replies().expect("answers");
    assert_eq!(
        String::from_utf8(replies).expect("ASCII"),
        "\x1b]10;rgb:1111/1111/1111\x1b\\\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\\x1b]11;rgb:ffff/ffff/ffff\x07\x1b]11;rgb:fdfd/f6f6/e3e3\x07"
    );
}

#[test]
fn pixels_are_told_where_they_are_known() {
    let asked = "\x1b[14t\x1b[16t\x1b[14;2t\x1b[18t";
    assert_eq!(replies(asked), "\x1b[8;5;20t");
    let mut screen = screen("");
    screen.set_terminal(TerminalFacts {
        colors: None,
        cell: Some(CellPixels {
            width: 9,
            height: 18,
        }),
    });
    screen.advance(asked.as_bytes());
    let replies = screen.take_replies().expect("answers");
    assert_eq!(replies, b"\x1b[4;90;180t\x1b[6;18;9t\x1b[8;5;20t");
}

#[test]
fn replies_are_taken_once() {
    let mut screen = screen("\x1b[c");
    assert!(screen.take_replies().is_some());
    assert_eq!(screen.take_replies(), None);
}

#[test]
fn titles_are_kept_short_and_clean() {
    let mut screen = screen("\x1b]0;one\x07\x1b[22t\x1b]2;two\x1b\\");
    assert_eq!(screen.title(), "two");
    assert!(screen.take_events().title_changed);
    screen.advance(b"\x1b[23t");
    assert_eq!(screen.title(), "one");
    screen.advance("\x1b]0;a\u{9b}b\x07".as_bytes());
    assert_eq!(screen.title(), "ab");
    screen.advance(format!("\x1b]0;{}\x07", "ä".repeat(4000)).as_bytes());
    assert_eq!(screen.title().len(), 1024);
}

#[test]
fn a_locked_title_is_never_set() {
    let mut screen = screen("");
    screen.permit(Permissions {
        title_locked: true,
        ..Permissions::default()
    });
    screen.advance(b"\x1b]0;one\x07\x1b]2;two\x1b\\\x1b[22t\x1b[23t\x1bctext");
    assert_eq!(screen.title(), "");
    assert!(!screen.take_events().title_changed);
}

#[test]
fn events_are_told_once() {
    let mut screen = screen("\x07\x1b]7;file:///home/a%20b\x07\x1b]133;A\x07\x1b]9;done\x07");
    let events = screen.take_events();
    assert!(events.bell && events.cwd_changed && events.prompt && !events.title_changed);
    assert!(events.told && events.noticed);
    assert_eq!(
        screen.notice().map(|notice| notice.body.as_str()),
        Some("done")
    );
    assert_eq!(screen.cwd().and_then(|cwd| cwd.to_str()), Some("/home/a b"));
    assert_eq!(screen.take_events(), crate::screen::ScreenEvents::default());
}

#[test]
fn tab_stops_can_be_set() {
    assert_eq!(text(&screen("a\tb\tc")), "a       b       c");
    assert_eq!(text(&screen("\x1b[3g\x1b[1;4H\x1bH\r\ta")), "   a");
    assert_eq!(text(&screen("\x1b[3g\x1b[?5W\ta")), "        a");
}

#[test]
fn ansi_text_carries_attributes() {
    let line = |bytes: &str| screen(bytes).read_last(1, false, true, 1000).text;
    assert_eq!(line("plain"), "\x1b[mplain");
    assert_eq!(
        line("\x1b[1;31mred\x1b[0m x"),
        "\x1b[m\x1b[0;1;31mred\x1b[0m x"
    );
    assert_eq!(
        line("\x1b[38;5;200;48;2;1;2;3mx"),
        "\x1b[m\x1b[0;38;5;200;48;2;1;2;3mx\x1b[m"
    );
    assert_eq!(
        line("\x1b[2;3;9;4:3;58:2::9:8:7mx"),
        "\x1b[m\x1b[0;2;3;9;4:3;58:2::9:8:7mx\x1b[m"
    );
    assert_eq!(
        line("\x1b]8;;http://a\x1b\\x\x1b]8;;\x1b\\y"),
        "\x1b[m\x1b]8;;http://a\x1b\\x\x1b]8;;\x1b\\y"
    );
    assert_eq!(line("\x1b[97;101mx"), "\x1b[m\x1b[0;97;101mx\x1b[m");
    assert_eq!(
        line("a\x1b[44m\x1b[K"),
        format!("\x1b[ma\x1b[0;44m{}\x1b[m", " ".repeat(19)).replace("[0;44m", "[0;48;5;4m")
    );
}

#[test]
fn sizes_are_clamped() {
    let clamped = |rows, cols| Screen::new(size(rows, cols), 10).size();
    assert_eq!(clamped(0, 0), Size { rows: 1, cols: 2 });
    assert_eq!(
        clamped(9999, 9999),
        Size {
            rows: 1000,
            cols: 1000
        }
    );
    assert_eq!(clamped(1, 1), Size { rows: 1, cols: 2 });
}
