//! Updates for clients: a client that applies them shows the same screen.

use proptest::prelude::*;

use super::support::{fed, output, screen, size};
use crate::screen::{Screen, ScreenUpdate};

/// A client: a screen of its own that is fed what an update says.
struct Client {
    screen: Screen,
    generation: u64,
}

impl Client {
    fn apply(&mut self, update: &ScreenUpdate) {
        if update.full {
            self.screen = Screen::new(update.size, 0);
        }
        for row in &update.rows {
            self.screen
                .advance(format!("\x1b[?7l\x1b[{};1H", row.row + 1).as_bytes());
            self.screen.advance(&row.ansi);
            self.screen.advance(b"\x1b[K");
        }
        self.generation = update.generation;
    }

    fn rows(&self) -> Vec<String> {
        rows(&self.screen)
    }
}

fn rows(screen: &Screen) -> Vec<String> {
    screen
        .update_since(0)
        .rows
        .into_iter()
        .map(|row| String::from_utf8(row.ansi).expect("UTF-8"))
        .collect()
}

fn texts(update: &ScreenUpdate) -> Vec<(u16, String)> {
    let rows = update.rows.iter();
    rows.map(|row| (row.row, String::from_utf8(row.ansi.clone()).expect("UTF-8")))
        .collect()
}

#[test]
fn only_changed_rows_are_sent() {
    let mut screen = screen("a\r\nb\r\nc");
    let generation = screen.generation();
    screen.advance(b"d");
    let update = screen.update_since(generation);
    assert!(!update.full);
    assert_eq!(texts(&update), [(2, "\x1b[mcd".to_owned())]);
    assert_eq!(update.title, None);
    assert_eq!(screen.update_since(update.generation).rows, []);
}

#[test]
fn nothing_visible_is_no_change() {
    let mut screen = screen("a");
    let generation = screen.generation();
    screen.advance(b"\x07\x1b[c\x1b[");
    assert_eq!(screen.generation(), generation);
    screen.advance(b"?2004h");
    assert!(screen.generation() > generation);
}

#[test]
fn titles_are_sent_when_they_change() {
    let mut screen = screen("a");
    let generation = screen.generation();
    screen.advance(b"\x1b]0;new\x07");
    assert_eq!(
        screen.update_since(generation).title.as_deref(),
        Some("new")
    );
    assert_eq!(screen.update_since(screen.generation()).title, None);
    assert!(screen.take_events().title_changed);
    screen.advance(b"b");
    assert!(!screen.take_events().title_changed);
}

#[test]
fn a_generation_from_elsewhere_gets_everything() {
    assert!(screen("a").update_since(u64::MAX).full);
    assert!(screen("a").update_since(0).full);
}

/// A row of `cols` cells is what a client draws: no half of a wide character, none in the last column.
fn assert_rows_are_whole(screen: &Screen) {
    use rio_vt::crosswords::pos::Line;
    use rio_vt::crosswords::square::Wide;
    let cols = usize::from(screen.size().cols);
    for line in 0..i32::from(screen.size().rows) {
        let wide: Vec<Wide> = screen.engine.grid()[Line(line)]
            .inner
            .iter()
            .map(|cell| cell.wide())
            .collect();
        assert_eq!(wide.len(), cols);
        for (col, kind) in wide.iter().enumerate() {
            let whole = match kind {
                Wide::Narrow => true,
                Wide::Wide => matches!(wide.get(col + 1), Some(Wide::Spacer)),
                Wide::Spacer => col > 0 && matches!(wide[col - 1], Wide::Wide),
                Wide::LeadingSpacer => col + 1 == cols,
            };
            assert!(whole, "column {col} of row {line}: {wide:?}");
        }
    }
}

#[test]
fn inserting_before_wide_characters_keeps_rows_whole() {
    let table = [
        // Pushed off the right edge, half of it first.
        (
            "\x1b[1;1H日本語한글漢字火水木\x1b[1;1H\x1b[4ha",
            "a日本語한글漢字火水",
        ),
        // Between the halves of one: it goes, as when half of it is overwritten.
        ("日本\x1b[1;2H\x1b[4hab", " ab 本"),
        // A wide one where one column is left wraps, and shifts what is there.
        ("\x1b[2;1Hxy\x1b[1;20H\x1b[4h日", "                   日xy"),
        ("xy\x1b[1;1H\x1b[4h日\x1b[4lz", "日zy"),
    ];
    for (bytes, expected) in table {
        let screen = screen(bytes);
        assert_rows_are_whole(&screen);
        assert_eq!(super::support::text(&screen), expected, "{bytes:?}");
    }
}

