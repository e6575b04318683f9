//! Whose size counts.

use protocol::terminal::{CellPixels, TerminalColors};

use super::*;

#[test]
fn programs_are_told_of_the_terminal_of_who_typed_last() {
    let [light, dark, silent] = [(); 3].map(|()| ClientUuid::new());
    let of = |background, cell| TerminalFacts {
        colors: Some(TerminalColors {
            background,
            ..TerminalColors::default()
        }),
        cell,
    };
    let cell = Some(CellPixels {
        width: 9,
        height: 18,
    });
    let unknown = TerminalFacts::default();
    let white = of(Some((255, 255, 255)), cell);
    let black = of(Some((0, 0, 0)), None);
    let mut sizes = Sizes::default();
    assert_eq!(sizes.facts(unknown), unknown);
    assert_eq!(sizes.facts(white), white, "what was known last stays");
    sizes.learn(light, TerminalFacts { colors: None, cell });
    sizes.set(light, Size::new(24, 80));
    assert_eq!(
        sizes.facts(black),
        of(Some((0, 0, 0)), cell),
        "it is being asked"
    );
    sizes.learn(light, white);
    assert_eq!(sizes.facts(black), white);
    sizes.learn(dark, black);
    sizes.set(dark, Size::new(24, 80));
    assert_eq!(sizes.facts(white), white);
    sizes.typed(dark);
    assert_eq!(sizes.facts(white), black);
    sizes.learn(silent, of(None, None));
    sizes.set(silent, Size::new(24, 80));
    sizes.typed(silent);
    assert_eq!(sizes.facts(black), of(None, None), "it does not tell");
    sizes.forget(silent);
    assert_eq!(sizes.facts(unknown), black);
}

#[test]
fn the_size_follows_who_typed_last_and_goes_back_when_they_leave() {
    let [large, small, tiny] = [(); 3].map(|()| ClientUuid::new());
    let mut sizes = Sizes::default();
    assert_eq!(sizes.decided(), None);
    sizes.set(large, Size::new(50, 120));
    assert_eq!(sizes.decided(), Some((large, Size::new(50, 120))), "alone");
    sizes.set(small, Size::new(10, 40));
    assert_eq!(
        sizes.decided(),
        Some((large, Size::new(50, 120))),
        "attaching beside others is no word"
    );
    sizes.typed(small);
    assert_eq!(sizes.decided(), Some((small, Size::new(10, 40))));
    sizes.set(large, Size::new(60, 130));
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(10, 40))),
        "nor is another size of one that looks"
    );
    sizes.set(small, Size::new(12, 44));
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(12, 44))),
        "its own counts"
    );
    sizes.set(tiny, Size::new(2, 1));
    sizes.typed(tiny);
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(12, 44))),
        "too small to decide"
    );
    sizes.forget(small);
    assert_eq!(
        sizes.decided(),
        Some((large, Size::new(60, 130))),
        "the one before"
    );
    sizes.forget(large);
    assert_eq!(sizes.decided(), None);
}
