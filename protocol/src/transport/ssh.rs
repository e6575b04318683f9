//! The system's ssh as the way to a server: it runs `fugue proxy` on the other machine, on a pair of sockets.
//!
//! Host keys, agents, jump hosts and `~/.ssh/config` are ssh's own business. One login serves all commands of some minutes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::address::SshHost;
use crate::error::{Error, ErrorCode};
use crate::paths::private_dir;

/// The time for which a login may be used again, in seconds.
const PERSIST_S: u32 = 120;

/// Longest runtime directory, in bytes, in which ssh's control socket has room: a path of a socket has 107, and ssh makes it under
/// a longer name first.
const DIR_BYTES: usize = 66;

/// The part of ssh's words that is kept.
const SAID_BYTES: usize = 4 * 1024;

/// The time that ssh may take to end, and its last words to come.
const END_LIMIT: Duration = Duration::from_secs(1);

/// The time that a login without questions may take.
const QUIET_LIMIT: Duration = Duration::from_secs(15);

/// The time that a login may take in which somebody is asked.
const ASKING_LIMIT: Duration = Duration::from_secs(120);

/// The program on the other machine, unless the configuration names another.
pub const PROXY: &str = "fugue proxy";

/// ssh's own exit status. Source: ssh(1), EXIT STATUS.
const SSH_FAILED: i32 = 255;

/// A shell's exit status for a program that it has not found. Source: POSIX, 2.8.2.
const NOT_FOUND: i32 = 127;

/// Leave to ask for passwords and host keys on the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// It may not.
    #[default]
    Never,
    /// It may.
    Terminal,
}

/// One machine as ssh reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshRoute {
    /// Its host.
    pub host: SshHost,
    /// What is run there.
    pub command: String,
    /// The directory of the sockets over which logins are shared.
    pub sockets: PathBuf,
}

/// A running ssh. It is ended and reaped when this is dropped; the login that it shares lives on for a while.
#[derive(Debug)]
pub struct Ssh {
    child: Mutex<Child>,
    said: Arc<Said>,
    destination: String,
}

impl SshRoute {
    /// The options that each of ssh's commands has.
    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.arg("-o")
            .arg(format!("ControlPath={}", escaped(&self.control())));
        if let Some(port) = self.host.port {
            ssh.arg("-p").arg(port.to_string());
        }
        ssh
    }

    /// The socket over which the login is shared, of its own for each destination.
    fn control(&self) -> PathBuf {
        // Source: FNV-1a, 64 bits.
        let text = format!(
            "{}:{}",
            self.host.destination(),
            self.host.port.unwrap_or(0)
        );
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.sockets.join(format!("ssh-{hash:016x}"))
    }

    /// Starts ssh. Nothing is sent before ssh has checked the host's key.
    ///
    /// # Errors
    /// `denied` when the directory of its sockets is somebody else's; `server_unreachable` when ssh cannot be started.
    pub fn start(&self, asking: Asking) -> Result<(UnixStream, Arc<Ssh>), Error> {
        private_dir(&self.sockets)?;
        let destination = self.host.destination();
        let failed = |error: io::Error| {
            let message = format!("ssh to {destination} could not be started: {error}");
            let hint = match error.kind() == io::ErrorKind::NotFound {
                true => "install OpenSSH's client",
                false => "see `fugue doctor`",
            };
            Error::new(ErrorCode::ServerUnreachable, message).hint(hint)
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let input = OwnedFd::from(theirs.try_clone().map_err(failed)?);
        let mut ssh = self.ssh();
        ssh.args(["-T", "-x", "-o", "ControlMaster=auto", "-o"])
            .arg(format!("ControlPersist={PERSIST_S}"))
            .args(["-o", "ServerAliveInterval=5", "-o", "ConnectTimeout=10"]);
        if asking == Asking::Never {
            ssh.args(["-o", "BatchMode=yes"]);
        }
        ssh.arg("--").arg(&destination).arg(&self.command);
        ssh.stdin(Stdio::from(input))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped());
        let mut child = ssh.spawn().map_err(failed)?;
        let said = Arc::new(Said::default());
        if let Some(stderr) = child.stderr.take() {
            let hearing = Arc::clone(&said);
            // It ends with the last of those that have the other end, and that may be the shared login.
            let heard = std::thread::Builder::new()
                .name("ssh-stderr".to_owned())
                .stack_size(128 * 1024)
                .spawn(move || hearing.listen(stderr));
            heard.map_err(failed)?;
        }
        let ssh = Ssh {
            child: Mutex::new(child),
            said,
            destination,
        };
        Ok((ours, Arc::new(ssh)))
    }

    /// True if there is a login to be shared.
    #[must_use]
    pub fn has_login(&self) -> bool {
        UnixStream::connect(self.control()).is_ok()
    }

    /// Logs in and runs nothing: what comes after shares the login.
    ///
    /// # Errors
    /// In ssh's own words why not; `server_unreachable` when it takes too long.
    pub fn log_in(&self, name: &str, asking: Asking) -> Result<(), Error> {
        let quiet = Self {
            command: "exit".to_owned(),
            ..self.clone()
        };
        let (stream, ssh) = quiet.start(asking)?;
        let limit = match asking {
            Asking::Never => QUIET_LIMIT,
            Asking::Terminal => ASKING_LIMIT,
        };
        drop(stream);
        let status = {
            let mut child = ssh.child.lock().unwrap_or_else(PoisonError::into_inner);
            ended_within(&mut child, limit)
        };
        let gone = || {
            let message = format!("ssh to {} took longer than {limit:?}", ssh.destination);
            Error::new(ErrorCode::ServerUnreachable, message).hint("try it by hand")
        };
        match status {
            Some(status) if status.success() => Ok(()),
            Some(_) | None => Err(ssh.explain(name, gone())),
        }
    }

    /// Ends the login that is shared: after a loss it may hang, and the next try would hang with it.
    pub fn end_shared(&self) {
        let control = self.control();
        let Ok(master) = UnixStream::connect(&control) else {
            return;
        };
        let pid = rustix::net::sockopt::socket_peercred(&master).map(|peer| peer.pid);
        drop(master);
        let mut exit = self.ssh();
        exit.args(["-O", "exit", "--"]).arg(self.host.destination());
        exit.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Ok(mut child) = exit.spawn() {
            let ended = ended_within(&mut child, END_LIMIT);
            if ended.is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let still = UnixStream::connect(&control).is_ok();
        if let (true, Ok(pid)) = (still, pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            let _ = std::fs::remove_file(&control);
        }
    }
}

