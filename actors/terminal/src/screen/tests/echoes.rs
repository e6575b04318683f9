//! Searches see output and never the echo of what was typed, and blanks before the cursor are text.

use regex::RegexBuilder;

use super::support::{screen, size};
use crate::screen::{LineModes, Screen, TextCursor};

/// A shell's editor is active: the terminal gives single keys and does not echo.
const EDITED: LineModes = LineModes {
    by_line: false,
    echoes: true,
};
/// A program reads by lines, and the terminal echoes.
const BY_LINE: LineModes = LineModes {
    by_line: true,
    echoes: true,
};
/// A program reads a password.
const HIDDEN: LineModes = LineModes {
    by_line: true,
    echoes: false,
};

/// What the program prints, and whether it reads by lines meanwhile.
fn print(screen: &mut Screen, by_line: bool, text: &str) {
    screen.advance(text.as_bytes());
    screen.note_echoes(by_line);
}

/// The line in which the pattern is found.
fn line(screen: &Screen, since: &TextCursor, pattern: &str) -> Option<String> {
    let pattern = RegexBuilder::new(pattern)
        .multi_line(true)
        .build()
        .expect("a pattern");
    let found = screen.search_since(since, &pattern).found?;
    Some(found.line)
}

fn wide(text: &str) -> Screen {
    let mut screen = Screen::new(size(10, 60), 100);
    screen.advance(text.as_bytes());
    screen
}

#[test]
fn blanks_before_the_cursor_are_text() {
    for (printed, pattern, found) in [
        ("me$ ", r"\$ $", Some("me$ ")),
        ("me$ ", r"\$$", Some("me$ ")),
        ("me$ ", r"me\$", Some("me$ ")),
        (">>> ", r">>> $", Some(">>> ")),
        ("Name: ", r"Name: $", Some("Name: ")),
        ("Name:", r"Name: $", None),
        ("Name: \r\nx", r"^Name: $", None),
        ("Name:  ", r"Name: $", None),
        ("a\x1b[3C", r"^a   $", Some("a   ")),
    ] {
        let screen = screen(printed);
        let at = line(&screen, &TextCursor::start(), pattern);
        assert_eq!(at.as_deref(), found, "{printed:?} {pattern}");
        let tail = screen.tail(10, 1000);
        let regex = regex::Regex::new(&format!("(?m){pattern}")).expect("a pattern");
        let at = tail
            .search_since(&TextCursor::start(), &regex)
            .map(|found| found.line);
        assert_eq!(at.as_deref(), found, "kept: {printed:?} {pattern}");
    }
    let mut screen = Screen::new(size(5, 20), 10);
    screen.advance(b"\x1b[?1049h\x1b[HName: ");
    assert!(line(&screen, &TextCursor::start(), "Name: $").is_some());
    let read = screen.read_last(10, true, false, 100);
    assert_eq!((read.text.as_str(), read.alternate), ("Name: ", true));
}

#[test]
fn a_read_goes_on_after_a_prompts_blank() {
    let mut screen = screen("");
    let mut cursor = TextCursor::start();
    let mut pieces = Vec::new();
    for printed in ["$ ", "l", "s\r\n", "a  ", "\r\nb", "\r\n$ "] {
        screen.advance(printed.as_bytes());
        let read = screen.read_since(&cursor, 100);
        cursor = read.cursor;
        pieces.push(read.text);
    }
    assert_eq!(pieces, ["$ ", "l", "s\n", "a  ", "\nb", "\n$ "]);
}

/// Pieces that are printed, each with the mode of the terminal: whether it gives lines.
type Printed = &'static [(bool, &'static str)];

