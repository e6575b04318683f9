//! A keeper of another version: it answers with the bytes of tests/fixtures, whatever the present version would say.

use std::collections::HashMap;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;

use super::LIMIT;

/// The pane in the frames.
pub const PANE: &str = "019a0000-0000-7000-8000-000000000002";

/// Frames by their names.
pub struct Frames(HashMap<String, Vec<u8>>);

impl Frames {
    /// Those of version 1 or of a later one.
    pub fn of(version: u32) -> Self {
        let text = match version {
            1 => include_str!("../fixtures/keeper-1.hex"),
            _ => include_str!("../fixtures/keeper-2.hex"),
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let frame = |line: &str| {
            let (name, hex) = line.split_once(' ').unwrap();
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let bytes = (0..hex.len()).step_by(2).map(byte).collect();
            (name.to_owned(), bytes)
        };
        Self(lines.map(frame).collect())
    }

    /// A frame with these numbers in the places of its placeholders.
    pub fn with(&self, name: &str, numbers: &Numbers) -> Option<Vec<u8>> {
        let mut bytes = self.0.get(name)?.clone();
        let mut put = |placeholder: &[u8], value: &[u8]| {
            let places = 0..=bytes.len() - placeholder.len();
            for at in places {
                if bytes[at..].starts_with(placeholder) {
                    bytes[at..at + value.len()].copy_from_slice(value);
                }
            }
        };
        let long = |tag: u8, number: u8| [0x7a, tag, 0, 0, 0, 0, 0, number];
        put(&[0x7a, 1, 0, 1], &numbers.pid.to_be_bytes());
        put(&[0x7a, 1, 0, 2], &numbers.keeper_pid.to_be_bytes());
        put(&long(2, 1), &numbers.start_time.to_be_bytes());
        put(&long(2, 2), &numbers.keeper_start_time.to_be_bytes());
        put(&long(3, 1), &numbers.started_at_ms.to_be_bytes());
        put(&long(4, 1), &numbers.request.to_be_bytes());
        put(&[0x7a, 5, 0, 1], &numbers.code.to_be_bytes());
        Some(bytes)
    }
}

/// What differs from run to run.
#[derive(Clone, Copy, Default)]
pub struct Numbers {
    pub pid: u32,
    pub keeper_pid: u32,
    pub start_time: u64,
    pub keeper_start_time: u64,
    pub started_at_ms: u64,
    pub request: u64,
    pub code: u32,
}

/// Requests as version 1 knows them.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Hello { version: u32 },
    Signal { signal: i32 },
    Descendants {},
    KillAll {},
    SetMeta {},
    AckExit {},
    Release {},
}

#[derive(Deserialize)]
struct RequestFrame {
    id: u64,
    request: Request,
}

#[derive(Deserialize)]
struct AnyFrame {
    id: u64,
}

