//! Rows as cells.

use protocol::event::Cluster;

use super::*;

fn row(ansi: &str, clusters: Option<Vec<Cluster>>) -> Row {
    Row::read(&ScreenRow {
        row: 0,
        ansi: ansi.as_bytes().to_vec(),
        clusters,
    })
}

fn widths(row: &Row) -> Vec<u8> {
    row.cells.iter().map(|cell| cell.width).collect()
}

#[test]
fn the_server_says_what_takes_how_many_columns() {
    let family = "\u{1f468}\u{200d}\u{1f469}";
    let told = vec![(0, 11, 2, true).into()];
    let read = row(&format!("{family}|"), Some(told));
    assert_eq!(widths(&read), [2, 0, 1]);
    assert!(read.cells[0].doubtful);
    // What it leaves out takes one, whatever another table says.
    assert_eq!(widths(&row("\u{4e16}", Some(vec![]))), [1]);
    // One that does not tell has its rows measured here.
    assert_eq!(widths(&row("\u{4e16}e\u{301}", None)), [2, 0, 1]);
    assert_eq!(
        row("e\u{301}", None).cells[0].glyph,
        Glyph::Cluster("e\u{301}".into())
    );
}

#[test]
fn clusters_that_make_no_sense_do_no_harm() {
    for clusters in [
        vec![(9, 1, 1, false).into()],
        vec![(0, 0, 1, false).into(), (1, 999, 200, true).into()],
        vec![(1, 1, 0, false).into(), (0, 1, 2, false).into()],
    ] {
        let read = row("abc", Some(clusters));
        assert!((1..=6).contains(&read.columns()), "{read:?}");
    }
}

#[test]
fn only_attributes_and_links_are_taken_from_a_row() {
    let read = row(
        "\x1b[0;31ma\x1b[2Jb\x1b]0;title\x07\x1b]52;c;eA==\x07c\x1b[m d",
        None,
    );
    assert_eq!(read.columns(), 5);
    let pens: Vec<_> = read.cells.iter().map(|cell| cell.pen.is_some()).collect();
    assert_eq!(pens, [true, true, true, false, false]);
    let linked = row("\x1b]8;;http://x/a;b\x1b\\l\x1b]8;;\x1b\\m", None);
    assert_eq!(
        linked.cells[0].pen.as_ref().unwrap().link,
        b"\x1b]8;;http://x/a;b\x1b\\"
    );
    assert_eq!(linked.cells[1].pen, None);
}

#[test]
fn blanks_at_the_end_are_left_out_unless_they_show_something() {
    assert_eq!(row("a   ", None).columns(), 1);
    assert_eq!(row("a \x1b[0;44m \x1b[m", None).columns(), 3);
    assert_eq!(row("a", None), row("a  ", None));
    assert!(row("a", None) != row("\x1b[0;1ma", None));
}

#[test]
fn a_part_has_no_halves() {
    let wide = row("a\u{4e16}\u{4e16}b", None);
    assert_eq!(wide.part(0, 2), row("a ", None), "the place is left");
    assert_eq!(wide.part(2, 3), row(" \u{4e16}", None));
    assert_eq!(wide.part(1, 2), row("\u{4e16}", None));
    assert_eq!(wide.part(6, 4), Row::default());
}

#[test]
fn a_message_fills_its_line_and_is_cut() {
    let message = Row::message("a\x1b[2J\u{4e16}", 4);
    assert_eq!(
        widths(&message),
        [1, 1, 1, 1],
        "of the wide one there was half"
    );
    assert_eq!(Row::message("hi", 4).columns(), 4);
}
