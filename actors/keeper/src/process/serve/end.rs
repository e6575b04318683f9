//! The end of the program: reaped, its output moved, told.

use super::{Serving, clock_ms};
use crate::{
    contain::Contained,
    program,
    relay::Relay,
    sys::{self, Usage, Waited},
    wire::{Event, ExitReport, KeeperFrame, ProgramStatus},
};

/// The time that a daemon which is there may take to read what an ended program has written, until the end is told all the same.
const HELD_MOST_MS: u64 = 30_000;

/// The end of the program.
pub(super) enum End {
    /// It runs.
    Awaited,
    /// It was reaped; what it has written is still being moved, with a daemon there since then, on the keeper's clock.
    Reaped(ExitReport, u64),
    /// Nothing is to be waited for.
    Known(ExitReport),
}

impl Serving {
    pub(super) fn reap(&mut self) {
        if sys::take_signals(&self.signals) {
            self.listen_again();
        }
        loop {
            match sys::wait_any() {
                Waited::Child(pid, status, usage) if pid == self.program.identity.pid => {
                    self.note_exit(status, usage);
                }
                Waited::Child(..) => {}
                Waited::NoneEnded => {
                    self.empty = false;
                    return;
                }
                Waited::NoChildren => {
                    self.empty = true;
                    return;
                }
            }
        }
    }

    fn note_exit(&mut self, status: i32, usage: Usage) {
        // Another process may get this pid now; only the first match is the program.
        if self.is_reaped() {
            return;
        }
        let Some(status) = program_status(status) else {
            return;
        };
        let (from, to) = (self.program.started, program::now());
        let ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1_000_000;
        let killed =
            matches!(status, ProgramStatus::Signaled { signal, .. } if signal == libc::SIGKILL);
        let contained = self.program.contained.as_ref();
        let report = ExitReport {
            out_of_memory: killed && contained.is_some_and(Contained::ran_out_of_memory),
            status,
            at_unix_ms: program::unix_ms(),
            duration_ms: u64::try_from(ms).unwrap_or(0),
            user_ms: usage.user_ms,
            sys_ms: usage.sys_ms,
            max_rss_kib: usage.max_rss_kib,
        };
        self.end = End::Reaped(report, clock_ms());
        if let Some(relay) = &mut self.program.relay {
            relay.program_ended();
        }
        if let Some(reports) = &mut self.program.reports {
            reports.shell_ended();
        }
        self.move_output();
    }

    /// Moves what the program prints, and tells its end when all of that is on its way.
    pub(super) fn move_output(&mut self) {
        if let Some(relay) = &mut self.program.relay {
            relay.exchange();
        }
        if let End::Reaped(report, since) = self.end {
            let now = clock_ms();
            // Without a daemon nobody reads.
            let since = if self.daemon.is_some() { since } else { now };
            self.end = End::Reaped(report, since);
            let relay = self.program.relay.as_ref();
            let is_late = now.saturating_sub(since) >= HELD_MOST_MS;
            if is_late || relay.is_none_or(Relay::is_drained) {
                self.end = End::Known(report);
                if let Some(daemon) = &mut self.daemon {
                    daemon.send(&KeeperFrame::event(Event::Exited(report)));
                }
            }
        }
        if let (End::Known(_), Some(relay)) = (&self.end, &mut self.program.relay) {
            relay.close_when_over();
        }
    }

    /// The end of the program, once that may be told.
    pub(super) fn exit(&self) -> Option<ExitReport> {
        match self.end {
            End::Known(report) => Some(report),
            End::Awaited | End::Reaped(..) => None,
        }
    }

    /// Its pid is not its own any more.
    pub(super) fn is_reaped(&self) -> bool {
        !matches!(self.end, End::Awaited)
    }
}

fn program_status(raw: i32) -> Option<ProgramStatus> {
    if libc::WIFEXITED(raw) {
        Some(ProgramStatus::Exited(libc::WEXITSTATUS(raw)))
    } else if libc::WIFSIGNALED(raw) {
        Some(ProgramStatus::Signaled {
            signal: libc::WTERMSIG(raw),
            core_dumped: libc::WCOREDUMP(raw),
        })
    } else {
        None
    }
}
