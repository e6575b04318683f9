//! Reports from this process, which counts as the shell, and from others.

use std::os::fd::AsRawFd as _;
use std::process::Command;

use rustix::process::getpid;

use super::*;

struct Shell {
    reports: Reports,
    end: OwnedFd,
    read: OwnedFd,
}

impl Shell {
    fn new() -> Self {
        let channel = Channel::open().unwrap();
        let end = channel.shell.try_clone().unwrap();
        let (reports, read) = channel.follow(getpid().as_raw_pid(), "word".to_owned());
        let mut shell = Self { reports, end, read };
        // The first line is no report, whatever it says.
        shell.say("0 0\n");
        shell.answered();
        assert_eq!(shell.passed_on(), "");
        shell
    }

    fn say(&mut self, packet: &str) {
        rustix::io::write(&self.end, packet.as_bytes()).unwrap();
        self.reports.exchange();
    }

    /// One line of answer, read as shells do.
    fn answered(&self) -> String {
        let mut line = String::new();
        loop {
            let mut byte = [0];
            let flags = RecvFlags::DONTWAIT;
            let (_, read) = rustix::net::recv(&self.end, &mut byte[..], flags).unwrap();
            assert_eq!(read, 1);
            match byte[0] {
                b'\n' => return line,
                byte => line.push(byte.into()),
            }
        }
    }

    fn passed_on(&self) -> String {
        let mut buffer = [0; 4096];
        let read = rustix::io::read(&self.read, &mut buffer).unwrap_or(0);
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }
}

#[test]
fn packets_are_one_stream_and_each_report_is_answered_with_its_mark() {
    let mut shell = Shell::new();
    shell.say("0 7");
    assert_eq!(shell.passed_on(), "", "the line goes on");
    shell.say("\n1 ");
    let first = shell.answered();
    shell.say("0\n");
    let second = shell.answered();
    assert_ne!(first, second);
    let expected = format!("\nword-mark 0 {first}\nword 0 7\n\nword-mark 1 {second}\nword 1 0\n");
    assert_eq!(shell.passed_on(), expected);
}

#[test]
fn what_is_no_report_is_answered_and_passed_over() {
    for line in [
        "\n", "0\n", "0 256\n", "0 -1\n", "x 0\n", "0 0 0\n", "\u{1}\n",
    ] {
        let mut shell = Shell::new();
        shell.say(line);
        shell.answered();
        assert_eq!(shell.passed_on(), "", "{line:?}");
    }
}

#[test]
fn another_process_reports_nothing() {
    let mut shell = Shell::new();
    let fd = shell.end.as_raw_fd();
    rustix::io::fcntl_setfd(&shell.end, rustix::io::FdFlags::empty()).unwrap();
    let said = Command::new("bash")
        .args(["-c", &format!("echo 0 0 >&{fd}")])
        .status()
        .unwrap();
    assert!(said.success());
    shell.reports.exchange();
    assert_eq!(shell.passed_on(), "");
    shell.say("0 3\n");
    assert!(shell.passed_on().ends_with("\nword 0 3\n"));
}

#[test]
fn nothing_is_said_in_the_name_of_a_shell_that_has_ended() {
    let mut shell = Shell::new();
    shell.reports.shell_ended();
    shell.say("0 0\n");
    assert_eq!(shell.passed_on(), "");
}

#[test]
fn what_the_pipe_does_not_take_waits_and_is_bounded() {
    let mut shell = Shell::new();
    let mut read = String::new();
    for step in 0..3_000 {
        shell.say(&format!("{step} 0\n"));
        shell.answered();
        assert!(shell.reports.pending.len() <= PENDING_BYTES + 2 * REPORT_BYTES + 64);
        if step % 1_000 == 999 {
            loop {
                let more = shell.passed_on();
                if more.is_empty() {
                    break;
                }
                read += &more;
                shell.reports.flush();
            }
        }
    }
    let told: Vec<_> = read
        .lines()
        .filter(|line| line.starts_with("word "))
        .collect();
    let expected: Vec<_> = (0..3_000).map(|step| format!("word {step} 0")).collect();
    assert_eq!(told, expected);
}
