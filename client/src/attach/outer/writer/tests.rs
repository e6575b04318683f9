//! Golden bytes: what a terminal is told, and no more.

use protocol::event::{Cluster, ScreenRow};

use super::*;

fn row(ansi: &str) -> Rc<Row> {
    clustered(ansi, Vec::new())
}

fn clustered(ansi: &str, clusters: Vec<Cluster>) -> Rc<Row> {
    Rc::new(Row::read(&ScreenRow {
        row: 0,
        ansi: ansi.as_bytes().to_vec(),
        clusters: (!clusters.is_empty()).then_some(clusters),
    }))
}

fn picture(rows: Vec<Rc<Row>>, cursor: (u16, u16)) -> Picture {
    Picture {
        rows,
        cursor: Some(cursor),
        shape: 0,
    }
}

fn drawn(writer: &mut Writer, picture: &Picture) -> String {
    let mut out = Vec::new();
    writer.draw(picture, &mut out);
    String::from_utf8(out).unwrap()
}

/// A terminal of 3 × 10 that shows these rows.
fn showing(rows: &[&str]) -> Writer {
    let mut writer = Writer::new(Size::new(3, 10));
    let mut rows: Vec<_> = rows.iter().map(|ansi| row(ansi)).collect();
    rows.resize(3, Rc::default());
    drawn(&mut writer, &picture(rows, (0, 0)));
    writer
}

fn three(rows: [&str; 3]) -> Vec<Rc<Row>> {
    rows.iter().map(|ansi| row(ansi)).collect()
}

#[test]
fn the_first_picture_clears_and_is_seen_at_once() {
    let mut writer = Writer::new(Size::new(3, 10));
    assert_eq!(
        drawn(
            &mut writer,
            &picture(three(["\x1b[0;31mred\x1b[m", "$ ", ""]), (1, 2))
        ),
        "\x1b[?2026h\x1b[?25l\x1b[m\x1b[H\x1b[2J\x1b[0;31mred\x1b[2;1H\x1b[m$\x1b[C\x1b[?25h\x1b[?2026l"
    );
}

#[test]
fn a_key_and_its_echo_are_one_byte() {
    let mut writer = showing(&["$ l"]);
    assert_eq!(
        drawn(&mut writer, &picture(three(["$ l", "", ""]), (0, 3))),
        "\x1b[3C"
    );
    assert_eq!(
        drawn(&mut writer, &picture(three(["$ ls", "", ""]), (0, 4))),
        "s"
    );
    assert_eq!(
        drawn(&mut writer, &picture(three(["$ ls", "", ""]), (0, 4))),
        ""
    );
}

#[test]
fn only_cells_that_differ_are_written() {
    for (name, before, after, wanted) in [
        ("one in the middle", "0123456789", "0123x56789", "\x1b[4Cx"),
        ("two near each other", "0123456789", "x12y456789", "x12y"),
        ("two far apart", "0123456789", "x12345678y", "x\x1b[8Cy"),
        ("a shorter row", "0123456789", "0123", "\x1b[4C\x1b[K"),
        ("a blank row", "0123", "", "\x1b[K"),
        (
            "a colour",
            "0123",
            "01\x1b[0;31m2\x1b[m3",
            "\x1b[2C\x1b[0;31m2",
        ),
        ("the last column", "012345678", "012345678x", "\x1b[9Cx"),
        ("a wide one over two", "ab cd", "\u{4e16} cd", "\u{4e16}"),
        ("two over a wide one", "\u{4e16} cd", "ab cd", "ab"),
        (
            "a link",
            "ab",
            "\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\b",
            "\x1b]8;;http://x\x1b\\a",
        ),
    ] {
        let mut writer = showing(&[before]);
        let mut out = Vec::new();
        let rows = vec![row(after), Rc::default(), Rc::default()];
        writer.draw(
            &Picture {
                rows,
                cursor: None,
                shape: 0,
            },
            &mut out,
        );
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, format!("{wanted}\x1b[?25l"), "{name}");
    }
}

#[test]
fn what_follows_a_cluster_of_doubtful_width_is_placed_by_its_column() {
    let family = "\u{1f468}\u{200d}\u{1f469}";
    let mut writer = showing(&[""]);
    let told = || vec![(0, 11, 2, true).into()];
    let first = clustered(&format!("{family}|"), told());
    let shown = drawn(
        &mut writer,
        &picture(vec![first, Rc::default(), Rc::default()], (0, 3)),
    );
    assert_eq!(shown, format!("\x1b[2X{family}\x1b[1;3H|\x1b[K"));
    // It stays, and what follows is not touched by it.
    let next = clustered(&format!("{family}|x"), told());
    let shown = drawn(
        &mut writer,
        &picture(vec![next, Rc::default(), Rc::default()], (0, 4)),
    );
    assert_eq!(shown, "x");
}

#[test]
fn a_mark_in_the_last_column_joins_its_own_cell() {
    let mut writer = showing(&["012345678"]);
    let wanted = clustered("012345678e\u{301}", vec![(9, 3, 1, false).into()]);
    let shown = drawn(
        &mut writer,
        &picture(vec![wanted, Rc::default(), Rc::default()], (0, 9)),
    );
    assert_eq!(shown, "\x1b[9C\x1b[?7he\u{301}\x1b[?7l\x1b[1;10H");
}

