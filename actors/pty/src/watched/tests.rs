//! Terminals are read to their very end, and written to when they have room for what waits.

use std::fs::File;
use std::future::Future;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::{Waiting, Watched};

/// Lines that each program prints right before it ends.
const LINES: usize = 40;

/// Asked of one read.
const READ_BYTES: usize = 64 * 1024;

fn terminal() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    unlockpt(&master).unwrap();
    let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
    (master, slave)
}

/// Everything that is printed until the terminal is closed. Each byte takes a while, as when it is drawn.
async fn printed(master: OwnedFd) -> String {
    let watched = Watched::new(Arc::new(master)).unwrap();
    let mut text = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        watched.readable().await.unwrap();
        match watched.read_terminal(&mut buffer) {
            Ok(count) => {
                text.extend_from_slice(&buffer[..count]);
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_micros(2) * u32::try_from(count).unwrap() {}
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
                return String::from_utf8(text).unwrap();
            }
        }
    }
}

/// Linux says EIO while the last lines are on their way, of about one end in a hundred.
#[test]
fn the_last_lines_of_a_program_that_ends_are_read() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..15 {
            let ends = (0..20).map(|number| async move {
                let (master, slave) = terminal();
                let slave = File::from(slave);
                let line = format!(
                    "sleep 0.0{}; i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo \"line $i\"; done",
                    10 + 4 * number
                );
                // It happens to the leader of the terminal's session.
                let mut program = Command::new("setsid")
                    .args(["--ctty", "sh", "-c", &line])
                    .stdin(slave.try_clone().unwrap())
                    .stdout(slave)
                    .spawn()
                    .unwrap();
                let text = printed(master).await;
                assert!(program.wait().unwrap().success());
                text
            });
            let expected: String = (1..=LINES).map(|line| format!("line {line}\r\n")).collect();
            for text in join_all(ends).await {
                assert_eq!(text, expected);
            }
        }
    });
}

/// What waits to be written, in one piece.
struct Piece(Vec<u8>);

impl Waiting for Piece {
    fn next(&self) -> &[u8] {
        &self.0
    }

    fn taken(&mut self, bytes: usize) {
        self.0.drain(..bytes);
    }
}

/// A terminal whose program reads byte by byte and has not begun to.
fn raw_terminal() -> (Watched, File) {
    let (master, slave) = terminal();
    let mut modes = tcgetattr(&slave).unwrap();
    modes.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &modes).unwrap();
    (Watched::new(Arc::new(master)).unwrap(), File::from(slave))
}

fn on_a_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work);
}

#[test]
fn room_alone_wakes_nobody() {
    on_a_runtime(async {
        let (mut watched, mut program) = raw_terminal();
        let mut flood = Piece(vec![b'x'; 100_000]);
        watched.write(&mut flood).unwrap();
        assert!(!flood.0.is_empty(), "a terminal takes no 100,000 bytes");
        // It is given up, and there is room again.
        let nothing = Piece(Vec::new());
        program
            .read_exact(&mut vec![0; 100_000 - flood.0.len()])
            .unwrap();
        let one = Piece(vec![b'y']);
        watched.room_for(&one).await.unwrap();
        assert!(watched.room_for(&nothing).now_or_never().is_none());
        // And it stays so once a turn was taken.
        watched.write(&mut Piece(Vec::new())).unwrap();
        assert!(watched.room_for(&nothing).now_or_never().is_none());
        assert!(watched.room_for(&one).now_or_never().is_some());
    });
}

#[test]
fn what_was_cut_short_goes_on_when_there_is_room() {
    on_a_runtime(async {
        let (mut watched, mut program) = raw_terminal();
        let flood: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let mut waiting = Piece(flood.clone());
        let length = flood.len();
        let reader = std::thread::spawn(move || {
            let mut all = vec![0; length];
            program.read_exact(&mut all).unwrap();
            (all, program)
        });
        assert!(!watched.write(&mut waiting).unwrap());
        while !waiting.0.is_empty() {
            watched.room_for(&waiting).await.unwrap();
            watched.write(&mut waiting).unwrap();
        }
        assert!(reader.join().unwrap().0 == flood);
    });
}

/// A read of a socket ends where a descriptor came, so that it is short although there is more.
#[test]
fn what_follows_a_descriptor_is_read_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let watched = Watched::new(Arc::new(ours.into())).unwrap();
        let (terminal, _slave) = terminal();
        let descriptors = [terminal.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let with = [IoSlice::new(b"with")];
        sendmsg(&theirs, &with, &mut control, SendFlags::empty()).unwrap();
        rustix::io::write(&theirs, b"behind").unwrap();
        let (mut buffer, mut handed) = (vec![0; READ_BYTES], None);
        let mut read = Vec::new();
        while read.len() < b"withbehind".len() {
            let ready = tokio::time::timeout(Duration::from_secs(20), watched.readable());
            ready.await.expect("the rest is not forgotten").unwrap();
            match watched.read_socket(&mut buffer, &mut handed) {
                Ok(count) => read.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!(read, b"withbehind");
        assert!(handed.is_some());
    });
}
