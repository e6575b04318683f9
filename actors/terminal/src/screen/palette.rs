//! Colours by number: those that a program has set (OSC 4, 10, 11, 12), and those that are the same everywhere.

use protocol::terminal::{SetColors, TerminalColors};
use rio_vt::config::colors::term::{COUNT, TermColors};
use rio_vt::config::colors::{AnsiColor, ColorArray, ColorRgb, NamedColor};
use rio_vt::crosswords::style::Style;

/// The number of colours that can be set: 256 and the named ones.
pub(super) const COLORS: usize = COUNT;

/// A colour that every terminal has alike. The first 16 and the default ones are each terminal's own.
///
/// Source: xterm, `256colres.h`.
fn common_color(index: usize) -> Option<ColorRgb> {
    let (r, g, b) = match index {
        16..232 => {
            let level = |step: usize| if step == 0 { 0 } else { (55 + 40 * step) as u8 };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..256 => {
            let gray = (8 + 10 * (index - 232)) as u8;
            (gray, gray, gray)
        }
        _ => return None,
    };
    Some(ColorRgb { r, g, b })
}

/// The colour that a program is told that asks for it: the one that was set, else that of the terminal of who looks; none where nobody knows.
pub(super) fn told_color(
    colors: &TermColors,
    own: Option<TerminalColors>,
    index: usize,
) -> Option<ColorRgb> {
    const FOREGROUND: usize = NamedColor::Foreground as usize;
    const BACKGROUND: usize = NamedColor::Background as usize;
    const CURSOR: usize = NamedColor::Cursor as usize;
    let set = colors[index.min(COLORS - 1)].map(from_array);
    let own = own.unwrap_or_default();
    let own = match index {
        FOREGROUND => own.foreground,
        BACKGROUND => own.background,
        CURSOR => own.cursor,
        _ => None,
    };
    set.or_else(|| own.map(|(r, g, b)| ColorRgb { r, g, b }))
        .or_else(|| common_color(index))
}

/// The colours that were set, but for the cursor's.
pub(super) fn set_colors(colors: &TermColors) -> SetColors {
    let set = |index: usize| colors[index].map(from_array).map(|c| (c.r, c.g, c.b));
    let indexed = (0..=u8::MAX).filter_map(|index| Some((index, set(index.into())?)));
    SetColors {
        foreground: set(NamedColor::Foreground as usize),
        background: set(NamedColor::Background as usize),
        indexed: indexed.collect(),
    }
}

/// The engine's form of a colour, whose own conversion rounds down.
pub(super) fn from_array(color: ColorArray) -> ColorRgb {
    let byte = |part: f32| (part * 255.0).round() as u8;
    ColorRgb {
        r: byte(color[0]),
        g: byte(color[1]),
        b: byte(color[2]),
    }
}

/// The cursor's colour, if it was set.
pub(super) fn cursor_color(colors: &TermColors) -> Option<(u8, u8, u8)> {
    let color = colors[NamedColor::Cursor as usize].map(from_array)?;
    Some((color.r, color.g, color.b))
}

/// The colours that a program has set in place of the terminal's own.
#[derive(Clone, Copy)]
pub(super) struct Palette<'a>(Option<&'a TermColors>);

impl<'a> Palette<'a> {
    /// The terminal's own colours.
    pub(super) const OWN: Self = Self(None);

    pub(super) fn of(colors: &'a TermColors) -> Self {
        let is_set = (0..COLORS).any(|index| colors[index].is_some());
        Self(is_set.then_some(colors))
    }

    fn set(self, index: usize) -> Option<ColorRgb> {
        self.0.and_then(|colors| colors[index]).map(from_array)
    }

    /// True if blanks are to be painted, too.
    pub(super) fn has_background(self) -> bool {
        self.set(NamedColor::Background as usize).is_some()
    }

    /// The style with the set colours by their value.
    pub(super) fn apply(self, style: Style) -> Style {
        if self.0.is_none() {
            return style;
        }
        Style {
            fg: self.color(style.fg),
            bg: self.color(style.bg),
            underline_color: style.underline_color.map(|color| self.color(color)),
            ..style
        }
    }

    fn color(self, color: AnsiColor) -> AnsiColor {
        let index = match color {
            AnsiColor::Named(name) => name as usize,
            AnsiColor::Indexed(index) => index.into(),
            AnsiColor::Spec(_) => return color,
        };
        match index < COLORS {
            true => self.set(index).map_or(color, AnsiColor::Spec),
            false => color,
        }
    }
}
