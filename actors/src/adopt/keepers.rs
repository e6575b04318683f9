//! The keepers that an earlier daemon has left: found by their sockets, asked side by side.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use protocol::PaneUuid;

use crate::keeper::{AdoptError, AdoptedPane, Keeper};

/// How long a keeper may take to answer.
const ADOPT_LIMIT: Duration = Duration::from_secs(5);

/// How many are asked at the same time.
const AT_ONCE: usize = 64;

/// Every keeper that answers. Sockets without a keeper are removed; a keeper that does not answer is left alone.
pub(super) async fn connect(panes: &Path, wanted: impl Fn(PaneUuid) -> bool) -> Found {
    let sockets = sockets(panes).into_iter().filter(|(id, _)| wanted(*id));
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
