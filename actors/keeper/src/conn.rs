//! The keeper's end of one connection: frames in, frames and descriptors out, never blocking.

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
    net::{
        RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, send, sendmsg,
        sockopt::socket_peercred,
    },
};

use crate::wire::{self, KeeperFrame, MAX_DESCRIPTORS, RequestFrame, Taken};

/// Size of one read from the socket; nearly every frame fits.
const READ_BYTES: usize = 4096;

/// One connected daemon.
pub(crate) struct Conn {
    socket: OwnedFd,
    input: Vec<u8>,
    /// Bytes that the socket did not take yet. Requests wait until it is empty, so it holds at most one
    /// reply and a few events.
    output: Vec<u8>,
    closed: bool,
}

impl Conn {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            input: Vec::new(),
            output: Vec::new(),
            closed: false,
        }
    }

    /// True if the other side runs as the same user.
    pub(crate) fn is_own_user(&self) -> bool {
        let own = rustix::process::geteuid();
        socket_peercred(&self.socket).is_ok_and(|peer| peer.uid == own)
    }

    /// The process that was connected, as the kernel knows.
    pub(crate) fn peer(&self) -> Option<i32> {
        Some(socket_peercred(&self.socket).ok()?.pid.as_raw_pid())
    }

    pub(crate) fn poll_fd(&self) -> PollFd<'_> {
        let interest = if self.output.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::OUT
        };
        PollFd::new(&self.socket, interest)
    }

    /// True if nothing can be exchanged any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Moves bytes both ways as far as that goes without blocking.
    pub(crate) fn exchange(&mut self) {
        self.flush();
        if !self.output.is_empty() {
            return;
        }
        let mut buffer = [0; READ_BYTES];
        match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.closed = true,
            Ok((length, _)) => self.input.extend_from_slice(&buffer[..length]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.closed = true,
        }
    }

    /// The next whole request. `None` when more bytes are needed, or a reply is still unsent.
    pub(crate) fn next_request(&mut self) -> Option<Taken<RequestFrame>> {
        if self.closed || !self.output.is_empty() {
            return None;
        }
        match wire::take(&mut self.input) {
            Ok(Taken::Partial) => None,
            Ok(taken) => Some(taken),
            Err(_) => {
                self.closed = true;
                None
            }
        }
    }

    /// Sends a frame, keeping what the socket does not take at once.
    pub(crate) fn send(&mut self, frame: &KeeperFrame) {
        if wire::encode(frame, &mut self.output).is_err() {
            self.closed = true;
        }
        self.flush();
    }

    /// Sends a frame together with descriptors.
    pub(crate) fn send_with(&mut self, frame: &KeeperFrame, descriptors: &[BorrowedFd<'_>]) {
        if descriptors.is_empty() {
            return self.send(frame);
        }
        let mut bytes = Vec::new();
        if !self.output.is_empty() || wire::encode(frame, &mut bytes).is_err() {
            self.closed = true;
            return;
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(descriptors));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, flags) {
            Ok(sent) => {
                self.output.extend_from_slice(&bytes[sent..]);
                self.flush();
            }
            Err(_) => self.closed = true,
        }
    }

    fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.output.len() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match send(&self.socket, &self.output[sent..], flags) {
                Ok(length) => sent += length,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => {
                    self.closed = true;
                    break;
                }
            }
        }
        if sent == self.output.len() {
            self.output = Vec::new();
        } else {
            self.output.drain(..sent);
        }
    }
}
