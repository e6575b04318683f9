//! Mouse reports of the outer terminal, and the same in the form that a program asked for. Pure.

use std::io::Write;

use protocol::event::mode;

/// A report: what happened at which cell of the outer terminal, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mouse {
    /// As in the report: button, modifiers, motion. Source: xterm ctlseqs, mouse tracking.
    pub(crate) button: u16,
    pub(crate) row: u16,
    pub(crate) col: u16,
    /// A button was let go.
    pub(crate) release: bool,
}

/// The bit of a report that is about the wheel.
const WHEEL: u16 = 64;
/// The bit of a report of a movement.
const MOTION: u16 = 32;
/// In the older forms a release does not say of which button.
const RELEASED: u16 = 3;
/// Shift, Alt and Ctrl.
const MODIFIERS: u16 = 4 | 8 | 16;

impl Mouse {
    /// Reads a report in SGR form, or in the oldest form of a terminal that has no other.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if let [0x1b, b'[', b'M', button, col, row] = bytes {
            let button = u16::from(button.checked_sub(32)?);
            return Some(Self {
                button,
                row: u16::from(row.checked_sub(33)?),
                col: u16::from(col.checked_sub(33)?),
                release: button & (RELEASED | MOTION | WHEEL) == RELEASED,
            });
        }
        let inner = bytes.strip_prefix(b"\x1b[<")?;
        let (last, inner) = inner.split_last()?;
        let mut numbers = std::str::from_utf8(inner)
            .ok()?
            .split(';')
            .map(str::parse::<u16>);
        let mut next = || numbers.next()?.ok();
        let (button, col, row) = (next()?, next()?, next()?);
        Some(Self {
            button,
            row: row.checked_sub(1)?,
            col: col.checked_sub(1)?,
            release: *last == b'm',
        })
    }

    /// A button was pressed.
    pub(crate) fn is_press(&self) -> bool {
        !self.release && self.button & (MOTION | WHEEL) == 0
    }

    /// Rows that the wheel was turned up, when this is about the wheel.
    pub(crate) fn wheel(&self) -> Option<i32> {
        const STEP: i32 = 3;
        match self.button & !MODIFIERS {
            64 => Some(STEP),
            65 => Some(-STEP),
            _ => None,
        }
    }

    /// The report for a program that has these modes on; none when it did not ask for it.
    pub(crate) fn report(&self, modes: u32) -> Option<Vec<u8>> {
        let has = |bits: u32| modes & bits != 0;
        let moves = self.button & MOTION != 0 && self.button & WHEEL == 0;
        let held = self.button & 3 != 3;
        let wanted = match (moves, held) {
            (false, _) => has(mode::MOUSE_CLICK | mode::MOUSE_DRAG | mode::MOUSE_MOTION),
            (true, true) => has(mode::MOUSE_DRAG | mode::MOUSE_MOTION),
            (true, false) => has(mode::MOUSE_MOTION),
        };
        if !wanted {
            return None;
        }
        let mut out = Vec::new();
        let (col, row) = (self.col + 1, self.row + 1);
        if has(mode::MOUSE_SGR) {
            let last = if self.release { 'm' } else { 'M' };
            let _ = write!(out, "\x1b[<{};{col};{row}{last}", self.button);
            return Some(out);
        }
        let button = match self.release {
            true => (self.button & !3) | RELEASED,
            false => self.button,
        };
        out.extend_from_slice(b"\x1b[M");
        for number in [button, col, row] {
            let value = number + 32;
            if has(mode::MOUSE_UTF8) {
                let c = char::from_u32(value.into()).filter(|_| value < 0x800)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(u8::try_from(value).ok()?);
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests;