/// What is printed after a text is typed, for each way of echoing it.
const ECHOES: &[(&str, LineModes, &str, Printed)] = &[
    (
        "a plain editor",
        EDITED,
        "sleep 2; echo DONE",
        &[(false, "sleep 2; ec"), (false, "ho DONE"), (true, "\r\n")],
    ),
    (
        "one read late",
        EDITED,
        "sleep 2; echo DONE",
        &[(true, "sleep 2; echo DONE\r\n")],
    ),
    (
        "several lines",
        EDITED,
        "sleep 1\nsleep 1; echo DONE",
        &[
            (false, "\x1b[?2004hsleep 1\r\nsleep 1; echo DONE"),
            (false, "\r\n\x1b[?2004l\r"),
        ],
    ),
    (
        "a busy shell",
        BY_LINE,
        "sleep 2; echo DONE",
        &[
            (true, "sleep 2; echo DONE\r\n"),
            (false, "\x1b[?2004hme$ "),
            (false, "sleep 2; "),
            (false, "echo DONE"),
            (true, "\r\n\x1b[?2004l\r"),
        ],
    ),
    (
        "a busy shell without pastes",
        BY_LINE,
        "sleep 2; echo DONE",
        &[
            (true, "sleep 2; echo DONE\r\n"),
            (false, "me$ "),
            (false, "sleep 2; echo DONE"),
            (true, "\r\n"),
        ],
    ),
    (
        "a line that is painted again",
        EDITED,
        "sleep 2; echo DONE",
        &[
            (false, "\x1b[?2004h\r\x1b[KIn [1]: sleep 2"),
            (false, "\r\x1b[KIn [1]: sleep 2; echo DONE"),
            (
                false,
                "\r\x1b[KIn [1]: \x1b[32msleep\x1b[m 2; echo DONE\r\n\r\n\x1b[KIn [1]: sleep 2; echo DONE",
            ),
            (true, "\r\n\x1b[?2004l"),
        ],
    ),
    (
        "a line that wraps",
        EDITED,
        "echo a text that is longer than the screen is wide, so that DONE is in its second row",
        &[(
            false,
            "me$ echo a text that is longer than the screen is wide, so that DONE is in its second row\r\n",
        )],
    ),
    (
        "a line that the editor wraps by itself",
        EDITED,
        "echo a text that is longer than the screen is wide, so that DONE is in its second row",
        &[
            (
                false,
                "\x1b[?2004h\x1b[?7lIn [1]: echo a text that is longer than the screen is wide,",
            ),
            (false, "\x1b[2;1H   ...:  so that DONE is in its second row"),
            (true, "\r\n\x1b[?2004l\x1b[?7h"),
        ],
    ),
    ("a question", BY_LINE, "DONE", &[(true, "DONE\r\n")]),
    ("a password", HIDDEN, "DONE", &[(true, "\r\n")]),
];

#[test]
fn a_command_is_not_its_output() {
    let pattern = regex::Regex::new("DONE").expect("a pattern");
    for (what, modes, typed, printed) in ECHOES {
        let mut screen = wide("");
        let since = screen.position();
        screen.typed(typed, *modes);
        for (by_line, text) in *printed {
            // As the task does: what stands before a change of the mode is looked at before it.
            for piece in text.split_inclusive("\r\n") {
                print(&mut screen, *by_line, piece);
                assert_eq!(line(&screen, &since, "DONE"), None, "{what}: {piece:?}");
            }
        }
        assert!(!screen.awaits_echo() || *modes == HIDDEN, "{what}");
        print(&mut screen, true, "DONE\r\n");
        assert_eq!(
            line(&screen, &since, "DONE").as_deref(),
            Some("DONE"),
            "{what}"
        );
        let tail = screen.tail(100, 10_000);
        let kept = tail.search_since(&since, &pattern).map(|found| found.line);
        assert_eq!(kept.as_deref(), Some("DONE"), "kept: {what}");
    }
}

