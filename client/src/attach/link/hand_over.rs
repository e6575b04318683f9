//! The view's terminal in the server's care: it puts the terminal back when this process is killed.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use protocol::frame::{Frame, RequestFrame, to_bytes};
use protocol::request::{GuardTerminal, TerminalSettings};
use protocol::{Call, Error};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::Link;
use crate::attach::outer::guard::Terminal;

impl Link {
    /// Hands the terminal over. A server that cannot take it, as an older one, says so to nobody: the view works all the same.
    pub(in crate::attach) fn hand_over(&mut self, terminal: &Terminal) {
        let Some(before) = terminal.settings() else {
            return;
        };
        let call = GuardTerminal {
            leave: terminal.leave(),
            settings: TerminalSettings::of(&before),
        };
        if self.put(&call).is_err() {
            return;
        }
        let descriptors = [terminal.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let bytes = [IoSlice::new(self.peer.output())];
        // What a busy server does not take at once goes without the descriptor, and is answered with an error.
        if let Ok(taken) = sendmsg(&self.stream, &bytes, &mut control, SendFlags::NOSIGNAL) {
            self.peer.written(taken);
        }
        self.flush();
    }

    /// Takes the terminal back: this process has put it right itself, or is about to.
    pub(in crate::attach) fn release(&mut self) {
        let call = GuardTerminal {
            leave: Vec::new(),
            settings: TerminalSettings::default(),
        };
        if self.put(&call).is_ok() {
            self.flush();
        }
    }

    fn put(&mut self, call: &GuardTerminal) -> Result<(), Error> {
        let id = self.next_id;
        self.next_id += 1;
        let frame = Frame::Request(RequestFrame {
            id,
            method: GuardTerminal::METHOD.to_owned(),
            idempotency_key: None,
            params: to_bytes(call),
        });
        self.peer.send(frame)
    }
}
