//! The reports of a pipeline's shell: taken from its socket, believed only when the shell itself has said it, passed on through a pipe.
//!
//! The kernel names the sender of each packet (`SO_PASSCRED`). The keeper is the shell's parent and has not reaped it, so its pid means nobody
//! else; `exec` keeps a pid, so the image that runs under it must still be the shell's: that of the process which speaks first, before any
//! step. The shell waits for an answer to each line: it is therefore there to be looked at, and the answer's word is what it marks the end of
//! the step's output with.

use std::fmt::Write as _;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketFlags,
    SocketType, recvmsg, send, socketpair, sockopt::set_socket_passcred,
};
use rustix::pipe::{PipeFlags, pipe_with};
use uuid::Uuid;

use crate::procs;

/// Packets taken in one turn: whoever sends without end must not keep the keeper from its work.
const PACKETS: usize = 64;
/// Longest packet, and longest report of several packets, that can be one: a number, a code and a newline.
const REPORT_BYTES: usize = 64;
/// Most that waits for the pipe, which holds more than a script's reports already; no more is taken while it waits.
const PENDING_BYTES: usize = 64 * 1024;

/// The socket and the pipe before the shell is started.
pub(crate) struct Channel {
    /// The shell's end.
    pub shell: OwnedFd,
    /// The end that the daemon reads.
    pub read: OwnedFd,
    socket: OwnedFd,
    pipe: OwnedFd,
}

/// The reports of one shell.
pub(crate) struct Reports {
    socket: OwnedFd,
    pipe: OwnedFd,
    /// The word that begins each line on the pipe.
    word: String,
    shell: i32,
    /// The image that the shell was executing when it spoke first, before any step of its script: at its start the kernel is not done with it yet.
    image: Option<Image>,
    /// The beginning of a report: shells split what they print.
    line: Vec<u8>,
    /// Lines that the pipe did not take yet.
    pending: Vec<u8>,
    /// Nobody can write to the socket any more.
    ended: bool,
}

/// The image that a process executes: its file, and where the kernel put its stack. Absent is what cannot be read of it.
#[derive(Debug, Clone, Copy)]
struct Image {
    file: Option<(u64, u64)>,
    stack: Option<u64>,
}

impl Image {
    fn of(pid: i32) -> Self {
        let file = rustix::fs::stat(format!("/proc/{pid}/exe")).ok();
        Self {
            file: file.map(|stat| (stat.st_dev, stat.st_ino)),
            stack: procs::start_stack(pid),
        }
    }

    /// True if nothing else has been executed in between. One that has ended has no file any more.
    fn is_still(self, first: Self) -> bool {
        self.file == first.file && self.stack == first.stack
    }
}

impl Channel {
    pub(crate) fn open() -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC;
        let (socket, shell) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        set_socket_passcred(&socket, true)?;
        let (read, pipe) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self {
            shell,
            read,
            socket,
            pipe,
        })
    }

    /// The reports of the shell that has just been started, and the pipe's read end.
    pub(crate) fn follow(self, shell: i32, word: String) -> (Reports, OwnedFd) {
        let reports = Reports {
            image: None,
            socket: self.socket,
            pipe: self.pipe,
            word,
            shell,
            line: Vec::new(),
            pending: Vec::new(),
            ended: false,
        };
        (reports, self.read)
    }
}

impl Reports {
    /// The descriptors to wait for.
    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let takes = !self.ended && self.pending.len() < PENDING_BYTES;
        let socket = takes.then(|| PollFd::new(&self.socket, PollFlags::IN));
        let gives = !self.pending.is_empty();
        let pipe = gives.then(|| PollFd::new(&self.pipe, PollFlags::OUT));
        socket.into_iter().chain(pipe)
    }

    /// Takes what has come. The shell must not have been reaped.
    pub(crate) fn exchange(&mut self) {
        for _ in 0..PACKETS {
            if self.ended || self.pending.len() >= PENDING_BYTES {
                break;
            }
            let mut packet = [0; REPORT_BYTES];
            match receive(self.socket.as_fd(), &mut packet) {
                Ok(Some((sender, bytes))) if sender == self.shell => self.take(&packet[..bytes]),
                Ok(Some(_)) => {}
                Ok(None) => self.ended = true,
                Err(_) => break,
            }
        }
        self.flush();
    }

    /// Passes on what waits. True when all of it has been.
    pub(crate) fn flush(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.pipe, &self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// The shell is reaped: from here on its pid says nothing.
    pub(crate) fn shell_ended(&mut self) {
        self.ended = true;
    }

    fn take(&mut self, packet: &[u8]) {
        for &byte in packet {
            if byte == b'\n' {
                self.line_ended();
            } else if self.line.len() < REPORT_BYTES {
                self.line.push(byte);
            }
        }
    }

    fn line_ended(&mut self) {
        let line = std::mem::take(&mut self.line);
        let answer = Uuid::new_v4().simple().to_string();
        let now = Image::of(self.shell);
        let is_shell = self.image.is_some_and(|first| now.is_still(first));
        self.image.get_or_insert(now);
        if let Some((step, code)) = parse(&line).filter(|_| is_shell) {
            let word = &self.word;
            let mut lines = String::new();
            // In one write, so that nobody reads half of it.
            let _ = write!(
                lines,
                "\n{word}-mark {step} {answer}\n{word} {step} {code}\n"
            );
            self.pending.extend_from_slice(lines.as_bytes());
        }
        // Also when it is not believed: a shell must not wait for ever.
        self.answer(&answer);
    }

    /// Answers the shell with a line, a packet for each byte: shells read single bytes, and what a read leaves of a packet is lost.
    fn answer(&self, word: &str) {
        for byte in word.bytes().chain([b'\n']) {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            if send(&self.socket, &[byte], flags).is_err() {
                return;
            }
        }
    }
}

/// A step's number and its exit code.
fn parse(line: &[u8]) -> Option<(u16, u8)> {
    let (step, code) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    Some((step.parse().ok()?, code.parse().ok()?))
}

/// One packet with its sender's pid; `None` when nobody can send any more.
fn receive(socket: BorrowedFd<'_>, packet: &mut [u8]) -> Result<Option<(i32, usize)>, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(socket, &mut [IoSliceMut::new(packet)], &mut control, flags)?;
    let sender = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender.pid.as_raw_pid()),
        RecvAncillaryMessage::ScmRights(_) | _ => None,
    });
    // A packet without a sender is the end, or as good as none.
    Ok(match (sender, message.bytes) {
        (Some(sender), bytes) => Some((sender, bytes)),
        (None, 0) => None,
        (None, _) => Some((0, 0)),
    })
}

#[cfg(test)]
mod tests;
