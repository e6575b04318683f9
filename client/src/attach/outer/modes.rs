//! The modes of the outer terminal: those that every view needs, those that the focused pane's program asked for, and how
//! all of them are undone. Pure.

use std::io::Write;

use protocol::event::mode;

/// Makes the terminal ready: the alternate screen, title and wheel mode kept aside, no wrapping behind the last column,
/// the wheel never as cursor keys, pastes marked, mouse reports in a form that has no limit, a blank screen.
///
/// Source: xterm ctlseqs, DECSET 1049, XTWINOPS 22, DECAWM, XTSAVE, DECSET 1007, 2004, 1006.
pub(crate) const ENTER: &[u8] =
    b"\x1b[?1049h\x1b[22;0t\x1b[?1007s\x1b[?7l\x1b[?1007l\x1b[?2004h\x1b[?1006h\x1b[m\x1b[H\x1b[2J";

/// Every mode that a view may have set, back to a terminal's usual ones; then the usual screen. Colours are [undone](super::colors::Colors::undo) before. Also right where only some
/// of them were set, since whoever finds a terminal that was left alone does not know.
///
/// The stack of kitty's keyboard modes is one of the alternate screen's own. Terminals that cannot restore 1007 have it on.
pub(crate) const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1006l\x1b[?1005l\x1b[?1004l\
\x1b[?2004l\x1b[?1l\x1b>\x1b[<8u\x1b[>4m\x1b]8;;\x1b\\\x1b[r\x1b[0 q\x1b[m\x1b[?7h\x1b[?25h\x1b[?1007h\x1b[?1007r\x1b[23;0t\x1b[?1049l";

/// Modes that are switched on their own, with their DECSET numbers.
///
/// Source: xterm ctlseqs, DECSET.
const PLAIN: [(u32, u16); 2] = [(mode::APPLICATION_CURSOR, 1), (mode::FOCUS_EVENTS, 1004)];

/// Kinds of mouse tracking, from the least to the most.
const TRACKING: [(u32, u16); 3] = [
    (mode::MOUSE_CLICK, 1000),
    (mode::MOUSE_DRAG, 1002),
    (mode::MOUSE_MOTION, 1003),
];

/// The modes that are on besides those of [`ENTER`].
#[derive(Debug)]
pub(crate) struct Modes {
    /// Bits of [`mode`].
    on: u32,
    /// Tracking that the view itself wants, for the wheel.
    own: u32,
    /// The title that was set; empty for the terminal's own.
    title: String,
    /// Flags of the kitty keyboard protocol, in one entry of the terminal's stack.
    keyboard: u8,
    /// The level of xterm's modifyOtherKeys.
    modify_other_keys: u8,
}

impl Modes {
    /// For a terminal that was just made ready. With `mouse` the view itself wants the wheel.
    pub(crate) fn new(mouse: bool) -> Self {
        Self {
            on: 0,
            own: if mouse { mode::MOUSE_CLICK } else { 0 },
            title: String::new(),
            keyboard: 0,
            modify_other_keys: 0,
        }
    }

    /// The terminal was made ready anew.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            own: self.own,
            ..Self::new(false)
        };
    }

    /// Makes the terminal's modes those of the program, so that it sends what the program expects.
    pub(crate) fn mirror(&mut self, wanted: u32, out: &mut Vec<u8>) {
        let tracking = TRACKING.iter().fold(0, |bits, (bit, _)| bits | bit);
        // One kind of tracking at a time: the most that somebody wants.
        let most = TRACKING
            .iter()
            .rev()
            .find(|(bit, _)| (wanted | self.own) & bit != 0);
        let wanted = (wanted & !tracking) | most.map_or(0, |(bit, _)| *bit);
        let before = std::mem::replace(&mut self.on, wanted);
        let changed = |bits: u32| (before ^ wanted) & bits != 0;
        for (bit, number) in PLAIN {
            if changed(bit) {
                set(number, wanted & bit != 0, out);
            }
        }
        if changed(mode::APPLICATION_KEYPAD) {
            let on = wanted & mode::APPLICATION_KEYPAD != 0;
            out.extend_from_slice(if on { b"\x1b=" } else { b"\x1b>" });
        }
        for (on, modes) in [(false, before), (true, wanted)] {
            for (bit, number) in TRACKING {
                if changed(tracking) && modes & bit != 0 {
                    set(number, on, out);
                }
            }
        }
    }

    /// Makes the terminal write keys as the program asked for. A terminal that cannot passes it over, and writes them as ever.
    ///
    /// Source: kitty keyboard protocol, progressive enhancement; xterm ctlseqs, XTMODKEYS.
    pub(crate) fn set_keyboard(&mut self, flags: u8, modify_other_keys: u8, out: &mut Vec<u8>) {
        match (std::mem::replace(&mut self.keyboard, flags), flags) {
            (before, flags) if before == flags => {}
            (0, flags) => put(out, format_args!("\x1b[>{flags}u")),
            (_, 0) => out.extend_from_slice(b"\x1b[<u"),
            (_, flags) => put(out, format_args!("\x1b[={flags}u")),
        }
        if std::mem::replace(&mut self.modify_other_keys, modify_other_keys) != modify_other_keys {
            match modify_other_keys {
                0 => out.extend_from_slice(b"\x1b[>4m"),
                level => put(out, format_args!("\x1b[>4;{level}m")),
            }
        }
    }

    /// Shows the program's title, or the terminal's own when there is none.
    pub(crate) fn set_title(&mut self, title: &str, out: &mut Vec<u8>) {
        let title: String = title.chars().filter(|c| !c.is_control()).collect();
        if title == self.title {
            return;
        }
        if title.is_empty() {
            // Taken back and kept again.
            out.extend_from_slice(b"\x1b[23;0t\x1b[22;0t");
        } else {
            put(out, format_args!("\x1b]2;{title}\x07"));
        }
        self.title = title;
    }
}

fn set(number: u16, on: bool, out: &mut Vec<u8>) {
    let letter = if on { 'h' } else { 'l' };
    put(out, format_args!("\x1b[?{number}{letter}"));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing into memory does not fail");
}

#[cfg(test)]
mod tests;
