//! A pane's I/O task on a PTY of its own.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

use protocol::Size;
use protocol::reply::ProgramState;
use protocol::terminal::TerminalFacts;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use super::{ExpectOrder, Io};
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

/// Whoever is told that a state is there may ask for the pane at once, and hears the same.
#[tokio::test]
async fn a_wait_ends_when_everybody_may_see_what_ended_it() {
    let (io, mut program) = started();
    for (told, state) in [("idle", ProgramState::Idle), ("done", ProgramState::Done)] {
        let order = ExpectOrder {
            pattern: None,
            idle: None,
            after_input: false,
            since: None,
            states: vec![state],
            output_only: false,
            limit: Duration::from_secs(10),
        };
        let waiting = io.clone();
        let waited = tokio::spawn(async move { waiting.expect(order).await });
        tokio::task::yield_now().await;
        write!(program, "\x1b]7501;state={told}\x07").unwrap();
        let told = waited.await.unwrap().unwrap().state.expect("a state");
        assert_eq!((told.value, told.since_ms), (state, Some(0)));
        assert_eq!(io.live().facts().status.clone(), Some(told));
    }
}
