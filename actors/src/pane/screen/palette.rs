//! The colours that queries are answered with when the program has set none: xterm's.

use rio_vt::config::colors::term::COUNT;
use rio_vt::config::colors::{ColorArray, ColorRgb, NamedColor};

/// The number of colours that can be set: 256 and the named ones.
pub(super) const COLORS: usize = COUNT;

/// The first 16 colours. Source: xterm, `XTerm-col.ad`.
const BASIC: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The default of colour `index`, for those that have one.
pub(super) fn default_color(index: usize) -> Option<ColorRgb> {
    const FOREGROUND: usize = NamedColor::Foreground as usize;
    const BACKGROUND: usize = NamedColor::Background as usize;
    const CURSOR: usize = NamedColor::Cursor as usize;
    let (r, g, b) = match index {
        0..16 => BASIC[index],
        16..232 => {
            let level = |step: usize| if step == 0 { 0 } else { (55 + 40 * step) as u8 };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..256 => {
            let gray = (8 + 10 * (index - 232)) as u8;
            (gray, gray, gray)
        }
        FOREGROUND | CURSOR => BASIC[7],
        BACKGROUND => BASIC[0],
        _ => return None,
    };
    Some(ColorRgb { r, g, b })
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
