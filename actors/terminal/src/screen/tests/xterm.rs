//! Sequences that do what they do in xterm, as tables: what is printed, and what then is seen or answered.

use protocol::terminal::SetColors;

use super::support::{fed, screen, size, text};
use crate::screen::Screen;

/// A screen of 24 × 80.
fn large(bytes: &str) -> Screen {
    fed(size(24, 80), 100, bytes.as_bytes())
}

fn replies(bytes: &str) -> String {
    let replies = large(bytes).take_replies().unwrap_or_default();
    String::from_utf8(replies).expect("replies are ASCII")
}

#[test]
fn the_cursor_goes_where_xterm_has_it() {
    let full_row = "x".repeat(80);
    let table = [
        ("\x1b[5;15r\x1b[7;1H\x1b[99A", 5, 1),
        ("\x1b[5;15r\x1b[7;1H\x1b[99B", 15, 1),
        ("\x1b[5;15r\x1b[7;9H\x1b[99E", 15, 1),
        ("\x1b[5;15r\x1b[7;9H\x1b[99F", 5, 1),
        ("\x1b[5;15r\x1b[3;1H\x1b[99A", 1, 1),
        ("\x1b[5;15r\x1b[20;1H\x1b[99B", 24, 1),
        ("\x1b[5;15r\x1b[7;1H\x1b[99e", 24, 1),
        ("\x1b[5;8H\x1b[3j", 5, 5),
        ("\x1b[5;8H\x1b[3k", 2, 8),
        ("\x1b[5;8H\x1b[65535k", 1, 8),
        ("\x1b[5;5H\x1b[2;9r\x1b#8", 1, 1),
        ("\x1b[3;4H\x1b[?47h\x1b[10;10H\x1b[?47l", 10, 10),
        ("\x1b[3;4H\x1b[?1047h\x1b[10;10H\x1b[?1047l", 10, 10),
        ("\x1b[3;4H\x1b[?1049h\x1b[10;10H\x1b[?1049l", 3, 4),
        ("\x1b[1;9H\x1b[3g\x1b[65535Z", 1, 1),
        ("\x1b[1;9H\x1b[3g\x1b[65535I", 1, 80),
        (&format!("{full_row}\t"), 1, 80),
        (&format!("{full_row}\n\x1b[Zab"), 2, 75),
    ];
    for (bytes, row, col) in table {
        assert_eq!(
            replies(&format!("{bytes}\x1b[6n")),
            format!("\x1b[{row};{col}R"),
            "{bytes:?}"
        );
    }
}

#[test]
fn origin_mode_counts_from_the_region() {
    let region = "\x1b[5;15r\x1b[?6h";
    let table = [
        ("\x1b[6;1H\x1b[A", 5, 1),
        ("\x1b[6;1H\x1b[B", 7, 1),
        ("\x1b[2;1H\x1b[2e", 4, 1),
        ("\x1b[4;1H\x1b[2k", 2, 1),
        ("\x1b[H\x1b[9G", 1, 9),
        ("\x1b[H\x1b[10A", 1, 1),
        ("\x1b[99d", 11, 1),
        ("\x1b[99e", 11, 1),
    ];
    for (bytes, row, col) in table {
        let asked = format!("{region}{bytes}\x1b[6n\x1b[?6n");
        let answer = format!("\x1b[{row};{col}R\x1b[?{row};{col};1R");
        assert_eq!(replies(&asked), answer, "{bytes:?}");
    }
    assert_eq!(
        replies("\x1b[5;15r\x1b7\x1b[?6h\x1b8\x1b[6n\x1b[?6$p"),
        "\x1b[1;1R\x1b[?6;2$y"
    );
    let saved_in_mode = format!("{region}\x1b[3;1H\x1b7\x1b[?6l\x1b8\x1b[6n\x1b[?6$p");
    assert_eq!(replies(&saved_in_mode), "\x1b[3;1R\x1b[?6;1$y");
}

#[test]
fn the_screen_shows_what_xterm_shows() {
    let table = [
        ("one\r\ntwo\r\nthree\x1b[2;2H\x1b[1J", "\n  o\nthree"),
        ("one\r\ntwo\x1b[1;2H\x1b[1J", "  e\ntwo"),
        ("\x1b(A#\x1b(B#", "£#"),
        ("\x1b)A#\x0e#\x0f#", "#£#"),
        ("\x1b*0\x1bna\x0fa", "▒a"),
        ("\x1b+0\x1boqq\x0fq", "──q"),
        ("\x1b(A\x1b7\x1b(B#\x1b8#", "£"),
        ("e\u{301}\x1b[b", "e\u{301}e\u{301}"),
        ("ab\x1b[3b", "abbbb"),
        ("\x1b(0q\x1b[2b", "───"),
        ("日\x1b[2b", "日日日"),
        ("\x1b[2b", ""),
        ("1\u{fe0f}\u{20e3}|", "1\u{fe0f}\u{20e3}|"),
        ("a\u{fe0f}|", "a|"),
    ];
    for (bytes, shown) in table {
        assert_eq!(text(&screen(bytes)), shown, "{bytes:?}");
    }
}

