//! The context of every tool call: the fleet, the caller's surroundings, progress and cancellation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::fleet::Fleet;
use protocol::paths::current_dir;
use protocol::{Error, ServerName, Target, environment, os_text};
use tokio_util::sync::CancellationToken;

use crate::answer::Halves;
use crate::route::{self, Place};
use crate::tasks::Tasks;
use crate::waiting::Progress;

/// The things that live as long as the server.
pub(crate) struct Front {
    /// Every server that can be reached.
    pub(crate) fleet: Fleet,
    /// This process's environment, the base for programs of new sessions and runs.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where relative paths begin.
    pub(crate) cwd: PathBuf,
    /// Longest silence towards a client that asked for progress.
    pub(crate) heartbeat: Duration,
    /// Waits that became tasks.
    pub(crate) tasks: Arc<Tasks>,
}

impl Front {
    /// The front of this process over `fleet`.
    pub(crate) fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            environment: environment::inherited(),
            cwd: current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            heartbeat: Duration::from_secs(8),
            tasks: Arc::default(),
        }
    }
}

impl Front {
    /// The one server that was named, or all, each socket once.
    pub(crate) fn places(&self, all: bool, server: Option<&str>) -> Result<Vec<Place>, Error> {
        let fleet = &self.fleet;
        if let Some(server) = server {
            return Ok(vec![Place::new(fleet, &ServerName::new(server)?)?]);
        }
        let servers = fleet.distinct(all)?;
        let places = servers
            .iter()
            .map(|server| Place::new(fleet, server.name()));
        places.collect()
    }
}

/// One tool call.
pub(crate) struct Call {
    pub(crate) front: Arc<Front>,
    pub(crate) progress: Progress,
    /// The client took the call back. A connection that merely ended does not count.
    pub(crate) cancelled: CancellationToken,
    /// The client has no time left for the answer. That is no wish to end anything.
    pub(crate) given_up: CancellationToken,
    /// The client can ask for tasks.
    pub(crate) tasks: bool,
    /// What it is sent of an answer.
    pub(crate) halves: Halves,
}

impl Call {
    /// See [`route::resolve`].
    pub(crate) fn resolve<const N: usize>(
        &self,
        server: Option<&str>,
        given: [(&str, Option<&str>); N],
    ) -> Result<(Place, [Option<Target>; N]), Error> {
        route::resolve(&self.front.fleet, server, given)
    }

    /// The session that is meant, if one is.
    pub(crate) fn session(
        &self,
        server: Option<&str>,
        session: Option<&str>,
    ) -> Result<(Place, Option<Target>), Error> {
        let (place, [session]) = self.resolve(server, [("session", session)])?;
        Ok((place, session))
    }

    /// The session and the window that are meant, as far as they are given.
    pub(crate) fn session_and_window(
        &self,
        server: Option<&str>,
        session: Option<&str>,
        window: Option<&str>,
    ) -> Result<(Place, Option<Target>, Option<Target>), Error> {
        let given = [("session", session), ("window", window)];
        let (place, [session, window]) = self.resolve(server, given)?;
        Ok((place, session, window))
    }

    /// The one thing that a tool cannot do without.
    pub(crate) fn target(
        &self,
        server: Option<&str>,
        argument: &str,
        text: &str,
    ) -> Result<(Place, Target), Error> {
        route::resolve_one(&self.front.fleet, server, argument, text)
    }

    /// `cwd` made absolute: relative to this process's directory, `~` for the home.
    pub(crate) fn absolute(&self, cwd: &str) -> String {
        let home = self.front.environment.get("HOME");
        let home = home.map(|home| PathBuf::from(os_text::decoded(home)));
        let path = match (cwd.strip_prefix('~'), home) {
            (Some(""), Some(home)) => home,
            (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
            _ => self.front.cwd.join(os_text::decoded(cwd)),
        };
        // Without the `.` of "./x", so that it reads as the system prints it.
        let plain: PathBuf = path.components().collect();
        os_text::encoded(plain)
    }

    /// `cwd` made absolute, this process's directory without one.
    pub(crate) fn cwd_or_own(&self, cwd: Option<&str>) -> String {
        self.absolute(cwd.unwrap_or("."))
    }

    /// This process's environment for programs that it has started.
    pub(crate) fn environment(&self) -> Option<BTreeMap<String, String>> {
        Some(self.front.environment.clone())
    }
}

#[cfg(test)]
mod tests;
