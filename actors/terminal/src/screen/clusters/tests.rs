//! Widths as viewers are told them.

use protocol::Size;
use protocol::event::Cluster;

use crate::screen::Screen;

fn shown(text: &str) -> (Vec<Cluster>, u16) {
    let mut screen = Screen::new(Size::new(2, 40), 0);
    screen.advance(text.as_bytes());
    let row = screen.update_since(0).rows.remove(0);
    (row.clusters.unwrap(), screen.cursor().col)
}

#[test]
fn emoji_are_doubtful_and_their_columns_are_told() {
    for (name, text) in [
        ("a family", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"),
        ("a skin colour", "\u{1f44d}\u{1f3fd}"),
        (
            "a job with a skin colour",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}",
        ),
        ("an emoji", "\u{1f600}"),
        ("a keycap", "1\u{fe0f}\u{20e3}"),
    ] {
        let (clusters, col) = shown(text);
        let cells: u16 = clusters
            .iter()
            .map(|cluster| u16::from(cluster.cells))
            .sum();
        assert_eq!(cells, col, "{name}");
        assert!(clusters.iter().all(|cluster| cluster.doubtful), "{name}");
    }
}

#[test]
fn text_of_every_day_is_not_doubtful() {
    for text in [
        "plain",
        "h\u{e9}llo \u{2500}\u{2502}\u{2588}",
        "\u{416}\u{3b1}\u{5d0}",
    ] {
        assert_eq!(shown(text).0, [], "{text}");
    }
    let (clusters, _) = shown("\u{4e16}e\u{301}");
    let told: Vec<_> = clusters
        .iter()
        .map(|c| (c.bytes, c.cells, c.doubtful))
        .collect();
    assert_eq!(told, [(3, 2, false), (3, 1, false)]);
}

#[test]
fn a_character_whose_width_two_tables_disagree_on_is_doubtful() {
    use unicode_width::UnicodeWidthChar;
    let mut disagree = 0;
    for c in (0xa0..0x3_0000).filter_map(char::from_u32) {
        let mut text = String::from("x");
        text.push(c);
        let (clusters, col) = shown(&text);
        let own = c.width().unwrap_or(0);
        if usize::from(col) != 1 + own {
            disagree += 1;
            let told = clusters.iter().any(|cluster| cluster.doubtful);
            assert!(
                told || own == 0 || col == 1,
                "{c:?} takes {} and {own}",
                col - 1
            );
        }
    }
    assert!(disagree < 2_000, "{disagree} characters");
}
