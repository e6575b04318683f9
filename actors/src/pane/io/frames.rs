//! When viewers of a pane get its next change: at once after silence or input, later ones at a pace.

use std::time::Duration;

use protocol::event::{ScreenCursor, ScreenUpdate, mode};
use supervisor::Reply;
use tokio::time::Instant;

use crate::pane::screen::{self, CursorShape, Modes, Screen};

/// Frames under a stream of changes are so far apart: more than a screen shows, less than a hand feels.
const PACE: Duration = Duration::from_millis(8);

/// A frame is held back so long when the program is drawing it between the marks of DECSET 2026.
const SYNCHRONIZED_LIMIT: Duration = Duration::from_millis(100);

/// The viewers that take a frame.
#[derive(Default)]
pub(super) struct Frames {
    waiting: Vec<(u64, Reply<ScreenUpdate>)>,
    last: Option<Instant>,
    /// Something was typed since the last frame: the next change may be its echo.
    typed: bool,
    /// Since when a change is held back.
    held: Option<Instant>,
    /// The bell rang since the last frame.
    pub(super) bell: bool,
}

impl Frames {
    pub(super) fn push(&mut self, generation: u64, reply: Reply<ScreenUpdate>) {
        self.waiting.retain(|(_, reply)| !reply.is_closed());
        self.waiting.push((generation, reply));
    }

    /// Something was typed: the next frame does not wait for its pace.
    pub(super) fn typed(&mut self) {
        self.typed = true;
    }

    /// When the pace allows the next frame.
    fn paced(&self) -> Option<Instant> {
        self.last.filter(|_| !self.typed).map(|last| last + PACE)
    }

    fn due(&self, screen: &Screen) -> bool {
        let now = screen.generation();
        self.waiting.iter().any(|(seen, _)| *seen != now) || (self.bell && !self.waiting.is_empty())
    }

    /// When [`Frames::send`] has something to do, if nothing else happens before.
    pub(super) fn deadline(&self, screen: &Screen) -> Option<Instant> {
        if !self.due(screen) {
            return None;
        }
        let paced = self.paced();
        let held = self.held.map(|held| held + SYNCHRONIZED_LIMIT);
        held.max(paced)
    }

    /// Gives each viewer what changed since its last frame, if it is time.
    pub(super) fn send(&mut self, screen: &mut Screen, now: Instant) {
        if !self.due(screen) {
            self.held = None;
            return;
        }
        if self.paced().is_some_and(|at| at > now) {
            return;
        }
        if screen.modes().synchronized_output {
            let held = *self.held.get_or_insert(now);
            if held + SYNCHRONIZED_LIMIT > now {
                return;
            }
            screen.end_synchronized_update();
        }
        self.held = None;
        let bell = std::mem::take(&mut self.bell);
        let generation = screen.generation();
        let mut index = 0;
        while index < self.waiting.len() {
            if self.waiting[index].0 == generation && !bell {
                index += 1;
                continue;
            }
            let (seen, reply) = self.waiting.swap_remove(index);
            if !reply.is_closed() {
                self.last = Some(now);
                self.typed = false;
                reply.send(wire_update(screen.update_since(seen), bell));
            }
        }
    }
}

/// A screen's change as it travels.
pub(super) fn wire_update(update: screen::ScreenUpdate, bell: bool) -> ScreenUpdate {
    ScreenUpdate {
        generation: update.generation,
        full: update.full,
        size: update.size,
        rows: update.rows,
        cursor: ScreenCursor {
            row: update.cursor.row,
            col: update.cursor.col,
            visible: update.cursor.visible,
            shape: shape_number(update.cursor),
        },
        modes: mode_bits(&update.modes),
        keyboard: update.modes.keyboard,
        modify_other_keys: update.modes.modify_other_keys,
        cursor_color: update.cursor.color,
        title: update.title,
        bell,
        rows_back: update.rows_back,
    }
}

/// Source: xterm ctlseqs, DECSCUSR.
fn shape_number(cursor: screen::Cursor) -> u8 {
    let steady = match cursor.shape {
        CursorShape::Own => return 0,
        CursorShape::Block => 2,
        CursorShape::Underline => 4,
        CursorShape::Bar => 6,
    };
    steady - u8::from(cursor.blinking)
}

fn mode_bits(modes: &Modes) -> u32 {
    let bits = [
        (modes.alternate_screen, mode::ALTERNATE_SCREEN),
        (modes.bracketed_paste, mode::BRACKETED_PASTE),
        (modes.application_cursor, mode::APPLICATION_CURSOR),
        (modes.application_keypad, mode::APPLICATION_KEYPAD),
        (modes.mouse_clicks, mode::MOUSE_CLICK),
        (modes.mouse_drag, mode::MOUSE_DRAG),
        (modes.mouse_motion, mode::MOUSE_MOTION),
        (modes.mouse_sgr, mode::MOUSE_SGR),
        (modes.focus_events, mode::FOCUS_EVENTS),
        (modes.synchronized_output, mode::SYNCHRONIZED),
        (modes.mouse_utf8, mode::MOUSE_UTF8),
    ];
    bits.iter()
        .filter(|(on, _)| *on)
        .fold(0, |sum, (_, bit)| sum | bit)
}

#[cfg(test)]
mod tests;
