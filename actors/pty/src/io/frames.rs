//! Frames for the viewers of a pane, each with its next change: at once after silence or input, later ones at a pace.

use std::time::Duration;

use protocol::event::{ScreenCursor, ScreenUpdate, mode};
use terminal::screen::{self, CursorShape, Modes, Screen};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::copied::Copies;

/// Frames under a stream of changes are so far apart: more than a screen shows, less than a hand feels.
const PACE: Duration = Duration::from_millis(8);

/// A frame is held back so long when the program is drawing it between the marks of DECSET 2026.
const SYNCHRONIZED_LIMIT: Duration = Duration::from_millis(100);

/// The state that somebody has who waits for a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Which state of the screen, 0 for none.
    pub(super) generation: u64,
    /// So many of the texts that the program has copied; absent for who does not want those before now.
    pub(super) copies: Option<u64>,
}

/// A frame.
pub(crate) struct Frame {
    /// The change.
    pub(super) update: ScreenUpdate,
    /// Its receiver knows so many of the texts that the program has copied.
    pub(super) copies: u64,
}

/// The viewers that take a frame.
#[derive(Default)]
pub(super) struct Frames {
    waiting: Vec<(Known, oneshot::Sender<Frame>)>,
    /// Texts that the program has copied.
    pub(super) copied: Copies,
    last: Option<Instant>,
    /// Something was typed since the last frame: the next change may be its echo.
    typed: bool,
    /// Since when a change is held back.
    held: Option<Instant>,
    /// The bell rang since the last frame.
    pub(super) bell: bool,
}

impl Frames {
    pub(super) fn push(&mut self, known: Known, reply: oneshot::Sender<Frame>) {
        self.waiting.retain(|(_, reply)| !reply.is_closed());
        self.waiting.push((known, reply));
    }

    /// Something was typed: the next frame does not wait for its pace.
    pub(super) fn typed(&mut self) {
        self.typed = true;
    }

    /// The time at which the pace allows the next frame.
    fn paced(&self) -> Option<Instant> {
        self.last.filter(|_| !self.typed).map(|last| last + PACE)
    }

    fn due(&self, screen: &Screen) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|(known, _)| self.bell || self.has_news(*known, screen))
    }

    fn has_news(&self, known: Known, screen: &Screen) -> bool {
        let copied = known
            .copies
            .is_some_and(|known| self.copied.has_after(known));
        copied || known.generation != screen.generation()
    }

    /// The time at which [`Frames::send`] has something to do, if nothing else happens before.
    pub(super) fn deadline(&self, screen: &Screen) -> Option<Instant> {
        let frame = self.frame_deadline(screen);
        frame.into_iter().chain(self.copied.deadline()).min()
    }

    fn frame_deadline(&self, screen: &Screen) -> Option<Instant> {
        if !self.due(screen) {
            return None;
        }
        let paced = self.paced();
        let held = self.held.map(|held| held + SYNCHRONIZED_LIMIT);
        held.max(paced)
    }

    /// Gives each viewer what changed since its last frame, if it is time.
    pub(super) fn send(&mut self, screen: &mut Screen, now: Instant) {
        self.copied.expire(now);
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
        let mut index = 0;
        while index < self.waiting.len() {
            if !bell && !self.has_news(self.waiting[index].0, screen) {
                index += 1;
                continue;
            }
            let (known, reply) = self.waiting.swap_remove(index);
            if !reply.is_closed() {
                self.last = Some(now);
                self.typed = false;
                let mut update = wire_update(screen.update_since(known.generation), bell);
                if let Some(known) = known.copies {
                    update.copied = self.copied.after(known);
                }
                let copies = self.copied.count();
                let _ = reply.send(Frame { update, copies });
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
        colors: update.colors,
        bell,
        copied: Vec::new(),
        progress: update.progress,
        notices: update.notices,
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