#[test]
fn the_cursor_has_a_shape_only_when_a_program_asked_for_one() {
    let mut writer = showing(&["a"]);
    let at = |shape| Picture {
        rows: three(["a", "", ""]),
        cursor: Some((0, 1)),
        shape,
    };
    assert_eq!(drawn(&mut writer, &at(0)), "\x1b[C");
    assert_eq!(drawn(&mut writer, &at(5)), "\x1b[5 q");
    assert_eq!(drawn(&mut writer, &at(0)), "\x1b[0 q", "the terminal's own");
    let hidden = Picture {
        cursor: None,
        ..at(0)
    };
    assert_eq!(drawn(&mut writer, &hidden), "\x1b[?25l");
    assert_eq!(drawn(&mut writer, &hidden), "");
    assert_eq!(drawn(&mut writer, &at(0)), "\x1b[?25h");
}

/// A terminal that understands what is written to it, as far as it is used here.
struct Terminal {
    rows: Vec<Vec<char>>,
    at: (usize, usize),
    region: (usize, usize),
}

impl Terminal {
    fn new(size: Size) -> Self {
        let rows = vec![vec![' '; size.cols.into()]; size.rows.into()];
        let region = (0, rows.len());
        Self {
            rows,
            at: (0, 0),
            region,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let inner: String = chars.by_ref().take_while_inclusive_final();
                    self.control(&inner);
                }
                '\r' => self.at.1 = 0,
                c => {
                    self.rows[self.at.0][self.at.1] = c;
                    self.at.1 = (self.at.1 + 1).min(self.rows[0].len() - 1);
                }
            }
        }
    }

    fn control(&mut self, inner: &str) {
        let (numbers, last) = inner.split_at(inner.len() - 1);
        let mut numbers = numbers.split(';').map(|n| n.parse::<usize>().unwrap_or(0));
        let (first, second) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let many = first.max(1);
        match last {
            "H" => self.at = (many - 1, second.max(1) - 1),
            "G" => self.at.1 = many - 1,
            "C" => self.at.1 += many,
            "K" => self.rows[self.at.0][self.at.1..].fill(' '),
            "J" => self.rows.iter_mut().for_each(|row| row.fill(' ')),
            "r" => {
                let end = if second == 0 { self.rows.len() } else { second };
                (self.region, self.at) = ((many - 1, end), (0, 0));
            }
            "M" | "L" => {
                let blank = vec![' '; self.rows[0].len()];
                let region = &mut self.rows[self.at.0..self.region.1];
                for _ in 0..many {
                    let end = region.len() - 1;
                    if last == "M" {
                        region.rotate_left(1);
                        region[end].clone_from(&blank);
                    } else {
                        region.rotate_right(1);
                        region[0].clone_from(&blank);
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&self) -> Vec<String> {
        let rows = self.rows.iter().map(|row| row.iter().collect::<String>());
        rows.map(|row| row.trim_end().to_owned()).collect()
    }
}

trait UpToFinal {
    fn take_while_inclusive_final(self) -> String;
}

impl<I: Iterator<Item = char>> UpToFinal for I {
    fn take_while_inclusive_final(mut self) -> String {
        let mut inner = String::new();
        for c in &mut self {
            inner.push(c);
            if ('@'..='~').contains(&c) {
                break;
            }
        }
        inner
    }
}

#[test]
fn a_scroll_by_one_line_costs_one_line() {
    let size = Size::new(50, 160);
    let line = |n: usize| {
        format!(
            "static int value = compute(some, longer, list, of, arguments); /* row {n:3} of a source file that fills most of it */"
        )
    };
    let shown = |first: usize| {
        let mut rows: Vec<_> = (first..first + 49).map(|n| row(&line(n))).collect();
        rows.push(row("a status line"));
        picture(rows, (48, 119))
    };
    let mut writer = Writer::new(size);
    let mut terminal = Terminal::new(size);
    terminal.write(drawn(&mut writer, &shown(0)).as_bytes());
    for first in 1..20 {
        let bytes = drawn(&mut writer, &shown(first));
        assert!(bytes.len() <= 2 * line(0).len(), "{} bytes", bytes.len());
        terminal.write(bytes.as_bytes());
        let wanted: Vec<String> = (first..first + 49)
            .map(line)
            .chain(["a status line".to_owned()])
            .collect();
        assert_eq!(terminal.text(), wanted);
    }
    // And back.
    let bytes = drawn(&mut writer, &shown(17));
    assert!(bytes.len() <= 3 * line(0).len(), "{} bytes", bytes.len());
    terminal.write(bytes.as_bytes());
    assert_eq!(terminal.text()[0], line(17));
}

proptest::proptest! {
    #[test]
    fn whatever_changes_the_terminal_shows_the_picture(
        pictures in proptest::collection::vec(proptest::collection::vec(0usize..8, 6), 1..12),
        scrolls in proptest::collection::vec(0usize..4, 12),
    ) {
        const TEXTS: [&str; 8] = ["", "a", "b b b", "0123456789", "0123x56789", "   c", "d      d", "e"];
        let size = Size::new(6, 10);
        let (mut writer, mut terminal) = (Writer::new(size), Terminal::new(size));
        let mut texts: Vec<usize> = vec![0; 6];
        for (fresh, scroll) in pictures.iter().zip(scrolls) {
            // Mostly moved, a little changed.
            texts.rotate_left(scroll);
            texts[5] = fresh[0];
            texts[fresh[1] % 6] = fresh[2];
            let rows = texts.iter().map(|text| row(TEXTS[*text])).collect();
            terminal.write(drawn(&mut writer, &picture(rows, (0, 0))).as_bytes());
            let wanted: Vec<&str> = texts.iter().map(|text| TEXTS[*text]).collect();
            proptest::prop_assert_eq!(terminal.text(), wanted);
        }
    }
}
