//! Terminals are read to their very end.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use super::Watched;

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
