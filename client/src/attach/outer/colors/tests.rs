//! Colours are set once, taken back, and undone on leaving.

use super::*;

const RED: Rgb = (255, 0, 16);

fn shown(colors: &mut Colors, set: &SetColors, cursor: Option<Rgb>) -> String {
    let mut out = Vec::new();
    colors.show(set, cursor, &mut out);
    String::from_utf8(out).unwrap()
}

fn undone(colors: &Colors) -> String {
    String::from_utf8(colors.undo()).unwrap()
}

#[test]
fn the_terminal_has_the_programs_colours_and_then_its_own() {
    let none = SetColors::default();
    let mut colors = Colors::default();
    assert_eq!(shown(&mut colors, &none, None), "");
    assert_eq!(undone(&colors), "", "nothing was set");
    let set = SetColors {
        foreground: Some(RED),
        background: Some((0, 0, 0)),
        indexed: vec![(1, RED), (200, (1, 2, 3))],
    };
    assert_eq!(
        shown(&mut colors, &set, None),
        "\x1b]4;1;rgb:ff/00/10\x1b\\\x1b]4;200;rgb:01/02/03\x1b\\\x1b]10;rgb:ff/00/10\x1b\\\x1b]11;rgb:00/00/00\x1b\\"
    );
    assert_eq!(shown(&mut colors, &set, None), "");
    let less = SetColors {
        background: None,
        indexed: vec![(1, (9, 9, 9))],
        ..set.clone()
    };
    assert_eq!(
        shown(&mut colors, &less, Some(RED)),
        "\x1b]104;200\x1b\\\x1b]4;1;rgb:09/09/09\x1b\\\x1b]111\x1b\\\x1b]12;rgb:ff/00/10\x1b\\"
    );
    assert_eq!(
        undone(&colors),
        "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
    );
    colors.forget();
    assert_eq!(
        shown(&mut colors, &none, Some(RED)),
        "\x1b]12;rgb:ff/00/10\x1b\\",
        "the terminal was made ready anew"
    );
    assert_eq!(shown(&mut colors, &none, None), "\x1b]112\x1b\\");
}

#[test]
fn what_undoes_colours_grows_with_what_is_set() {
    let mut colors = Colors::default();
    let set = SetColors {
        background: Some(RED),
        ..SetColors::default()
    };
    assert!(colors.touch(&set, None));
    assert!(!colors.touch(&set, None), "that is known");
    assert_eq!(undone(&colors), "\x1b]111\x1b\\");
    assert!(colors.touch(&SetColors::default(), Some(RED)));
    assert_eq!(undone(&colors), "\x1b]111\x1b\\\x1b]112\x1b\\");
}
