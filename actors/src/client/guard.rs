//! The terminal of an attached client, to be put back as it was when the client cannot do it itself: killed, or stopped.

use std::os::fd::{AsFd, OwnedFd};

use protocol::request::{GuardTerminal, TerminalSettings};
use protocol::{Error, ErrorCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector,
    SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};

/// Most bytes that undo a terminal's modes.
const LEAVE_BYTES: usize = 1024;

/// The time for which a terminal that takes nothing is waited for, in steps of 100 ms.
const STEPS: u32 = 5;

/// A terminal and what is known of it.
pub(super) struct Guard {
    terminal: OwnedFd,
    leave: Vec<u8>,
    before: TerminalSettings,
    /// As the client has set it.
    during: TerminalSettings,
    client: ProcessStat,
}

/// A process as `/proc/PID/stat` shows it. Source: proc(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProcessStat {
    pid: i32,
    state: u8,
    group: i32,
    session: i32,
    /// The group that has its terminal now.
    foreground: i32,
}

impl Guard {
    /// Takes the terminal of the client at the other end of `socket` into care.
    ///
    /// # Errors
    /// `invalid_argument` when it is none, or too much would have to be written.
    pub(super) fn new(
        socket: &OwnedFd,
        descriptor: Option<OwnedFd>,
        params: GuardTerminal,
    ) -> Result<Self, Error> {
        let handed = descriptor.ok_or_else(|| {
            Error::invalid("no descriptor came with the call")
                .hint("send it with the call's bytes (SCM_RIGHTS)")
        })?;
        if params.leave.len() > LEAVE_BYTES {
            return Err(Error::invalid(format!(
                "{} bytes to leave a terminal are too many, {LEAVE_BYTES} may be",
                params.leave.len()
            ))
            .hint("send what undoes the modes, nothing else"));
        }
        let during = tcgetattr(&handed).map_err(|_| {
            Error::invalid("the descriptor is no terminal")
                .hint("send the one that the view is shown on")
        })?;
        let peer = socket_peercred(socket)
            .ok()
            .map(|peer| peer.pid.as_raw_nonzero().get());
        let client = peer.and_then(process).ok_or_else(|| {
            Error::new(
                ErrorCode::Unsupported,
                "the client's process is not to be seen from here",
            )
            .hint("the view works; only a killed view's terminal stays as it is")
        })?;
        Ok(Self {
            terminal: own_description(handed)?,
            leave: params.leave,
            before: params.settings,
            during: TerminalSettings::of(&during),
            client,
        })
    }

    /// The client was stopped from outside, so that it could not put the terminal back.
    pub(super) fn is_client_stopped(&self) -> bool {
        process(self.client.pid)
            .is_some_and(|now| now.state == b'T' && now.session == self.client.session)
    }

    /// Puts the terminal back. Blocks for half a second at most.
    pub(super) fn put_right(&self) {
        if !self.is_left_alone() {
            return;
        }
        let mut bytes = &self.leave[..];
        let mut steps = 0;
        while !bytes.is_empty() && steps < STEPS {
            match rustix::io::write(&self.terminal, bytes) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    steps += 1;
                    const STEP: Timespec = Timespec {
                        tv_sec: 0,
                        tv_nsec: 100_000_000,
                    };
                    let _ = poll(
                        &mut [PollFd::new(&self.terminal, PollFlags::OUT)],
                        Some(&STEP),
                    );
                }
                Err(_) => return,
            }
        }
        let Ok(mut now) = tcgetattr(&self.terminal) else {
            return;
        };
        // A shell has put its own settings there already, or does so in a moment.
        if TerminalSettings::of(&now) == self.during {
            apply(&self.before, &mut now);
            // What was typed for the view, and what the terminal has answered it, is not for the shell.
            let _ = tcflush(&self.terminal, QueueSelector::IFlush);
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &now);
        }
    }

    /// True if no other program has the terminal: it is the client's still, or its shell has it again.
    fn is_left_alone(&self) -> bool {
        process(self.client.session).is_some_and(|leader| {
            leader.foreground == self.client.group || leader.foreground == leader.group
        })
    }
}

/// The terminal under a description of its own, so that it never blocks and nobody else notices.
fn own_description(handed: OwnedFd) -> Result<OwnedFd, Error> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", handed.as_raw_fd());
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if let Ok(own) = rustix::fs::open(path, flags, Mode::empty()) {
        return Ok(own);
    }
    // Another user's, as after `su`: the client's own description will do when it does not block.
    let flags = rustix::fs::fcntl_getfl(handed.as_fd());
    if flags.is_ok_and(|flags| flags.contains(OFlags::NONBLOCK)) {
        return Ok(handed);
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        "the terminal cannot be opened from here",
    )
    .hint("the view works; only a killed view's terminal stays as it is"))
}

fn process(pid: i32) -> Option<ProcessStat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    read_stat(pid, &text)
}

/// The name may hold spaces and parentheses.
fn read_stat(pid: i32, text: &str) -> Option<ProcessStat> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let mut number = |skip: usize| fields.nth(skip)?.parse().ok();
    Some(ProcessStat {
        pid,
        state,
        group: number(1)?,
        session: number(0)?,
        foreground: number(1)?,
    })
}

fn apply(settings: &TerminalSettings, termios: &mut Termios) {
    termios.input_modes = InputModes::from_bits_retain(settings.input);
    termios.output_modes = OutputModes::from_bits_retain(settings.output);
    termios.control_modes = ControlModes::from_bits_retain(settings.control);
    termios.local_modes = LocalModes::from_bits_retain(settings.local);
    termios.special_codes[SpecialCodeIndex::VMIN] = settings.least;
    termios.special_codes[SpecialCodeIndex::VTIME] = settings.time;
}

/// Puts a terminal right without holding anybody up.
pub(super) fn put_right(guard: Guard) {
    tokio::task::spawn_blocking(move || guard.put_right());
}

#[cfg(test)]
mod tests;
