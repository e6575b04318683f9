//! A pane's I/O task on a PTY of its own.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

use protocol::Size;
use protocol::terminal::TerminalFacts;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use super::Io;
use crate::setup::{Host, ScreenSetup, Setup};

const HOST: Host = Host {
    spawn: |_, task| tokio::spawn(task).abort_handle(),
    epoch_ms: || 0,
};

/// A task, and the side of the terminal where programs write.
fn started() -> (Io, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    unlockpt(&master).unwrap();
    let slave: OwnedFd = ioctl_tiocgptpeer(&master, flags).unwrap();
    let journal = memfd_create("journal-test", MemfdFlags::CLOEXEC).unwrap();
    let setup = Setup {
        screen: ScreenSetup::keeping(100),
        terminal: TerminalFacts::default(),
        host: HOST,
    };
    let io = Io::start(master, journal, 64 * 1024, Size::default(), setup).unwrap();
    (io, File::from(slave))
}

async fn shows(io: &Io, text: &'static str) -> bool {
    let shown = io.look(move |screen| {
        let tail = screen.tail(100, 64 * 1024);
        tail.text().contains(text)
    });
    shown.await.unwrap()
}

/// The daemon's only thread does something else for longer than a terminal must be quiet, as on a machine that is overloaded, and
/// the first thing that the task hears then is a command.
#[test]
fn the_output_of_an_ended_program_is_read_however_late_the_task_has_its_turn() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (io, mut program) = started();
        let waiting = io.clone();
        let drained = tokio::spawn(async move { waiting.drain(Duration::from_secs(5)).await });
        // Commands are taken in order, and nothing is read in this turn of the runtime.
        tokio::task::yield_now().await;
        assert!(!shows(&io, "last words").await);
        program.write_all(b"last words").unwrap();
        std::thread::sleep(Duration::from_millis(150));
        let _ = io.look(|_| ()).await;
        drained.await.unwrap();
        assert!(shows(&io, "last words").await);
    });
}