/// The keeper, as a thread, with a process that stands for it and one that is its program.
pub struct OldKeeper {
    pub pid: u32,
    pub socket: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Serving {
    frames: Frames,
    numbers: Numbers,
    program: Child,
    stand_in: Child,
    master: OwnedFd,
    journal: OwnedFd,
    socket: PathBuf,
    ended: bool,
}

impl OldKeeper {
    /// Starts `line` in a terminal, under a keeper of this version that listens in `panes`.
    pub fn start(version: u32, panes: &Path, line: &str, marker: (&str, &Path)) -> Self {
        let socket = panes.join(format!("{PANE}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (master, slave) = terminal();
        let slave = || Stdio::from(slave.try_clone().unwrap());
        // Not the leader of its group yet, so it executes the shell itself.
        let program = Command::new("setsid")
            .args(["--ctty", "sh", "-c", line])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env(marker.0, marker.1)
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        let stand_in = Command::new("sleep").arg("600").spawn().unwrap();
        let start_time = |child: &Child| keeper::start_time(child.id() as i32).unwrap();
        let journal = rustix::fs::memfd_create("journal", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&journal, (1 << 20) + 4096).unwrap();
        let numbers = Numbers {
            pid: program.id(),
            keeper_pid: stand_in.id(),
            start_time: start_time(&program),
            keeper_start_time: start_time(&stand_in),
            started_at_ms: 1_790_000_000_000,
            ..Numbers::default()
        };
        let serving = Serving {
            frames: Frames::of(version),
            numbers,
            program,
            stand_in,
            master,
            journal,
            socket: socket.clone(),
            ended: false,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || serving.serve(&listener, &stopped));
        Self {
            pid: numbers.pid,
            socket,
            stop,
            thread: Some(thread),
        }
    }

    /// Whether it was let go and has ended.
    pub fn has_left(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for OldKeeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the keeper failed"
            );
        }
    }
}

fn terminal() -> (OwnedFd, OwnedFd) {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (master, slave)
}

impl Serving {
    fn serve(mut self, listener: &UnixListener, stop: &AtomicBool) {
        let begun = Instant::now();
        while !stop.load(Ordering::Acquire) && begun.elapsed() < LIMIT * 3 {
            match listener.accept() {
                Ok((connection, _)) => {
                    if self.converse(connection, stop) {
                        break;
                    }
                }
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        let _ = std::fs::remove_file(&self.socket);
        for child in [&mut self.program, &mut self.stand_in] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Serves one daemon; true when it lets the keeper go.
    fn converse(&mut self, mut daemon: UnixStream, stop: &AtomicBool) -> bool {
        daemon.set_nonblocking(false).unwrap();
        let pause = Some(Duration::from_millis(5));
        daemon.set_read_timeout(pause).unwrap();
        let mut input = Vec::new();
        let mut greeted = false;
        while !stop.load(Ordering::Acquire) {
            if greeted && self.ends_now() {
                self.say(&mut daemon, "exited", 0);
            }
            let mut buffer = [0; 4096];
            match daemon.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => input.extend_from_slice(&buffer[..count]),
                Err(_) => {}
            }
            while let Some(body) = take_frame(&mut input) {
                let Ok(frame) = protocol::frame::from_bytes::<RequestFrame>(&body) else {
                    let frame: AnyFrame = protocol::frame::from_bytes(&body).unwrap();
                    self.say(&mut daemon, "unsupported", frame.id);
                    continue;
                };
                greeted |= matches!(frame.request, Request::Hello { .. });
                if self.answer(&mut daemon, &frame) {
                    return true;
                }
            }
        }
        true
    }

    /// True once, when the program has ended.
    fn ends_now(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let Ok(Some(status)) = self.program.try_wait() else {
            return false;
        };
        self.numbers.code = status.code().unwrap_or(0) as u32;
        self.ended = true;
        true
    }

    fn answer(&mut self, daemon: &mut UnixStream, frame: &RequestFrame) -> bool {
        match &frame.request {
            Request::Hello { version } => {
                assert!(*version >= 1);
                let name = if self.ended { "hello_ended" } else { "hello" };
                self.introduce(daemon, name, frame.id);
                if self.frames.0.contains_key("mood") {
                    self.say(daemon, "mood", 0);
                }
            }
            Request::Signal { signal } => {
                assert!((1..65).contains(signal));
                let name = if self.ended { "failed" } else { "signaled" };
                self.say(daemon, name, frame.id);
            }
            Request::Descendants {} => {
                let name = if self.ended { "nobody" } else { "processes" };
                self.say(daemon, name, frame.id);
            }
            Request::KillAll {} | Request::Release {} => {
                let _ = self.program.kill();
                let _ = self.program.wait();
                let leaves = matches!(frame.request, Request::Release {});
                if leaves {
                    let _ = std::fs::remove_file(&self.socket);
                }
                self.say(daemon, "nobody", frame.id);
                return leaves;
            }
            Request::SetMeta {} | Request::AckExit {} => self.say(daemon, "done", frame.id),
        }
        false
    }

    fn frame(&self, name: &str, request: u64) -> Vec<u8> {
        let numbers = Numbers {
            request,
            ..self.numbers
        };
        self.frames.with(name, &numbers).unwrap()
    }

    fn say(&self, daemon: &mut UnixStream, name: &str, request: u64) {
        // A daemon that was killed meanwhile is seen by the next read.
        let _ = daemon.write_all(&self.frame(name, request));
    }

    fn introduce(&self, daemon: &UnixStream, name: &str, request: u64) {
        let frame = self.frame(name, request);
        let fds = [self.master.as_fd(), self.journal.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        let flags = SendFlags::NOSIGNAL;
        let sent = sendmsg(daemon, &[IoSlice::new(&frame)], &mut control, flags);
        assert_eq!(sent, Ok(frame.len()));
    }
}

/// The body of the first frame that is there whole.
pub fn take_frame(input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(*input.first_chunk::<4>()?) as usize;
    let body = input.get(4..4 + length)?.to_vec();
    input.drain(..4 + length);
    Some(body)
}
