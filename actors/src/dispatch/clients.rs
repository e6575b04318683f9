//! The request that lists who is connected.

use std::path::PathBuf;

use protocol::ClientUuid;
use protocol::plain::plain_line;
use protocol::reply::{ClientInfo, ClientKind, ClientView, Clients};

use crate::client::Looks;
use crate::registry::{Caller, ClientEntry};
use crate::rights;
use crate::server::Server;

/// Of a program's command line at most so many characters are told.
const PROGRAM_CHARS: usize = 200;

pub(super) fn list(server: &Server, caller: &Caller) -> Clients {
    let entries = server.registry.clients().iter();
    let entries: Vec<(ClientUuid, ClientEntry)> = entries
        .filter(|entry| !entry.name.is_empty())
        .map(|entry| (*entry.key(), entry.value().clone()))
        .collect();
    let mut clients: Vec<_> = entries
        .into_iter()
        .map(|(id, entry)| ClientInfo {
            asks: caller.client == id,
            ..info(server, id, &entry)
        })
        .collect();
    clients.sort_by_key(|client| (client.since_ms, client.client_id));
    Clients {
        server: server.name.clone(),
        clients,
    }
}

fn info(server: &Server, id: ClientUuid, entry: &ClientEntry) -> ClientInfo {
    let inside = entry.inside.and_then(|pane| server.registry.pane(pane));
    let views = entry.views.iter();
    ClientInfo {
        client_id: id,
        kind: kind(entry),
        name: plain_line(&entry.name).into_owned(),
        pid: entry.process.and_then(|pid| u32::try_from(pid).ok()),
        program: entry.process.and_then(program),
        inside: entry.inside,
        inside_number: inside.and_then(|pane| pane.record.number.told()),
        since_ms: entry.since_ms,
        asks: false,
        views: views.filter_map(|looks| view(server, looks)).collect(),
    }
}

fn kind(entry: &ClientEntry) -> ClientKind {
    let own = entry.process == i32::try_from(std::process::id()).ok();
    match rights::is_agents(&entry.name) {
        _ if !entry.views.is_empty() => ClientKind::View,
        _ if own => ClientKind::Http,
        true => ClientKind::Mcp,
        false => ClientKind::Command,
    }
}

fn view(server: &Server, looks: &Looks) -> Option<ClientView> {
    let snapshot = server.registry.session(looks.session)?.snapshot();
    let place = snapshot.place_of(looks.pane);
    let number = server.registry.leaf(looks.pane).map(|leaf| leaf.number());
    Some(ClientView {
        session_id: snapshot.id,
        session_name: snapshot.name.clone(),
        window_id: looks.window,
        window_index: place.map(|(window, _)| window),
        pane_id: looks.pane,
        number: number.and_then(|number| number.told()),
        index: place.map(|(_, index)| index),
        size: looks.size,
        read_only: looks.read_only,
        since_ms: looks.since_ms,
    })
}

/// The command line of a process, as text that no terminal obeys.
///
/// Source: proc_pid_cmdline(5).
fn program(pid: i32) -> Option<String> {
    let path = PathBuf::from(format!("/proc/{pid}/cmdline"));
    let bytes = std::fs::read(path).ok()?;
    let words = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let line = words.collect::<Vec<_>>().join(" ");
    let line: String = plain_line(line.trim())
        .chars()
        .take(PROGRAM_CHARS)
        .collect();
    (!line.is_empty()).then_some(line)
}
