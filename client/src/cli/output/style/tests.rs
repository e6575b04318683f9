//! The conditions for colours, and the widths of lines.

use super::*;

#[test]
fn colours_are_for_terminals_unless_somebody_says_otherwise() {
    for (choice, terminal, no_color, coloured) in [
        (ColorChoice::Auto, true, false, true),
        (ColorChoice::Auto, true, true, false),
        (ColorChoice::Auto, false, false, false),
        (ColorChoice::Always, false, true, true),
        (ColorChoice::Never, true, false, false),
    ] {
        assert_eq!(
            choice.applies(terminal, no_color),
            coloured,
            "{choice:?} {terminal} {no_color}"
        );
    }
}

#[test]
fn lines_are_as_wide_as_the_terminal_else_80_columns_and_uncut_when_wide() {
    assert_eq!(Style::new(Some(132), false, false).cols, Some(132));
    assert_eq!(Style::new(None, false, false).cols, Some(80));
    let wide = Style::new(Some(132), true, false);
    assert_eq!((wide.cols, wide.ids), (None, true));
}

#[test]
fn tones_are_sequences_only_where_there_are_colours() {
    let coloured = Style::new(None, false, true);
    assert_eq!(coloured.paint("ok", Tone::Good), "\x1b[32mok\x1b[0m");
    assert_eq!(coloured.paint("x", Tone::Plain), "x");
    assert_eq!(coloured.paint("", Tone::Bad), "");
    assert_eq!(Style::default().paint("ok", Tone::Good), "ok");
}
