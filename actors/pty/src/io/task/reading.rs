//! The reading of the terminal: turns with a budget, and what is read before a time of quiet decides.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::{LOOK_PAUSE, Task, not_reading};
use crate::io::fairness;
use crate::watched::Watched;

/// Read at most so much before keys of other panes get their turn.
const TURN_BYTES: u64 = 256 * 1024;

/// And at most so long: a few bytes can ask for a lot of drawing.
const TURN_TIME: Duration = Duration::from_millis(5);

/// Asked of one read. The kernel's terminal layer gives at most about 4 KiB.
const READ_BYTES: usize = 64 * 1024;

/// A way to read from the terminal.
type Read = fn(&Watched, &mut [u8]) -> io::Result<usize>;

impl Task {
    /// Reads and parses until the terminal is empty or the turn is over; true in the latter case.
    pub(super) fn read_turn(&mut self) -> bool {
        let gives_way = self.shared.last_key.others_type();
        let limit = match gives_way {
            true => fairness::TURN_TIME,
            false => TURN_TIME,
        };
        let before = self.journal.position();
        let turn_over = self.read_for(before, limit, Watched::read_terminal);
        let taken = self.journal.position() - before;
        // A few bytes that take up the whole turn are a flood as well.
        if gives_way && (turn_over || taken >= fairness::FLOOD_BYTES) {
            self.rests_until = Some(Instant::now() + fairness::REST);
        }
        turn_over
    }

    fn read_for(&mut self, before: u64, limit: Duration, read: Read) -> bool {
        let begun = Instant::now();
        while self.journal.position() - before < TURN_BYTES && begun.elapsed() < limit {
            if self.has_unparsed() {
                self.parse_some();
                continue;
            }
            let buffer = self.journal.reserve(READ_BYTES);
            match read(&self.master, buffer) {
                Ok(0) => {
                    self.hang_up();
                    return false;
                }
                Ok(count) => {
                    self.journal.commit(count);
                    self.parse_some();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.hang_up();
                    return false;
                }
            }
        }
        true
    }

    fn hang_up(&mut self) {
        self.eof = true;
        self.writes.fail_all(&not_reading());
        let now = Instant::now();
        self.drain_waiters.over(now);
        self.next_look = (!self.ended).then_some(now + LOOK_PAUSE);
    }

    /// Reads what is there before a time of quiet decides anything: a task whose turn comes late has not seen it.
    pub(super) fn read_before_quiet(&mut self) {
        let now = Instant::now();
        let times = [
            self.drain_waiters.deadline(),
            self.waits.deadline(self.quiet_since()),
            self.quiet.deadline(),
        ];
        let due = times.into_iter().flatten().any(|at| at <= now);
        if due && !self.eof && (self.has_unparsed() || self.master.has_input().unwrap_or(false)) {
            self.read_for(self.journal.position(), TURN_TIME, Watched::read_unnoticed);
        }
    }
}
