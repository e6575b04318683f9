//! The end of the program: reaped, its output moved, told.

use super::{Serving, clock_ms};
use crate::{
    contain::Contained,
    program,
    sys::{self, Usage, Waited},
    wire::{Event, ExitReport, KeeperFrame, ProgramStatus},
};

/// The end of the program.
pub(super) enum End {
    /// It runs.
    Awaited,
    /// It was reaped then, on the keeper's clock; what it has printed is still being moved.
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
        if let Some(reports) = &mut self.program.reports {
            reports.shell_ended();
        }
        self.move_output();
    }

    /// Moves what the program prints, and tells its end when all of that is on its way.
    pub(super) fn move_output(&mut self) {
        let now = clock_ms();
        if let Some(relay) = &mut self.program.relay {
            relay.exchange(now);
        }
        if let End::Reaped(report, at) = self.end {
            let relay = self.program.relay.as_ref();
            if relay.is_none_or(|relay| relay.is_drained(at, now)) {
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