#[test]
fn deleting_more_than_there_is_leaves_what_is_before_the_cursor() {
    for bytes in ["日本abc\x1b[1;6H\x1b[100P", "日本a\x1b[16P"] {
        let screen = screen(bytes);
        assert_rows_are_whole(&screen);
        assert_eq!(super::support::text(&screen), "日本a", "{bytes:?}");
    }
}

#[test]
fn a_cut_row_has_no_half_of_a_wide_character() {
    let mut screen = screen("\x1b[?1049h日本語\x1b[2;19H日");
    screen.resize(size(5, 19));
    assert_rows_are_whole(&screen);
    screen.resize(size(5, 3));
    assert_rows_are_whole(&screen);
    assert_eq!(super::support::text(&screen), "日");
}

#[test]
fn only_the_row_inserted_into_is_sent() {
    let mut screen = screen("a\r\nb\r\nc\x1b[1;1H\x1b[4h");
    let generation = screen.generation();
    screen.advance(b"x");
    let update = screen.update_since(generation);
    assert_eq!(texts(&update), [(0, "\x1b[mxa".to_owned())]);
}

#[test]
fn a_client_sees_what_insert_mode_leaves() {
    let mut screen = fed(size(6, 16), 20, b"");
    for chunk in [
        "\x1b]8;;http://a/b\x1b\\",
        "日─ä👍👍\x1b7a",
        "a  a   aa a    \x1b[4ha  aa  a    a─ß한\x1b[?1048l  aaa  aa a     a   ß🏽日\x1b[?1048l\x0baaa  aa   aaaa   ",
    ] {
        screen.advance(chunk.as_bytes());
        let mut client = Client {
            screen: Screen::new(size(6, 16), 0),
            generation: 0,
        };
        client.apply(&screen.update_since(0));
        assert_eq!(client.rows(), rows(&screen));
        assert_rows_are_whole(&screen);
    }
}

/// Output without characters that are joined, and without the mode that joins them: a client that draws what was printed in
/// another order must not join it.
fn single_characters() -> impl Strategy<Value = Vec<u8>> {
    let joiners: [&[u8]; 3] = [b"2027", "🏽".as_bytes(), "\u{200d}".as_bytes()];
    let joins = move |bytes: &Vec<u8>| {
        let has = |joiner: &&[u8]| bytes.windows(joiner.len()).any(|window| window == *joiner);
        joiners.iter().any(has)
    };
    output().prop_map(move |bytes| if joins(&bytes) { Vec::new() } else { bytes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_are_whole_whatever_is_printed(steps in proptest::collection::vec(output(), 1..12), resize in any::<bool>()) {
        let mut screen = fed(size(6, 16), 20, b"");
        for bytes in steps {
            screen.advance(&bytes);
            if resize && bytes.len() % 7 == 0 {
                screen.resize(size(4 + bytes.len() as u16 % 5, 10 + bytes.len() as u16 % 9));
            }
            assert_rows_are_whole(&screen);
        }
    }

    #[test]
    fn a_client_that_looks_now_and_then_sees_the_same(steps in proptest::collection::vec((single_characters(), any::<bool>()), 1..12), resize in any::<bool>()) {
        let mut screen = fed(size(6, 16), 20, b"");
        let mut client = Client { screen: Screen::new(size(6, 16), 0), generation: 0 };
        for (bytes, looks) in steps {
            screen.advance(&bytes);
            if resize && bytes.len() % 7 == 0 {
                screen.resize(size(4 + bytes.len() as u16 % 5, 10 + bytes.len() as u16 % 9));
            }
            if looks {
                client.apply(&screen.update_since(client.generation));
                prop_assert_eq!(client.rows(), rows(&screen));
            }
        }
    }
}
