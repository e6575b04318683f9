//! Tests of where reading goes on after input.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::Size;
use rustix::pty::{OpenptFlags, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use supervisor::Reply;
use tokio::time::Instant;

use super::super::gate::Gate;
use super::Writes;
use crate::pane::io::{Typing, WriteOrder};
use crate::pane::screen::Screen;
use crate::watched::Waiting;

fn terminal(on: LocalModes) -> Arc<OwnedFd> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&master).unwrap();
    let mut modes = tcgetattr(&master).unwrap();
    let all = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON;
    modes.local_modes = modes.local_modes.difference(all).union(on);
    tcsetattr(&master, OptionalActions::Now, &modes).unwrap();
    Arc::new(master)
}

fn order(keys: &[&str], submit: bool) -> WriteOrder {
    WriteOrder {
        raw: Bytes::new(),
        text: "word".to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        submit,
        limit: Duration::from_secs(5),
    }
}

/// What is read after `order` was typed at a prompt and the terminal got `output`.
fn read_after(order: WriteOrder, modes: LocalModes, output: &str) -> String {
    let mut screen = Screen::new(Size::new(5, 40), 100);
    screen.advance(b"$ ");
    let master = terminal(modes);
    let mut writes = Writes::default();
    let (reply, mut written) = Reply::channel();
    writes.push(
        Typing {
            order,
            place: Gate::default().ahead(),
            master,
        },
        reply,
        &screen,
        Instant::now(),
    );
    let typed = writes.next().len();
    writes.taken(typed);
    let cursor = written.try_recv().unwrap().cursor;
    screen.advance(output.as_bytes());
    screen.read_since(&cursor, 1000).text
}

#[test]
fn the_echo_is_left_out_where_there_is_one() {
    let by_line = LocalModes::ICANON;
    let table = [
        (by_line | LocalModes::ECHO, "word\r\nanswer", "answer"),
        // Of a password only the end of its line is shown.
        (by_line | LocalModes::ECHONL, "\r\nanswer", "answer"),
        // Nothing is shown, and the answer begins in the line of the prompt.
        (by_line, "answer\r\nmore", "answer\nmore"),
        (by_line, "\r\nanswer", "\nanswer"),
        // A line editor shows what it reads.
        (LocalModes::empty(), "word\r\nanswer", "answer"),
    ];
    for (modes, output, expected) in table {
        for submit in [
            order(&[], true),
            order(&["Enter"], false),
            order(&["C-a", "Return"], false),
        ] {
            assert_eq!(
                read_after(submit, modes, output),
                expected,
                "{modes:?} {output:?}"
            );
        }
    }
}

#[test]
fn what_is_not_submitted_has_no_line_to_leave_out() {
    let modes = LocalModes::ICANON | LocalModes::ECHO;
    assert_eq!(read_after(order(&[], false), modes, "\r\nx"), "\nx");
}
