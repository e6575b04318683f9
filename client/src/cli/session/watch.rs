//! `fugue ls --watch`: the sessions of all servers again and again, and the state of each server that is not there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, select_all};
use protocol::fleet::reach::Reach;
use protocol::fleet::{GATHER_LIMIT, Remote};
use protocol::reply::Sessions;
use protocol::request::ListSessions;
use protocol::{Error, ServerName};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::list::{listed, sessions_text};
use crate::cli::top::keys::Keys;
use crate::cli::tree::{Alternate, show_text};
use crate::cli::units::now_ms;
use crate::cli::{Caller, Outcome, output, sight};

/// The time after which it is shown anew though no server's state has changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// The least time between two times.
const LEAST: Duration = Duration::from_millis(100);

/// One server: its sessions, or why there are none to be seen.
type Seen = (ServerName, Result<Sessions, String>);

pub(super) async fn watch(caller: &Caller, all: bool) -> Outcome {
    let servers = caller.fleet.distinct(!caller.chosen)?;
    // They end with this.
    let mut kept = JoinSet::new();
    for server in &servers {
        let server = Arc::clone(server);
        kept.spawn(async move { server.keep().await });
    }
    let mut changes: Vec<_> = servers.iter().map(|server| server.watch()).collect();
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut hangups = signal(SignalKind::terminate())?;
    let mut keys = Keys::take();
    let _screen = Alternate::enter(caller)?;
    loop {
        let begun = Instant::now();
        for change in &mut changes {
            change.mark_unchanged();
        }
        let mut seen = join_all(servers.iter().map(look)).await;
        for (_, sessions) in &mut seen {
            if let Ok(sessions) = sessions {
                sight::seen(sessions, all);
            }
        }
        show(caller, &seen)?;
        keys.again();
        let changed = select_all(changes.iter_mut().map(|change| Box::pin(change.changed())));
        tokio::select! {
            () = keys.quit() => return Ok(0),
            _ = interrupts.recv() => return Ok(0),
            _ = hangups.recv() => return Ok(0),
            _ = changed => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
        tokio::time::sleep(LEAST.saturating_sub(begun.elapsed())).await;
    }
}

/// The sessions of one server now, or its state. One that is away is not waited for.
async fn look(server: &Arc<Remote>) -> Seen {
    let reach = server.watch().borrow().clone();
    let sessions = match reach {
        Reach::Connected(_) => {
            let answer = server.call(&ListSessions {}, GATHER_LIMIT).await;
            answer.map_err(|error| error.to_string())
        }
        Reach::Idle | Reach::Connecting(_) => Err(match server.trouble() {
            Some(cause) => format!("connecting; {}", cause.message),
            None => "connecting".to_owned(),
        }),
        Reach::Waiting { cause, until } => {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            Err(format!("{}; tried again in {left}s", cause.message))
        }
        Reach::Refused(cause) => Err(cause.to_string()),
    };
    (server.name().clone(), sessions)
}

fn show(caller: &Caller, seen: &[Seen]) -> anyhow::Result<()> {
    if caller.json {
        let servers: Result<Vec<_>, anyhow::Error> = seen
            .iter()
            .map(|(server, sessions)| match sessions {
                Ok(sessions) => output::json_of(caller, server, sessions),
                Err(why) => Ok(serde_json::json!({ "server": server, "error": why })),
            })
            .collect();
        let line = serde_json::json!({ "servers": servers? });
        return Ok(output::write(&format!("{line}\n"))?);
    }
    let answers: Vec<(ServerName, Result<Sessions, Error>)> = seen
        .iter()
        .filter_map(|(server, sessions)| Some((server.clone(), Ok(sessions.clone().ok()?))))
        .collect();
    let sessions = listed(&answers);
    let mut text = match sessions.is_empty() {
        true => "no sessions\n".to_owned(),
        false => sessions_text(caller, &sessions, now_ms()),
    };
    for (server, sessions) in seen {
        if let Err(why) = sessions {
            text.push_str(&format!("{server}: {why}\n"));
        }
    }
    show_text(caller, &text)
}
