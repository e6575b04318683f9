//! `fugue clients`: who is connected, and what they look at.

use clap::Args;
use protocol::ServerName;
use protocol::reply::{ClientInfo, ClientKind, ClientView, Clients};
use protocol::request::ListClients;

use super::failure::note;
use super::output::style::Tone;
use super::output::table::{Cell, Column, table};
use super::units::{now_ms, rough, size};
use super::{Caller, Outcome, output};

/// `fugue clients`.
#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {}

impl ClientsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        let clients = caller.call(&server, &ListClients {}).await?;
        let alone = clients.clients.iter().all(|client| client.asks);
        if alone && !caller.json {
            note("nobody is connected but this command");
            return Ok(0);
        }
        output::answer_styled(caller, server.name(), &clients, |clients| {
            text(caller, server.name(), clients, now_ms())
        })?;
        Ok(0)
    }
}

const COLUMNS: [Column; 7] = [
    Column::new("CLIENT"),
    Column::new("LOOKS AT").name(10),
    Column::new("PANE").left_out(3),
    Column::new("SIZE").left_out(4),
    Column::new("SINCE").left_out(2),
    Column::new("PID"),
    Column::new("PROGRAM").cut_to(7).left_out(1),
];

/// The table of clients, a row for each view and one for each client without views. Who asks is not in it.
pub(super) fn text(caller: &Caller, server: &ServerName, clients: &Clients, now_ms: u64) -> String {
    let mut columns = COLUMNS.to_vec();
    if caller.style.ids {
        columns.push(Column::new("UUID"));
    }
    let others = clients.clients.iter().filter(|client| !client.asks);
    let rows = others.flat_map(|client| {
        let views: Vec<_> = match client.views.as_slice() {
            [] => vec![None],
            views => views.iter().map(Some).collect(),
        };
        let row = |view| row(caller, server, client, view, now_ms);
        views.into_iter().map(row).collect::<Vec<_>>()
    });
    table(&columns, rows.collect(), caller.style)
}

fn row(
    caller: &Caller,
    server: &ServerName,
    client: &ClientInfo,
    view: Option<&ClientView>,
    now_ms: u64,
) -> Vec<Cell> {
    let since_ms = view.map_or(client.since_ms, |view| view.since_ms);
    let pane = view.map(|view| caller.short(server, view.number, view.pane_id));
    let program = client.program.as_deref().unwrap_or(&client.name);
    let mut row = vec![
        kind(client, view),
        view.map_or_else(Cell::default, |view| place(caller, server, view)),
        pane.unwrap_or_default().into(),
        view.map_or_else(String::new, |view| size(view.size)).into(),
        rough(now_ms.saturating_sub(since_ms)).into(),
        client
            .pid
            .map_or_else(String::new, |pid| pid.to_string())
            .into(),
        program.replace(['\n', '\t'], " ").into(),
    ];
    if caller.style.ids {
        row.push(caller.shown(server, client.client_id).into());
    }
    row
}

fn kind(client: &ClientInfo, view: Option<&ClientView>) -> Cell {
    match client.kind {
        ClientKind::View if view.is_some_and(|view| view.read_only) => {
            Cell::toned("view, reads", Tone::Faint)
        }
        ClientKind::View => "view".into(),
        ClientKind::Command => "command".into(),
        ClientKind::Mcp => "MCP".into(),
        ClientKind::Http => "HTTP".into(),
    }
}

/// `build/0.1`, of which a long name is cut and the rest is kept.
fn place(caller: &Caller, server: &ServerName, view: &ClientView) -> Cell {
    let name = caller.cell(server, &view.session_name);
    match (view.window_index, view.index) {
        (Some(window), Some(pane)) => name.tail(&format!("/{window}.{pane}")),
        _ => name,
    }
}