/// The directory for ssh's sockets: the runtime directory, or one in `/tmp` where that is too deep.
#[must_use]
pub fn sockets(runtime: &Path) -> PathBuf {
    // Blanks, quotes and dollars mean something in ssh's options.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(byte);
    let bytes = runtime.as_os_str().as_encoded_bytes();
    match bytes.len() <= DIR_BYTES && bytes.iter().all(plain) {
        true => runtime.to_owned(),
        false => PathBuf::from(format!("/tmp/fugue-{}", crate::paths::own_uid())),
    }
}

/// A path in an option of ssh, where `%` begins a token.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

impl Ssh {
    /// The error of a connection that ended, in ssh's own words where it has said why.
    #[must_use]
    pub fn explain(&self, name: &str, error: Error) -> Error {
        if error.code != ErrorCode::ServerUnreachable {
            return error;
        }
        let status = {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            ended_within(&mut child, END_LIMIT)
        };
        let Some(status) = status else { return error };
        let said = self.said.last_words(END_LIMIT / 4);
        explained(name, &self.destination, status, &said, error)
    }
}

/// The error for how ssh has ended.
fn explained(name: &str, destination: &str, status: ExitStatus, said: &str, error: Error) -> Error {
    let words = match said.trim() {
        "" => String::new(),
        said => format!(
            ": {}",
            said.replace("\r\n", "\n").trim().replace('\n', "; ")
        ),
    };
    match status.code() {
        Some(NOT_FOUND) => Error::new(
            ErrorCode::Unsupported,
            format!("{destination} does not find fugue{words}"),
        )
        .hint(format!(
            "install fugue there, or say where it is: `command = \"~/.local/bin/fugue proxy\"` under [servers.{name}]"
        )),
        Some(SSH_FAILED) => {
            let (code, hint) = match said {
                said if said.contains("Host key verification failed")
                    || said.contains("HOST IDENTIFICATION HAS CHANGED") =>
                {
                    (ErrorCode::Denied, "if the key is the right one")
                }
                said if said.contains("Permission denied") => {
                    (ErrorCode::Unauthenticated, "to log in by hand")
                }
                _ => (ErrorCode::ServerUnreachable, "to see each step"),
            };
            let words = match words.is_empty() {
                true => format!(": {}", error.message),
                false => words,
            };
            Error::new(code, format!("ssh to {destination} failed{words}"))
                .hint(format!("run `fugue servers test {name}` {hint}"))
        }
        _ if words.is_empty() => error,
        _ => Error::new(
            ErrorCode::ServerUnreachable,
            format!("{}; {destination} said{words}", error.message),
        )
        .hint(format!("run `fugue servers test {name}` to see each step")),
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It is only the way to the shared login, which is not ended by this.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The status of a child that ends within `limit`.
fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    if let Ok(Some(status)) = child.try_wait() {
        return Some(status);
    }
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let limit = Timespec::try_from(limit).ok();
    let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], limit.as_ref());
    child.try_wait().ok().flatten()
}

/// The end of what ssh has said on its standard error.
#[derive(Debug, Default)]
struct Said {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Heard {
    words: VecDeque<u8>,
    over: bool,
}

impl Said {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, mut stderr: impl Read) {
        let mut buffer = [0; 1024];
        loop {
            let read = match stderr.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(read) => read,
                Err(_) => 0,
            };
            let mut heard = self.heard();
            heard.over = read == 0;
            heard.words.extend(&buffer[..read]);
            let surplus = heard.words.len().saturating_sub(SAID_BYTES);
            heard.words.drain(..surplus);
            drop(heard);
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }

    /// All of it, once it is over; at most `limit` later, as a shared login may go on to have it.
    fn last_words(&self, limit: Duration) -> String {
        let end = Instant::now() + limit;
        let mut heard = self.heard();
        while !heard.over {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let words: Vec<u8> = heard.words.iter().copied().collect();
        let words = String::from_utf8_lossy(&words).replace('\r', "");
        crate::plain::plain(&words).into_owned()
    }
}

#[cfg(test)]
mod tests;
