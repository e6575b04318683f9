//! Colours and attributes of text (SGR). Source: xterm ctlseqs, "Character Attributes"; ECMA-48 8.3.117.

use rio_vt::config::colors::{AnsiColor, ColorRgb, NamedColor};
use rio_vt::crosswords::attr::Attr;
use rio_vt::crosswords::style::StyleFlags;
use rio_vt::performer::handler::Handler as _;
use rio_vt::performer::parser::Params;

use super::Engine;

/// The overline, which the engine does not know. It keeps and compares the bit with the others of a style.
pub(in crate::screen) const OVERLINE: StyleFlags = StyleFlags::from_bits_retain(1 << 13);

/// The first 16 colours.
pub(in crate::screen) const BASIC: [NamedColor; 16] = [
    NamedColor::Black,
    NamedColor::Red,
    NamedColor::Green,
    NamedColor::Yellow,
    NamedColor::Blue,
    NamedColor::Magenta,
    NamedColor::Cyan,
    NamedColor::White,
    NamedColor::LightBlack,
    NamedColor::LightRed,
    NamedColor::LightGreen,
    NamedColor::LightYellow,
    NamedColor::LightBlue,
    NamedColor::LightMagenta,
    NamedColor::LightCyan,
    NamedColor::LightWhite,
];

impl Engine {
    /// Sets what each parameter says. Unknown ones are passed over.
    pub(super) fn sgr(&mut self, params: &Params) {
        let mut rest = params.iter();
        while let Some(param) = rest.next() {
            let attr = match *param {
                [53] => {
                    self.overline(true);
                    continue;
                }
                [55] => {
                    self.overline(false);
                    continue;
                }
                [38] => color(&mut rest.by_ref().map(first)).map(Attr::Foreground),
                [48] => color(&mut rest.by_ref().map(first)).map(Attr::Background),
                [58] => color(&mut rest.by_ref().map(first)).map(|c| Attr::UnderlineColor(Some(c))),
                [38, ref parts @ ..] => color_parts(parts).map(Attr::Foreground),
                [48, ref parts @ ..] => color_parts(parts).map(Attr::Background),
                [58, ref parts @ ..] => color_parts(parts).map(|c| Attr::UnderlineColor(Some(c))),
                [4, kind] => Some(underline(kind)),
                [code, ..] => plain(code),
                [] => None,
            };
            if let Some(attr) = attr {
                self.term.terminal_attribute(attr);
            }
        }
    }

    fn overline(&mut self, on: bool) {
        self.term
            .grid
            .update_template_style(|style| style.flags.set(OVERLINE, on));
    }
}

fn first(param: &[u16]) -> u16 {
    param.first().copied().unwrap_or(0)
}

fn underline(kind: u16) -> Attr {
    match kind {
        0 => Attr::CancelUnderline,
        2 => Attr::DoubleUnderline,
        3 => Attr::Undercurl,
        4 => Attr::DottedUnderline,
        5 => Attr::DashedUnderline,
        _ => Attr::Underline,
    }
}

fn plain(code: u16) -> Option<Attr> {
    let named = |index: u16| AnsiColor::Named(BASIC[usize::from(index)]);
    Some(match code {
        0 => Attr::Reset,
        1 => Attr::Bold,
        2 => Attr::Dim,
        3 => Attr::Italic,
        4 => Attr::Underline,
        5 => Attr::BlinkSlow,
        6 => Attr::BlinkFast,
        7 => Attr::Reverse,
        8 => Attr::Hidden,
        9 => Attr::Strike,
        21 => Attr::DoubleUnderline,
        22 => Attr::CancelBoldDim,
        23 => Attr::CancelItalic,
        24 => Attr::CancelUnderline,
        25 => Attr::CancelBlink,
        27 => Attr::CancelReverse,
        28 => Attr::CancelHidden,
        29 => Attr::CancelStrike,
        30..=37 => Attr::Foreground(named(code - 30)),
        39 => Attr::Foreground(AnsiColor::Named(NamedColor::Foreground)),
        40..=47 => Attr::Background(named(code - 40)),
        49 => Attr::Background(AnsiColor::Named(NamedColor::Background)),
        59 => Attr::UnderlineColor(None),
        90..=97 => Attr::Foreground(named(code - 90 + 8)),
        100..=107 => Attr::Background(named(code - 100 + 8)),
        _ => return None,
    })
}

/// `2;r;g;b` or `5;index`.
fn color(parts: &mut dyn Iterator<Item = u16>) -> Option<AnsiColor> {
    let mut byte = || u8::try_from(parts.next()?).ok();
    match byte()? {
        2 => Some(AnsiColor::Spec(ColorRgb {
            r: byte()?,
            g: byte()?,
            b: byte()?,
        })),
        5 => Some(AnsiColor::Indexed(byte()?)),
        _ => None,
    }
}

/// The same with colons, where a colour space may stand before the red.
fn color_parts(parts: &[u16]) -> Option<AnsiColor> {
    let space = usize::from(parts.len() > 4);
    let kind = parts.iter().take(1);
    color(&mut kind.chain(parts.iter().skip(1 + space)).copied())
}
