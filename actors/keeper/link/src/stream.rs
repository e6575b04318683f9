//! Frames and descriptors over a tokio socket.

use std::{
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use keeper::wire::{self, KeeperFrame, MAX_DESCRIPTORS, Request, RequestFrame, Taken, WireError};
use rustix::{
    io::{Errno, fcntl_dupfd_cloexec},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};
use tokio::{io::Interest, net::UnixStream};

/// Size of one read from the socket; nearly every frame fits.
const READ_BYTES: usize = 4096;

/// One connection to a keeper.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    /// Places for descriptors that are to come.
    reserved: Reserved,
}

/// Places for descriptors that are to come: nothing else can open what is open already.
#[derive(Debug, Default)]
struct Reserved {
    wanted: usize,
    held: Vec<OwnedFd>,
}

impl Reserved {
    /// Opens as many as are wanted.
    fn hold(&mut self, socket: impl AsFd) -> Result<(), Errno> {
        while self.held.len() < self.wanted {
            self.held.push(fcntl_dupfd_cloexec(&socket, 0)?);
        }
        Ok(())
    }

    /// Gives the places free.
    fn let_go(&mut self) {
        self.held.clear();
    }
}

/// The descriptors of a pane, in the order of the wire.
#[derive(Debug)]
pub(crate) struct Descriptors {
    pub master: OwnedFd,
    pub journal: OwnedFd,
    pub status_pipe: Option<OwnedFd>,
}

impl Stream {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            input: Vec::new(),
            output: Vec::new(),
            descriptors: Vec::new(),
            reserved: Reserved::default(),
        }
    }

    /// Makes sure that so many descriptors can be received, as far as that lasts: their places are taken until they come.
    ///
    /// # Errors
    /// The system's reason when there is no room for them.
    pub(crate) fn reserve(&mut self, descriptors: usize) -> Result<(), Errno> {
        self.reserved.wanted = descriptors;
        self.reserved.hold(&self.socket)
    }

    /// Puts a request into the output.
    pub(crate) fn push(&mut self, id: u64, request: Request) -> Result<(), WireError> {
        wire::encode(&RequestFrame { id, request }, &mut self.output)
    }

    /// True if bytes wait to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        !self.output.is_empty()
    }

    /// Sends some of the output once the socket takes it. Can be cancelled.
    pub(crate) async fn send_some(&mut self) -> io::Result<()> {
        self.socket.writable().await?;
        match self.socket.try_write(&self.output) {
            Ok(sent) if sent == self.output.len() => self.output = Vec::new(),
            Ok(sent) => drop(self.output.drain(..sent)),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(cause) => return Err(cause),
        }
        Ok(())
    }

    /// Moves bytes both ways until some were received or the last was sent. Can be cancelled.
    ///
    /// # Errors
    /// The end of the stream is `UnexpectedEof`.
    pub(crate) async fn exchange(&mut self) -> io::Result<()> {
        loop {
            let mut interest = Interest::READABLE;
            if self.is_sending() {
                interest |= Interest::WRITABLE;
            }
            let ready = self.socket.ready(interest).await?;
            if ready.is_writable() && self.is_sending() {
                self.send_some().await?;
                if !self.is_sending() {
                    return Ok(());
                }
            }
            if ready.is_readable() && self.receive_some()? {
                return Ok(());
            }
        }
    }

    fn receive_some(&mut self) -> io::Result<bool> {
        let Self {
            socket,
            input,
            descriptors,
            reserved,
            ..
        } = self;
        let received = socket.try_io(Interest::READABLE, || {
            reserved.let_go();
            let received = receive(socket.as_fd(), input, descriptors);
            if descriptors.is_empty() {
                // They are still to come. Without room by now, they are missed then.
                let _ = reserved.hold(&*socket);
            }
            Ok(received?)
        });
        match received {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    /// The next whole frame that has been received, if any.
    pub(crate) fn take(&mut self) -> Result<Taken<KeeperFrame>, WireError> {
        wire::take(&mut self.input)
    }

    /// Takes the descriptors that came with a frame. `None` when some of the `expected` are missing, which happens
    /// when this process has none left.
    pub(crate) fn take_descriptors(&mut self, expected: usize) -> Option<Descriptors> {
        let received = std::mem::take(&mut self.descriptors);
        self.reserved = Reserved::default();
        if received.len() < expected {
            return None;
        }
        let mut received = received.into_iter();
        Some(Descriptors {
            master: received.next()?,
            journal: received.next()?,
            status_pipe: received.next(),
        })
    }

    /// Closes descriptors that nobody expects.
    pub(crate) fn drop_descriptors(&mut self) {
        self.descriptors = Vec::new();
    }
}

/// Receives bytes and descriptors. `Ok(0)` is the end of the stream.
fn receive(
    socket: impl AsFd,
    input: &mut Vec<u8>,
    descriptors: &mut Vec<OwnedFd>,
) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut buffer = [0; READ_BYTES];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut buffer)],
        &mut control,
        flags,
    )?;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            descriptors.extend(received);
        }
    }
    input.extend_from_slice(&buffer[..message.bytes]);
    Ok(message.bytes)
}
