//! The keepers that an earlier daemon has left: found by their sockets, asked side by side.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use protocol::PaneUuid;
use protocol::paths::Paths;
use tokio::time::Instant;

use crate::keeper::{AdoptError, AdoptedPane, Keeper};
use crate::store::{StoredKeeper, StoredPane};

/// How long a keeper may take to answer.
const ADOPT_LIMIT: Duration = Duration::from_secs(5);

/// How many are asked at the same time.
const AT_ONCE: usize = 64;

/// How long keepers whose sockets were deleted may take to listen again.
const CALL_LIMIT: Duration = Duration::from_secs(1);

/// Pause between two looks for the sockets of called keepers.
const CALL_PAUSE: Duration = Duration::from_millis(2);

/// Every keeper that answers. Sockets without a keeper are removed; a keeper that does not answer is left alone.
pub(super) async fn connect(paths: &Paths, wanted: impl Fn(PaneUuid) -> bool) -> Found {
    let sockets = sockets(&paths.panes())
        .into_iter()
        .filter(|(id, _)| wanted(*id));
    let asked = stream::iter(sockets).map(|(id, socket)| async move {
        let adopted = Keeper::adopt(&socket, ADOPT_LIMIT).await;
        (id, socket, adopted)
    });
    let mut asked = asked.buffer_unordered(AT_ONCE);
    let mut found = Found::default();
    while let Some((id, socket, adopted)) = asked.next().await {
        match adopted {
            Ok(adopted) => {
                found.keepers.insert(id, adopted);
            }
            Err(error @ AdoptError::Gone { .. }) => {
                tracing::info!(pane_id = %id, %error, "the socket of a dead keeper is removed");
                let _ = std::fs::remove_file(&socket);
            }
            Err(error) => {
                tracing::error!(pane_id = %id, %error, "a keeper cannot be adopted; it is left alone");
                found.silent += 1;
            }
        }
    }
    found
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) keepers: HashMap<PaneUuid, AdoptedPane>,
    /// Keepers that live and did not answer as they should.
    pub(super) silent: usize,
}

impl Found {
    /// Calls the keepers that the database knows and that have no socket any more, because the
    /// runtime directory was deleted, and connects to those that listen again.
    pub(super) async fn call(&mut self, paths: &Paths, stored: &[StoredPane]) {
        let called: HashSet<PaneUuid> = stored
            .iter()
            .filter(|pane| !paths.pane_socket(pane.id).exists())
            .filter(|pane| pane.state.keeper.is_some_and(StoredKeeper::listen_again))
            .map(|pane| pane.id)
            .collect();
        if called.is_empty() {
            return;
        }
        let deadline = Instant::now() + CALL_LIMIT;
        let listen = || called.iter().all(|id| paths.pane_socket(*id).exists());
        while !listen() && Instant::now() < deadline {
            tokio::time::sleep(CALL_PAUSE).await;
        }
        let answered = connect(paths, |id| called.contains(&id)).await;
        tracing::warn!(
            called = called.len(),
            answered = answered.keepers.len(),
            "keepers without a socket were called by their pids"
        );
        self.silent += answered.silent;
        self.keepers.extend(answered.keepers);
    }
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
