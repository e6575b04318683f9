//! The request that tries an unreachable pane again.

use std::sync::Arc;
use std::time::Duration;

use protocol::Error;
use protocol::reply::PaneInfo;
use protocol::request::RetryPane;

use super::listing::info_of;
use super::pane::session_of;
use crate::pane::{PaneEntry, PaneMsg};
use crate::registry::Caller;
use crate::server::Server;

/// Time that the pane may take to be reached before it is shown as it is.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn retry(
    server: &Arc<Server>,
    caller: &Caller,
    params: RetryPane,
) -> Result<PaneInfo, Error> {
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let session = session_of(server, leaf.session(), &leaf.shown())?;
    reach(server, leaf.pane()).await;
    info_of(server, &session, &leaf)
}

/// Tries an unreachable pane again at once, also one that was left alone, and waits a while until it is reached.
pub(super) async fn reach(server: &Server, pane: &PaneEntry) {
    let mut state = pane.state();
    let away = state.borrow().unreachable().is_some();
    if away {
        server.held_back.let_in(pane.id);
        if let Some(actor) = pane.address.get() {
            // An actor that is being restarted looks for itself.
            let _ = actor.cast(PaneMsg::KeeperAway);
        }
        let reached = state.wait_for(|state| state.unreachable().is_none());
        let _ = tokio::time::timeout(LIMIT, reached).await;
    }
}