#[test]
fn emoji_of_several_parts_are_two_wide() {
    for emoji in [
        "👨\u{200d}👩\u{200d}👧",
        "👩🏽\u{200d}💻",
        "👍🏽",
        "\u{2764}\u{fe0f}\u{200d}🔥",
    ] {
        let mut whole = screen(&format!("{emoji}|"));
        assert_eq!(
            (text(&whole), whole.cursor().col),
            (format!("{emoji}|"), 3),
            "{emoji}"
        );
        let mut parts = screen("");
        emoji
            .chars()
            .for_each(|c| parts.advance(c.to_string().as_bytes()));
        parts.advance(b"|");
        assert_eq!(whole.state(), parts.state());
    }
    // What is no picture is not joined, nor what stands alone.
    assert_eq!(screen("a\u{200d}👩").cursor().col, 3);
    assert_eq!(screen("👩👩").cursor().col, 4);
    assert_eq!(screen("a🏽").cursor().col, 3);
}

#[test]
fn a_soft_reset_sets_back_what_xterm_sets_back() {
    let before = "\x1b[4h\x1b[5;9r\x1b[?6h\x1b[?25l\x1b[?7l\x1b[?1h\x1b=\x1b[31m\x1b)0\x0e\x1b[>4;2m\x1b[7;3H";
    let asked = format!(
        "{before}\x1b[!p\x1b[4$p\x1b[?25$p\x1b[?6$p\x1b[?7$p\x1b[?1$p\x1b[6n\x1bP$qr\x1b\\"
    );
    // The cursor stays where it was, at the bottom of the region.
    let answers =
        "\x1b[4;2$y\x1b[?25;1$y\x1b[?6;2$y\x1b[?7;1$y\x1b[?1;2$y\x1b[9;3R\x1bP1$r1;24r\x1b\\";
    assert_eq!(replies(&asked), answers);
    let reset = large(&format!("{before}\x1b[!p\x1b[Hqqq\x1b7\x1b8"));
    assert_eq!(reset.read_last(1, false, true, 100).text, "\x1b[mqqq");
    assert_eq!(reset.modes().modify_other_keys, 0);
    assert!(!reset.modes().application_keypad);
}

#[test]
fn settings_and_capabilities_are_answered() {
    let table = [
        ("\x1b[4 q\x1bP$q q\x1b\\", "\x1bP1$r4 q\x1b\\"),
        ("\x1b[5 q\x1bP$q q\x1b\\", "\x1bP1$r5 q\x1b\\"),
        ("\x1bP$qm\x1b\\", "\x1bP1$r0m\x1b\\"),
        (
            "\x1b[1;21;31;53m\x1bP$qm\x1b\\",
            "\x1bP1$r0;1;53;4:2;31m\x1b\\",
        ),
        ("\x1b[3;9r\x1bP$qr\x1b\\", "\x1bP1$r3;9r\x1b\\"),
        ("\x1bP$q\"p\x1b\\", "\x1bP1$r62;1\"p\x1b\\"),
        ("\x1bP$qzz\x1b\\", "\x1bP0$r\x1b\\"),
        // TN, colors, sixel, Ms and what is not hexadecimal.
        (
            "\x1bP+q544E\x1b\\",
            "\x1bP1+r544E=787465726D2D323536636F6C6F72\x1b\\",
        ),
        (
            "\x1bP+q436F;736978656C\x1b\\",
            "\x1bP1+r436F=323536\x1b\\\x1bP0+r736978656C\x1b\\",
        ),
        ("\x1bP+q4D73\x1b\\", "\x1bP0+r4D73\x1b\\"),
        ("\x1bP+qzz\x1b\\", "\x1bP0+r\x1b\\"),
        ("\x1b[?15n", "\x1b[?13n"),
    ];
    for (bytes, answer) in table {
        assert_eq!(replies(bytes), answer, "{bytes:?}");
    }
}

