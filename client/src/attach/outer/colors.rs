//! Colours of the outer terminal that the shown pane's program has set, and how they are undone. Pure.
//!
//! What no program has set is left alone, also when the view ends: somebody else may have set it before.

use std::io::Write;

use protocol::terminal::{Rgb, SetColors};

/// The kinds of colours that were ever set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Touched {
    foreground: bool,
    background: bool,
    cursor: bool,
    indexed: bool,
}

/// The colours of one terminal.
#[derive(Debug, Default)]
pub(crate) struct Colors {
    set: SetColors,
    cursor: Option<Rgb>,
    touched: Touched,
}

/// Colours with a number of their own among the control strings.
///
/// Source: xterm ctlseqs, OSC 10 to 12, and 110 to 112, which set them back.
const FOREGROUND: u8 = 10;
const BACKGROUND: u8 = 11;
const CURSOR: u8 = 12;

impl Colors {
    /// Notes what is going to be shown. True if that sets what was never set before: then there is more to
    /// [undo](Self::undo).
    pub(crate) fn touch(&mut self, set: &SetColors, cursor: Option<Rgb>) -> bool {
        let before = self.touched;
        let now = &mut self.touched;
        now.foreground |= set.foreground.is_some();
        now.background |= set.background.is_some();
        now.indexed |= !set.indexed.is_empty();
        now.cursor |= cursor.is_some();
        *now != before
    }

    /// The bytes that undo all that was ever set.
    pub(crate) fn undo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Touched {
            foreground,
            background,
            cursor,
            indexed,
        } = self.touched;
        if indexed {
            out.extend_from_slice(b"\x1b]104\x1b\\");
        }
        for (is_touched, number) in [
            (foreground, FOREGROUND),
            (background, BACKGROUND),
            (cursor, CURSOR),
        ] {
            if is_touched {
                color(number, None, &mut out);
            }
        }
        out
    }

    /// The terminal was made ready anew.
    pub(crate) fn forget(&mut self) {
        (self.set, self.cursor) = (SetColors::default(), None);
    }

    /// Gives the terminal the program's colours, and its own where there are none.
    pub(crate) fn show(&mut self, wanted: &SetColors, cursor: Option<Rgb>, out: &mut Vec<u8>) {
        self.touch(wanted, cursor);
        if self.set != *wanted {
            let before = std::mem::replace(&mut self.set, wanted.clone());
            self.show_indexed(&before.indexed, out);
            for (number, before, wanted) in [
                (FOREGROUND, before.foreground, wanted.foreground),
                (BACKGROUND, before.background, wanted.background),
            ] {
                if before != wanted {
                    color(number, wanted, out);
                }
            }
        }
        if std::mem::replace(&mut self.cursor, cursor) != cursor {
            color(CURSOR, cursor, out);
        }
    }

    fn show_indexed(&self, before: &[(u8, Rgb)], out: &mut Vec<u8>) {
        let wanted = &self.set.indexed;
        let is_gone = |index: u8| wanted.iter().all(|(kept, _)| *kept != index);
        let gone = before.iter().filter(|(index, _)| is_gone(*index));
        let gone: String = gone.map(|(index, _)| format!(";{index}")).collect();
        if !gone.is_empty() {
            put(out, format_args!("\x1b]104{gone}\x1b\\"));
        }
        for (index, color) in wanted.iter().filter(|color| !before.contains(color)) {
            put(
                out,
                format_args!("\x1b]4;{index};{}\x1b\\", spelled(*color)),
            );
        }
    }
}

/// Sets a colour, or back to the terminal's own.
fn color(number: u8, color: Option<Rgb>, out: &mut Vec<u8>) {
    match color {
        Some(color) => put(out, format_args!("\x1b]{number};{}\x1b\\", spelled(color))),
        None => put(out, format_args!("\x1b]1{number}\x1b\\")),
    }
}

fn spelled((r, g, b): Rgb) -> String {
    format!("rgb:{r:02x}/{g:02x}/{b:02x}")
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing into memory does not fail");
}

#[cfg(test)]
mod tests;
