//! A daemon that was started from a program in one of its own panes gets out from under that pane's keeper.
//!
//! A keeper is the ancestor of all that its program ever started, and ends all of it with the pane: the daemon would be among
//! it, and with it every keeper that it starts.

use std::time::{Duration, Instant};

use crate::server::Server;
use keeper::{Identity, ancestors};
use keeper_link::Keeper;

/// The time that the process that has started this one may take to end.
const LIMIT: Duration = Duration::from_secs(2);

/// Pause between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(2);

/// The keeper above this process, which has let go of what loses its parent now.
pub(crate) struct Escape {
    keeper: Keeper,
    parent: i32,
}

impl Escape {
    /// Looks whether a pane's keeper is above this process, and asks it to let go.
    pub(crate) async fn begin(server: &Server) -> Option<Self> {
        let above = ancestors(rustix::process::getpid().as_raw_pid());
        let panes = server.registry.panes();
        let is_above = |keeper: Identity| above.contains(&keeper.pid) && keeper.is_alive();
        let pane = panes
            .iter()
            .find(|pane| pane.process().keeper_identity().is_some_and(is_above))?;
        let keeper = pane.process().keeper.clone();
        match keeper.let_orphans_go(LIMIT).await {
            Ok(()) => Some(Self {
                keeper,
                parent: *above.first()?,
            }),
            Err(error) => {
                tracing::warn!(pane_id = %pane.id, %error, "this daemon was started in one of its panes, and it ends with that one");
                None
            }
        }
    }

    /// Waits until the process that has started this one is gone; then the keeper keeps orphans again.
    pub(crate) async fn finish(self) {
        let begun = Instant::now();
        let parent = || {
            ancestors(rustix::process::getpid().as_raw_pid())
                .first()
                .copied()
        };
        while parent() == Some(self.parent) && begun.elapsed() < LIMIT {
            tokio::time::sleep(PAUSE).await;
        }
        let _ = self.keeper.let_orphans_go(Duration::ZERO).await;
        tracing::info!(
            parent = parent(),
            "this daemon was started in one of its panes, and has left it"
        );
    }
}
