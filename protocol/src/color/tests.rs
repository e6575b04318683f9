//! Colours that stay.

use super::*;

/// A colour that changed with a version would be worse than none.
#[test]
fn names_have_their_colours_for_ever() {
    for (name, color) in [
        ("local", ServerColor::Magenta),
        ("polecats", ServerColor::BrightCyan),
        ("lab", ServerColor::Cyan),
        ("build", ServerColor::BrightCyan),
        ("den", ServerColor::BrightBlue),
        ("far", ServerColor::BrightMagenta),
    ] {
        assert_eq!(
            ServerColor::of(&ServerName::new(name).unwrap()),
            color,
            "{name}"
        );
    }
    for name in ServerColor::names() {
        assert_eq!(ServerColor::named(name).map(ServerColor::name), Some(name));
    }
}
