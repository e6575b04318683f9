//! The keepers that an earlier daemon has left: found by their sockets, asked side by side.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsRawFd;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use protocol::PaneUuid;
use protocol::paths::Paths;
use rustix::process::{Resource, getrlimit};
use tokio::time::Instant;

use crate::step::step;
use keeper::Identity;
use keeper_link::{AdoptError, AdoptedPane, Expected, Keeper};

/// The time that a keeper may take to answer before others are served. Then its pane is shown as unreachable, and it is asked on.
const FIRST_LIMIT: Duration = Duration::from_millis(1_200);

/// The number of keepers that are asked at the same time.
const AT_ONCE: usize = 256;

/// So many descriptors are left for whoever calls the daemon.
const RESERVE: u64 = 64;

/// The time that keepers whose sockets were deleted may take to listen again.
const CALL_LIMIT: Duration = Duration::from_secs(1);

/// Pause between two looks for the sockets of called keepers.
const CALL_PAUSE: Duration = Duration::from_millis(2);

/// The processes that are known as keepers, by pane.
pub(super) type Known = HashMap<PaneUuid, Expected>;

/// Every keeper that answers, of those that `wanted` says something about. Sockets without a keeper are removed; a keeper
/// that does not answer is left alone.
pub(super) async fn connect(
    paths: &Paths,
    wanted: impl Fn(PaneUuid) -> Option<Expected>,
) -> FoundKeepers {
    let sockets = sockets(&paths.panes())
        .into_iter()
        .filter_map(|(id, socket)| Some((id, socket, wanted(id)?)));
    let asked = stream::iter(sockets).map(|(id, socket, expected)| async move {
        let adopted = ask(&socket, &expected, FIRST_LIMIT).await;
        (id, socket, expected, adopted)
    });
    let mut asked = asked.buffer_unordered(AT_ONCE);
    let mut found = FoundKeepers::default();
    while let Some((id, socket, expected, adopted)) = asked.next().await {
        match adopted {
            Ok(adopted) => {
                found.keepers.insert(id, adopted);
            }
            Err(error @ (AdoptError::Gone { .. } | AdoptError::Stranger { .. })) => {
                tracing::warn!(pane_id = %id, %error, "a socket on which no keeper listens is removed");
                let _ = std::fs::remove_file(&socket);
                if expected.lives() == Some(true) {
                    found.away.insert(id, error.to_string());
                }
            }
            Err(error) => {
                tracing::warn!(pane_id = %id, %error, "a keeper cannot be adopted now; it is tried again");
                found.away.insert(id, error.to_string());
            }
        }
    }
    found
}

/// Asks one keeper. One that is stopped is not waited for.
///
/// # Errors
/// See [`AdoptError`].
pub(super) async fn ask(
    socket: &Path,
    expected: &Expected,
    limit: Duration,
) -> Result<AdoptedPane, AdoptError> {
    if expected.keepers.iter().any(|keeper| keeper.is_stopped()) {
        return Err(AdoptError::Stopped);
    }
    if !has_room() {
        return Err(AdoptError::Descriptors);
    }
    let asking = async {
        step!("adopt: its keeper is asked").map_err(|error| AdoptError::Protocol(error.message))?;
        Keeper::adopt_expected(socket, expected, limit).await
    };
    // A panic costs this pane its try, and nobody else anything.
    let asking = AssertUnwindSafe(asking).catch_unwind();
    let asked = tokio::time::timeout(limit, asking).await;
    let asked = asked.map_err(|_| AdoptError::Timeout(limit))?;
    let adopted =
        asked.unwrap_or_else(|_| Err(AdoptError::Protocol("reading it panicked".to_owned())))?;
    // Others have taken theirs meanwhile.
    match has_room() {
        true => Ok(adopted),
        false => Err(AdoptError::Descriptors),
    }
}

/// True if so many descriptors are left that those who call the daemon find some: the lowest free one is given out
/// first.
fn has_room() -> bool {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return true;
    };
    let reserve = RESERVE.min(limit / 4);
    let next = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 0);
    next.is_ok_and(|next| u64::from(next.as_raw_fd().unsigned_abs()) + reserve < limit)
}

/// The keepers that were found.
#[derive(Default)]
pub(super) struct FoundKeepers {
    pub(super) keepers: HashMap<PaneUuid, AdoptedPane>,
    /// Keepers that live and cannot be adopted now, and why.
    pub(super) away: HashMap<PaneUuid, String>,
}

impl FoundKeepers {
    /// Calls the keepers that are known and have no socket any more, because the runtime directory was deleted or somebody
    /// has put another one there, and connects to those that listen again.
    pub(super) async fn call(
        &mut self,
        paths: &Paths,
        known: &Known,
        free: impl Fn(&PaneUuid) -> bool,
    ) {
        let called: HashSet<PaneUuid> = known
            .iter()
            .filter(|(id, _)| free(id))
            .filter(|(id, _)| !paths.pane_socket(**id).exists())
            .filter(|(_, expected)| expected.keepers.iter().any(|keeper| listen_again(*keeper)))
            .map(|(id, _)| *id)
            .collect();
        if called.is_empty() {
            return;
        }
        let deadline = Instant::now() + CALL_LIMIT;
        let listen = || called.iter().all(|id| paths.pane_socket(*id).exists());
        while !listen() && Instant::now() < deadline {
            tokio::time::sleep(CALL_PAUSE).await;
        }
        let wanted = |id| called.contains(&id).then(|| known.get(&id).cloned())?;
        let answered = connect(paths, wanted).await;
        tracing::warn!(
            called = called.len(),
            answered = answered.keepers.len(),
            "keepers without a socket were called by their pids"
        );
        for id in &called {
            let why = "its keeper lives and listens nowhere".to_owned();
            self.away.entry(*id).or_insert(why);
        }
        self.away.extend(answered.away);
        self.away.retain(|id, _| !answered.keepers.contains_key(id));
        self.keepers.extend(answered.keepers);
    }
}

impl FoundKeepers {
    /// The panes that are held back are away, unless their keepers are known to be dead.
    pub(super) fn hold(
        &mut self,
        paths: &Paths,
        known: &Known,
        held: impl Fn(PaneUuid) -> Option<String>,
    ) {
        let shown = sockets(&paths.panes()).into_iter().map(|(id, _)| id);
        let all: HashSet<PaneUuid> = known.keys().copied().chain(shown).collect();
        for id in all {
            let dead = known.get(&id).and_then(Expected::lives) == Some(false);
            if let Some(why) = held(id).filter(|_| !dead) {
                tracing::warn!(pane_id = %id, why, "a pane is not entered");
                self.away.insert(id, why);
            }
        }
    }
}

/// Tells a keeper to listen where its socket was; whether it is there.
pub(super) fn listen_again(keeper: Identity) -> bool {
    keeper::listen_again(keeper.pid, keeper.start_time).is_ok()
}

fn sockets(panes: &Path) -> Vec<(PaneUuid, PathBuf)> {
    let entries = std::fs::read_dir(panes).into_iter().flatten().flatten();
    let id = |path: &Path| {
        let is_socket = path
            .extension()
            .is_some_and(|extension| extension == "sock");
        let stem = path.file_stem()?.to_str()?;
        is_socket.then(|| stem.parse().ok()).flatten()
    };
    entries
        .filter_map(|entry| Some((id(&entry.path())?, entry.path())))
        .collect()
}
