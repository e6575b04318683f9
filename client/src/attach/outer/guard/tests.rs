//! A terminal is as it was after every way out, panics included.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::LocalModes;

use super::*;

fn pty() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY;
    let slave = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (master, slave)
}

fn of(tty: OwnedFd) -> Terminal {
    Terminal {
        tty,
        shared_flags: None,
        is_left: Cell::new(false),
    }
}

fn shown(master: &OwnedFd) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let length = rustix::io::read(master, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

// One test: what is put back is kept once for the whole process.
#[test]
fn it_is_restored_when_dropped_and_before_a_panics_message() {
    let (master, slave) = pty();
    let look = rustix::io::dup(&slave).unwrap();
    let line = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
    let is_raw = || !tcgetattr(&look).unwrap().local_modes.intersects(line);
    assert!(!is_raw());

    let mut terminal = of(rustix::io::dup(&slave).unwrap());
    terminal.enter().unwrap();
    assert!(is_raw());
    assert!(shown(&master).starts_with(b"\x1b[?1049h"));
    drop(terminal);
    assert!(!is_raw());
    assert!(shown(&master).ends_with(b"\x1b[?1049l"));

    let mut terminal = of(slave);
    terminal.enter().unwrap();
    terminal.undo_also(b"\x1b]111\x1b\\".to_vec());
    assert!(terminal.leave().starts_with(b"\x1b]111\x1b\\"));
    shown(&master);
    let panicked = std::panic::catch_unwind(|| panic!("as planned"));
    assert!(panicked.is_err());
    assert!(
        !is_raw(),
        "the terminal is still held, and restored all the same"
    );
    let left = shown(&master);
    assert!(left.starts_with(b"\x1b]111\x1b\\") && left.ends_with(b"\x1b[?1049l"));
    drop(terminal);
    assert!(!is_raw());
}

#[test]
fn what_a_terminal_does_not_take_at_once_follows() {
    let (master, slave) = pty();
    let mut raw = tcgetattr(&slave).unwrap();
    raw.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &raw).unwrap();
    let terminal = of(slave);
    let sent: Vec<u8> = (0..200_000u32)
        .map(|n| b'a' + u8::try_from(n % 23).unwrap())
        .collect();
    let mut output = Output::default();
    terminal.write(&sent[..100_000], &mut output);
    assert!(!output.is_empty(), "a terminal takes no 100 kB at once");
    terminal.write(&sent[100_000..], &mut output);
    let reader = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while seen.len() < 200_000 {
            seen.extend(shown(&master));
        }
        seen
    });
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !output.is_empty() {
        assert!(std::time::Instant::now() < end);
        poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], None).unwrap();
        terminal.flush(&mut output).unwrap();
    }
    assert!(output.is_empty());
    assert!(reader.join().unwrap() == sent);
}
