//! A control group for each pane, where one was delegated to the daemon: its processes can all be ended at once, and their
//! memory can be limited. Where none was, this does nothing and says why.
//!
//! Source: Linux, cgroups(7) and Documentation/admin-guide/cgroup-v2.rst; systemd, CGROUP_DELEGATION.

mod group;
mod place;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use protocol::config::CgroupWish;
use protocol::reply::Containment;
use protocol::{Error, ErrorCode, PaneUuid, ServerName};

use keeper::KeeperCgroup;
use place::PaneGroups;

pub(crate) use group::{close, cpu_ms, discard, memory_bytes};
#[cfg(test)]
pub(crate) use tests::pretended;

/// The least memory that a program can be started with.
const LEAST_BYTES: u64 = 1 << 20;

/// The control groups of one daemon.
#[derive(Debug)]
pub(crate) struct Cgroups(Result<PaneGroups, String>);

impl Cgroups {
    /// Finds the delegated group, and makes the one for all panes in it.
    #[must_use]
    pub(crate) fn open(wish: &CgroupWish, server: &ServerName) -> Self {
        let cgroups = Self(place::find(wish).and_then(|found| PaneGroups::make(found, server)));
        match &cgroups.0 {
            Ok(place) => tracing::info!(
                path = %place.panes.display(),
                memory = place.memory.as_ref().err().map_or("can be limited", String::as_str),
                "each pane has a control group"
            ),
            Err(why) => tracing::info!(why, "panes have no control groups"),
        }
        cgroups
    }

    /// There are none, for this reason.
    #[must_use]
    pub(crate) fn off(why: &str) -> Self {
        Self(Err(why.to_owned()))
    }

    /// For people and programs that ask.
    #[must_use]
    pub(crate) fn status(&self) -> Containment {
        match &self.0 {
            Ok(place) => Containment {
                on: true,
                memory: place.memory.is_ok(),
                detail: place.memory.as_ref().err().cloned().unwrap_or_default(),
                path: Some(place.panes.display().to_string()),
            },
            Err(why) => Containment {
                on: false,
                memory: false,
                detail: why.clone(),
                path: None,
            },
        }
    }

    /// The path of a pane's group, which need not be there yet.
    #[must_use]
    pub(crate) fn path(&self, pane: PaneUuid) -> Option<PathBuf> {
        let place = self.0.as_ref().ok()?;
        Some(place.panes.join(format!("pane-{pane}")))
    }

    /// Checks that a pane's memory can be limited to so many bytes.
    ///
    /// # Errors
    /// `unsupported` with what is missing, `invalid_argument` for a limit that no program can live with.
    pub(crate) fn check_memory(&self, bytes: u64) -> Result<(), Error> {
        if bytes < LEAST_BYTES {
            return Err(Error::invalid(format!(
                "a memory limit of {bytes} bytes is too small; it must be at least {LEAST_BYTES}"
            )));
        }
        let why = match &self.0 {
            Ok(PaneGroups { memory: Ok(()), .. }) => return Ok(()),
            Ok(PaneGroups {
                memory: Err(why), ..
            })
            | Err(why) => why,
        };
        Err(Error::new(
            ErrorCode::Unsupported,
            format!("this server cannot limit the memory of a pane: {why}"),
        )
        .hint("leave `--memory-max` or memory_max out, or run the server by systemd 254 or later as `fugued` can be, or give it a delegated cgroup v2 with the memory controller in daemon.cgroup of the configuration"))
    }

    /// Makes a pane's group, with what its keeper has to know. Nothing where there are none.
    ///
    /// # Errors
    /// What the system says; a group whose limit could not be set is not left.
    pub(crate) fn prepare(
        &self,
        path: Option<&str>,
        memory_max: Option<u64>,
    ) -> Result<Option<KeeperCgroup>, Error> {
        let (Some(path), Ok(place)) = (path.map(Path::new), &self.0) else {
            return match memory_max {
                Some(bytes) => self.check_memory(bytes).map(|()| None),
                None => Ok(None),
            };
        };
        match group::make(path, memory_max) {
            Ok(()) => Ok(Some(KeeperCgroup {
                group: path.to_owned(),
                home: place.home.clone(),
            })),
            Err(error) if memory_max.is_some() => Err(Error::new(
                ErrorCode::Limit,
                format!(
                    "the control group {} cannot be made: {error}",
                    path.display()
                ),
            )
            .hint("see who may write there, and how many groups there are")),
            Err(error) => {
                // A pane is worth more than its group.
                tracing::warn!(path = %path.display(), %error, "a pane has no control group");
                Ok(None)
            }
        }
    }

    /// Removes empty groups of panes that nobody knows.
    pub(crate) fn sweep(&self, is_known: impl Fn(PaneUuid) -> bool) {
        let Ok(place) = &self.0 else { return };
        let entries = std::fs::read_dir(&place.panes).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix("pane-"));
            if id
                .and_then(|id| id.parse().ok())
                .is_some_and(|id| !is_known(id))
            {
                // One with processes is not removed.
                let _ = std::fs::remove_dir(entry.path());
            }
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        if let Ok(place) = &self.0 {
            // Only when no pane is left.
            let _ = std::fs::remove_dir(&place.panes);
        }
    }
}
