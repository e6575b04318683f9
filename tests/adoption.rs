//! A daemon that is killed costs nothing: the next one takes over every pane.

mod faults;
mod impostors;
mod kills;
mod lasting;
mod options;
mod reboots;
mod recordings;
mod runs;
mod typed;
mod unasked;
mod unreachable;
mod upgrades;

use std::time::{Duration, Instant};

use protocol::reply::{PaneCreated, PaneInfo, SessionDetail};
use protocol::request::{CreatePane, GetSession, ReadPane};
use protocol::{PaneUuid, Target};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, shell};

/// Kills the daemon as nobody can prevent, and starts the next one after `pause`. Returns how long that one took to serve.
pub(crate) async fn kill_and_restart(daemon: &mut Daemon, pause: Duration) -> Duration {
    daemon.signal(Signal::KILL);
    daemon.wait();
    tokio::time::sleep(pause).await;
    let begun = Instant::now();
    daemon.launch();
    drop(daemon.client().await);
    begun.elapsed()
}

/// All of a pane's text, with its scrollback.
pub async fn all_text(client: &Client, pane: PaneUuid) -> String {
    client
        .ok(ReadPane {
            pane: Target::from(pane),
            lines: Some(100_000),
            since: None,
            scrollback: true,
            ansi: false,
            max_bytes: Some(8 * 1024 * 1024),
        })
        .await
        .text
}

/// What people and programs see of a server, without what changes by itself.
async fn shape(client: &Client) -> Vec<String> {
    let mut shape = Vec::new();
    for session in client.sessions().await {
        let detail: SessionDetail = client
            .ok(GetSession {
                session: Some(Target::from(session.session_id)),
            })
            .await;
        let session = &detail.session;
        shape.push(format!(
            "{} {} active={} {:?} {:?} {:?} {:?}",
            session.session_id,
            session.name,
            session.active,
            session.tags,
            detail.metadata,
            detail.environment,
            session.size
        ));
        shape.extend(detail.windows.iter().map(|window| format!("{window:?}")));
    }
    let mut panes = client.panes().await;
    panes.sort_by_key(|pane| pane.pane_id);
    shape.extend(panes.iter().map(|pane: &PaneInfo| {
        format!(
            "{} {} {:?} {} {:?} {} {} {} restarts={}",
            pane.pane_id,
            pane.session_name,
            pane.name,
            pane.index,
            pane.size,
            pane.command,
            pane.pid,
            pane.keeper_pid,
            pane.status.restarts
        )
    }));
    shape
}

async fn another(client: &Client, session: &str, line: &str) -> PaneCreated {
    client
        .ok(CreatePane {
            session: Some(crate::support::view::named(session)),
            pane: shell(line),
            ..CreatePane::default()
        })
        .await
}