#[test]
fn a_prompt_before_the_echo_is_none_after_it() {
    let mut screen = wide("");
    let since = screen.position();
    screen.typed("make", BY_LINE);
    print(&mut screen, true, "make\r\n");
    print(&mut screen, false, "\x1b[?2004hme$ ");
    assert_eq!(
        line(&screen, &since, r"\$ $"),
        None,
        "it is about to read the line"
    );
    print(&mut screen, false, "make");
    print(&mut screen, true, "\r\n\x1b[?2004l\rall is up to date\r\n");
    assert_eq!(line(&screen, &since, r"\$ $"), None, "it runs");
    print(&mut screen, false, "\x1b[?2004hme$ ");
    assert_eq!(line(&screen, &since, r"\$ $").as_deref(), Some("me$ "));
}

#[test]
fn what_is_never_echoed_holds_nothing_back_for_ever() {
    let mut screen = wide("");
    let since = screen.position();
    screen.typed("secret", EDITED);
    print(&mut screen, false, "Name: ");
    assert_eq!(line(&screen, &since, "Name: $"), None);
    assert!(screen.awaits_echo());
    screen.end_echoes(false);
    assert!(line(&screen, &since, "Name: $").is_some());
    print(&mut screen, false, "\r\nsecret");
    assert!(line(&screen, &since, "secret").is_some(), "it is output");
}

#[test]
fn one_word_is_an_echo_where_it_stands_alone() {
    let mut screen = wide("");
    let since = screen.position();
    screen.typed("y", BY_LINE);
    print(&mut screen, true, "y\r\n");
    print(&mut screen, true, "say yes\r\n");
    assert_eq!(line(&screen, &since, "y").as_deref(), Some("say yes"));
}

#[test]
fn the_same_command_again_is_an_echo_again() {
    let mut screen = wide("me$ ");
    for _ in 0..3 {
        let since = screen.position();
        screen.typed("echo DONE", EDITED);
        print(&mut screen, false, "echo DONE");
        assert_eq!(line(&screen, &since, "DONE"), None);
        print(&mut screen, true, "\r\n");
        assert_eq!(line(&screen, &since, "DONE"), None);
        print(&mut screen, true, "DONE\r\nme$ ");
        assert_eq!(line(&screen, &since, "DONE").as_deref(), Some("DONE"));
    }
    // Whoever gives no place looks at what is on the screen: at output.
    let found = line(&screen, &screen.first_row_shown(), "DONE");
    assert_eq!(found.as_deref(), Some("DONE"));
}

#[test]
fn echoes_are_known_after_a_resize_and_a_clear() {
    let mut screen = wide("me$ ");
    let since = screen.position();
    screen.typed("echo a line that is long enough to wrap; echo DONE", EDITED);
    print(
        &mut screen,
        false,
        "echo a line that is long enough to wrap; echo DONE",
    );
    print(&mut screen, true, "\r\n");
    for cols in [30, 20, 80] {
        screen.resize(size(10, cols));
        assert_eq!(line(&screen, &since, "DONE"), None, "{cols}");
    }
    print(&mut screen, true, "\x1b[H\x1b[2J\x1b[3JDONE\r\n");
    assert!(line(&screen, &since, "DONE").is_some());
}

#[test]
fn a_program_on_the_whole_screen_shows_what_is_typed_in_its_own_way() {
    let mut screen = wide("\x1b[?1049h\x1b[H");
    let since = screen.position();
    screen.typed("write a haiku", EDITED);
    print(&mut screen, false, "\x1b[5;1H| > write a haiku    |");
    assert_eq!(line(&screen, &since, "haiku"), None);
    print(
        &mut screen,
        false,
        "\x1b[5;1H\x1b[K\x1b[1;1H> write a haiku\x1b[2;1H* a haiku is short",
    );
    assert_eq!(
        line(&screen, &since, "haiku").as_deref(),
        Some("* a haiku is short")
    );
}

#[test]
fn many_long_pastes_cost_little() {
    let mut screen = wide("");
    let text = "a line of a paste, which is typed again and again\n".repeat(10_000);
    screen.typed(&text, EDITED);
    let begun = std::time::Instant::now();
    for part in text.replace('\n', "\r\n").as_bytes().chunks(4096) {
        screen.advance(part);
        screen.note_echoes(false);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