#[test]
fn attributes_are_kept() {
    let line = |bytes: &str| screen(bytes).read_last(1, false, true, 1000).text;
    let table = [
        ("\x1b[21mD", "\x1b[m\x1b[0;4:2mD\x1b[m"),
        ("\x1b[53mO\x1b[55mo", "\x1b[m\x1b[0;53mO\x1b[0mo"),
        (
            "\x1b[1;53mO\x1b[24mo\x1b[mx",
            "\x1b[m\x1b[0;1;53mOo\x1b[0mx",
        ),
        ("\x1b[53mO  \x1b[55m", "\x1b[m\x1b[0;53mO  \x1b[m"),
        (
            "\x1b[38:2::1:2:3;48:5:9mx",
            "\x1b[m\x1b[0;38;2;1;2;3;48;5;9mx\x1b[m",
        ),
        (
            "\x1b[38;2;1;2;3;4;58;5;9mx",
            "\x1b[m\x1b[0;4;38;2;1;2;3;58:5:9mx\x1b[m",
        ),
    ];
    for (bytes, shown) in table {
        assert_eq!(line(bytes), shown, "{bytes:?}");
    }
}

#[test]
fn an_address_is_all_that_follows_the_second_semicolon() {
    let line = |bytes: &str| screen(bytes).read_last(1, false, true, 1000).text;
    assert_eq!(
        line("\x1b]8;;http://h/a;b=1;c=2\x1b\\L\x1b]8;;\x1b\\"),
        "\x1b[m\x1b]8;;http://h/a;b=1;c=2\x1b\\L\x1b]8;;\x1b\\"
    );
    assert_eq!(
        line("\x1b]8;x=1:id=a;http://h/;\x07L"),
        "\x1b[m\x1b]8;id=a;http://h/;\x1b\\L\x1b]8;;\x1b\\"
    );
    // One that is cut would lead elsewhere.
    let long = format!("\x1b]8;;http://h/{}\x07L", ";a".repeat(20));
    assert_eq!(line(&long), "\x1b[mL");
}

#[test]
fn colours_that_a_program_sets_are_shown() {
    let rows = |bytes: &str| {
        let screen = screen(bytes);
        let update = screen.update_since(0);
        let row = String::from_utf8(update.rows[0].ansi.clone()).expect("UTF-8");
        (row, update.cursor.color)
    };
    let blue = "\x1b]4;4;rgb:11/22/33\x07";
    let table = [
        (
            format!("{blue}\x1b[34mX\x1b[35mY"),
            "\x1b[m\x1b[0;38;2;17;34;51mX\x1b[0;35mY\x1b[m".to_owned(),
        ),
        (
            format!("{blue}\x1b[48;5;4mX"),
            "\x1b[m\x1b[0;48;2;17;34;51mX\x1b[m".to_owned(),
        ),
        (
            format!("{blue}\x1b]104;4\x07\x1b[34mX"),
            "\x1b[m\x1b[0;34mX\x1b[m".to_owned(),
        ),
        (
            "\x1b]10;#112233\x07X".to_owned(),
            "\x1b[m\x1b[0;38;2;17;34;51mX\x1b[m".to_owned(),
        ),
        (
            "\x1b]11;#112233\x07X".to_owned(),
            format!("\x1b[m\x1b[0;48;2;17;34;51mX{}\x1b[m", " ".repeat(19)),
        ),
    ];
    for (bytes, shown) in table {
        assert_eq!(rows(&bytes), (shown, None), "{bytes:?}");
    }
    assert_eq!(rows("\x1b]12;#112233\x07").1, Some((17, 34, 51)));
    assert_eq!(rows("\x1b]12;#112233\x07\x1b]112\x07").1, None);
}

#[test]
fn viewers_are_told_the_colours_that_a_program_sets() {
    let mut screen = screen("");
    let generation = screen.generation();
    screen.advance(b"\x1b]12;#112233\x07");
    assert!(screen.generation() > generation, "viewers are told");
    assert_eq!(screen.update_since(generation).colors, None);
    for (bytes, wanted) in [
        (
            "\x1b]10;#112233\x07\x1b]4;7;#000001\x07",
            SetColors {
                foreground: Some((17, 34, 51)),
                background: None,
                indexed: vec![(7, (0, 0, 1))],
            },
        ),
        (
            "\x1b]11;#ffffff\x07\x1b]110\x07\x1b]104\x07",
            SetColors {
                background: Some((255, 255, 255)),
                ..SetColors::default()
            },
        ),
        ("\x1b]111\x07", SetColors::default()),
    ] {
        let generation = screen.generation();
        screen.advance(bytes.as_bytes());
        let update = screen.update_since(generation);
        assert_eq!(update.colors, Some(wanted), "{bytes:?}");
        assert_eq!(screen.update_since(update.generation).colors, None);
    }
    assert_eq!(screen.update_since(0).colors, Some(SetColors::default()));
}
