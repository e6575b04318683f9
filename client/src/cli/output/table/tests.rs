//! Columns that give way.

use proptest::prelude::*;

use super::*;

const COLUMNS: [Column; 4] = [
    Column::new("NAME").name(6),
    Column::new("PANES").left_out(2),
    Column::new("TAGS").cut_to(4).left_out(1),
    Column::new("COMMAND").cut_to(7),
];

fn style(cols: usize) -> Style {
    Style::new(Some(cols), false, false)
}

fn row(name: &str, tags: &str, command: &str) -> Vec<Cell> {
    vec![name.into(), "12".into(), tags.into(), command.into()]
}

fn long() -> Vec<Vec<Cell>> {
    vec![
        row(&"n".repeat(64), "a,b", &"c".repeat(30)),
        row("x", "", "top"),
    ]
}

#[test]
fn names_are_cut_first_then_the_widest() {
    let lines = |cols| {
        let text = table(&COLUMNS, long(), style(cols));
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let command = "c".repeat(30);
    assert_eq!(
        lines(72),
        [
            "NAME                         PANES  TAGS  COMMAND".to_owned(),
            format!("{}…  12     a,b   {command}", "n".repeat(26)),
            "x                            12           top".to_owned(),
        ]
    );
    assert_eq!(
        lines(50)[1],
        format!("{}…  12     a,b   {}…", "n".repeat(17), "c".repeat(16))
    );
}

#[test]
fn columns_are_left_out_in_their_turn_when_cutting_is_not_enough() {
    let text = table(&COLUMNS, long(), style(24));
    assert_eq!(
        text,
        "NAME      PANES  COMMAND\nnnnnnnn…  12     cccccc…\nx         12     top\n"
    );
    let text = table(&COLUMNS, long(), style(16));
    assert_eq!(text, "NAME     COMMAND\nnnnnnn…  cccccc…\nx        top\n");
}

#[test]
fn an_empty_column_goes_before_one_whose_turn_it_is() {
    let rows = vec![row("name", "", &"c".repeat(30))];
    let text = table(&COLUMNS, rows, style(20));
    assert!(text.starts_with("NAME  PANES  COMMAND\n"), "{text}");
}

#[test]
fn wide_is_uncut() {
    let text = table(&COLUMNS, long(), Style::new(Some(20), true, false));
    assert!(text.contains(&"n".repeat(64)), "{text}");
    assert!(text.contains(&"c".repeat(30)), "{text}");
}

#[test]
fn wide_characters_count_twice_and_are_not_halved() {
    assert_eq!(cut("日本語", 6), "日本語");
    assert_eq!(cut("日本語", 5), "日本…");
    assert_eq!(cut("日本語", 4), "日…");
    assert_eq!(cut("abc", 0), "");
    assert_eq!(cut("abc", 1), "…");
    let rows = vec![row("日本", "", "a"), row("x", "", "b")];
    assert_eq!(
        table(&COLUMNS, rows, style(80)),
        "NAME  PANES  TAGS  COMMAND\n日本  12           a\nx     12           b\n"
    );
}

#[test]
fn the_end_of_an_address_is_kept() {
    let cell = Cell::from("a-long-session".to_owned())
        .tail("/0.1")
        .tail("*");
    assert_eq!(cell.fitted(40), "a-long-session/0.1*");
    assert_eq!(cell.fitted(10), "a-lo…/0.1*");
    assert_eq!(cell.fitted(4), "a-l…");
}

#[test]
fn colours_have_no_width() {
    let rows = vec![vec![
        "a".into(),
        Cell::toned("1", Tone::Good),
        "".into(),
        "c".into(),
    ]];
    let style = Style {
        colours: true,
        ..style(80)
    };
    assert_eq!(
        table(&COLUMNS, rows, style),
        "\u{1b}[1mNAME\u{1b}[0m  \u{1b}[1mPANES\u{1b}[0m  \u{1b}[1mTAGS\u{1b}[0m  \u{1b}[1mCOMMAND\u{1b}[0m\n\
         a     \u{1b}[32m1\u{1b}[0m            c\n"
    );
}

proptest! {
    #[test]
    fn no_line_is_longer_than_the_width(
        cells in prop::collection::vec(("\\PC{0,70}", "\\PC{0,20}", "\\PC{0,90}"), 0..6),
        cols in 1_usize..200,
    ) {
        let rows = cells.iter().map(|(a, b, c)| row(a, b, c)).collect();
        for line in table(&COLUMNS, rows, style(cols)).lines() {
            prop_assert!(line.width() <= cols, "{line:?}");
        }
    }
}
