//! Facts about commands that run: their last lines, since when they are silent, and whether they wait for keys.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::reply::{CommandResult, Orchestration, RunStatus};
use terminal::screen::Screen;

use crate::clock::steady_ms;
use crate::pane::{PaneEntry, waits};
use crate::server::Server;
use model::orchestration::progress::Tail;

/// Lines and bytes of each.
const LINES: usize = 5;
const BYTES: usize = 1024;

/// The time that a look may take; a pane that is busy is told without its lines.
const LOOK_LIMIT: Duration = Duration::from_millis(200);

/// Adds it to the commands of an answer.
pub(super) async fn describe(server: &Server, answer: &mut Orchestration) {
    let running = answer
        .commands
        .iter_mut()
        .filter(|command| command.status == RunStatus::Running);
    let described = running.filter_map(|command| {
        let pane = server.registry.pane(command.pane_id?)?;
        Some(describe_one(pane, command))
    });
    join_all(described).await;
}

async fn describe_one(pane: Arc<PaneEntry>, command: &mut CommandResult) {
    let idle = steady_ms().saturating_sub(pane.io.live().last_output_ms());
    command.idle_ms = Some(idle);
    let look = |screen: &mut Screen| screen.read_last(LINES, true, false, usize::MAX).text;
    if let Ok(Ok(text)) = tokio::time::timeout(LOOK_LIMIT, pane.io.look(look)).await {
        command.output = Some(Tail::of(&text, LINES, BYTES).text);
    }
    let waiting = tokio::task::spawn_blocking(move || waits::for_keys(&pane));
    command.waits_for_keys = waiting.await.unwrap_or(false);
}
