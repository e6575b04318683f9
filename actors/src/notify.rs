//! Messages to systemd: that the daemon serves, that it lives, that it ends.
//!
//! Source: sd_notify(3), sd_watchdog_enabled(3). Each message is one datagram, sent without waiting; nobody needs it to arrive.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Variables that systemd sets for the daemon alone. Programs in panes must not see them: they would speak for it.
pub(crate) const VARIABLES: [&str; 13] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LISTEN_PIDFDID",
    "MAINPID",
    "MANAGERPID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH",
];

/// The socket on which systemd listens, when it has started the daemon.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Reads the environment of this process.
    #[must_use]
    pub(crate) fn from_env() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let number = |name: &str| var(name)?.to_str()?.parse::<u64>().ok();
        let watchdog = Watchdog {
            usec: number("WATCHDOG_USEC"),
            pid: number("WATCHDOG_PID").and_then(|pid| pid.try_into().ok()),
        };
        Self::new(var("NOTIFY_SOCKET").as_deref(), watchdog)
    }

    pub(crate) fn new(socket: Option<&OsStr>, watchdog: Watchdog) -> Self {
        let Some(name) = socket else {
            return Self::default();
        };
        match open(name) {
            Ok(socket) => Self {
                socket: Some(socket),
                watchdog: watchdog.period(),
            },
            Err(error) => {
                tracing::warn!(socket = %name.display(), %error, "systemd cannot be told anything");
                Self::default()
            }
        }
    }

    /// Within which time a sign of life is wanted each time; absent when none is.
    #[must_use]
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// True if somebody is told.
    #[must_use]
    pub(crate) fn is_heard(&self) -> bool {
        self.socket.is_some()
    }

    /// It serves.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}\n"));
    }

    /// Sends the status that people see in `systemctl status`.
    pub(crate) fn status(&self, status: &str) {
        self.send(&format!("STATUS={status}\n"));
    }

    /// It lives.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1\n");
    }

    /// It is about to end.
    pub(crate) fn stopping(&self, status: &str) {
        self.send(&format!("STOPPING=1\nSTATUS={status}\n"));
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            tracing::debug!(%error, "systemd was not told");
        }
    }
}

/// The watchdog's variables in the environment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watchdog {
    pub(crate) usec: Option<u64>,
    pub(crate) pid: Option<u32>,
}

impl Watchdog {
    fn period(self) -> Option<Duration> {
        // One that another process has inherited is not ours to feed.
        let ours = self.pid.is_none_or(|pid| pid == std::process::id());
        let usec = self.usec.filter(|usec| ours && *usec > 0)?;
        Some(Duration::from_micros(usec))
    }
}

fn open(name: &OsStr) -> std::io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(rest) => SocketAddr::from_abstract_name(rest)?,
        None => SocketAddr::from_pathname(Path::new(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}
