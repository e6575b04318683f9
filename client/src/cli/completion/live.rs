//! Sessions, windows, panes and runs of the servers that run now, asked for as long as somebody waits for a completion.

use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use protocol::connection::Connection;
use protocol::fleet::{Fleet, Remote};
use protocol::paths::Paths;
use protocol::request::{ListOrchestrations, ListPanes, ListSessions, ListWindows};
use protocol::transport::Route;
use protocol::{Error, WindowNumber, transport};

use super::Kind;
use super::names::Found;
use crate::cli::caller::named;

/// The time for one server's answers; what has come by then is offered.
const LIMIT: Duration = Duration::from_millis(300);

/// All things of this kind that `current` begins, on the server that it names or the default one. What cannot be found out is not there.
pub(super) fn candidates(
    kind: Kind,
    server: Option<String>,
    current: &str,
) -> Vec<CompletionCandidate> {
    let server = match kind {
        // The one that is to be replaced.
        Kind::Server => None,
        Kind::Session | Kind::Window | Kind::Place | Kind::Pane | Kind::Orchestration => server,
    };
    let known = Fleet::load(&Paths::from_env(), "fugue", named(server).as_deref(), false);
    let Ok(fleet) = known else {
        return Vec::new();
    };
    let mut all = in_fleet(kind, &fleet, current);
    all.retain(|one| {
        let value = one.get_value().as_encoded_bytes();
        value.starts_with(current.as_bytes())
    });
    all
}

fn in_fleet(kind: Kind, fleet: &Fleet, current: &str) -> Vec<CompletionCandidate> {
    if kind == Kind::Server {
        let names = fleet.names();
        return names
            .map(|name| CompletionCandidate::new(name.as_str()))
            .collect();
    }
    if let Some((prefix, rest)) = current.split_once(':') {
        let named = fleet.names().find(|name| name.as_str() == prefix);
        let server = named.and_then(|name| fleet.server(name).ok());
        let there = server.map_or_else(Vec::new, |server| on(&server, kind, rest));
        let with_prefix = |one: CompletionCandidate| one.add_prefix(format!("{prefix}:"));
        return there.into_iter().map(with_prefix).collect();
    }
    let Ok(default) = fleet.server(fleet.default_server()) else {
        return Vec::new();
    };
    let others = fleet.names().filter(|name| {
        let server = fleet.server(name);
        server.is_ok_and(|server| !server.is_at(&default))
    });
    let prefix = |name| CompletionCandidate::new(format!("{name}:"));
    let prefixes: Vec<_> = others.map(prefix).collect();
    on(&default, kind, current)
        .into_iter()
        .chain(prefixes)
        .collect()
}

fn on(server: &Remote, kind: Kind, current: &str) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    let mut found = Found::default();
    runtime.block_on(async {
        let asked = tokio::time::timeout(LIMIT, ask(server, kind, current, &mut found));
        let _ = asked.await;
    });
    found.candidates(kind, current)
}

/// Asks over a connection of its own: a fleet's would start the server, or wait for one that is being restarted.
async fn ask(server: &Remote, kind: Kind, current: &str, found: &mut Found) -> Result<(), Error> {
    match server.route() {
        Route::Unix { .. } => {}
        Route::Ssh(route) if route.has_login() => {}
        // A login takes longer than anybody waits for a completion.
        Route::Ssh(_) => return Ok(()),
    }
    let name = server.name().as_str();
    let (connection, _events) =
        transport::connect_over(server.route(), name, server.hello()).await?;
    if kind == Kind::Orchestration {
        let reply = connection.call(&ListOrchestrations {}, LIMIT).await?;
        found.orchestrations = reply.orchestrations;
        return Ok(());
    }
    let list = ListPanes {
        all: true,
        ..ListPanes::default()
    };
    // Side by side: on a busy machine each wait is long.
    let (sessions, panes) = tokio::join!(connection.call(&ListSessions {}, LIMIT), async {
        match kind {
            Kind::Pane => Some(connection.call(&list, LIMIT).await),
            Kind::Session | Kind::Window | Kind::Place | Kind::Server | Kind::Orchestration => None,
        }
    });
    found.sessions = sessions?.sessions;
    if let Some(panes) = panes {
        found.panes = panes?.panes;
    }
    match kind {
        Kind::Session | Kind::Server | Kind::Orchestration => Ok(()),
        // The only window of a session goes without saying where a pane is meant.
        Kind::Pane => windows(&connection, current, 2, found).await,
        Kind::Window | Kind::Place => windows(&connection, current, 1, found).await,
    }
}

/// Asks for the windows of the sessions that have `least` of them and that the word can still become; of all when it is a number.
async fn windows(
    connection: &Connection,
    current: &str,
    least: u32,
    found: &mut Found,
) -> Result<(), Error> {
    let part = current.split(['/', '.']).next().unwrap_or_default();
    let numbers = current.starts_with(WindowNumber::SIGN);
    for session in &found.sessions {
        let fits = numbers || session.name.as_str().starts_with(part);
        if fits && session.windows >= least && !session.is_out_of_sight() {
            let list = ListWindows {
                session: Some(session.session_id.into()),
            };
            let reply = connection.call(&list, LIMIT).await?;
            found.windows.extend(reply.windows);
        }
    }
    Ok(())
}
