//! Windows: listing and making them.

use clap::Args;
use protocol::reply::{WindowInfo, Windows};
use protocol::request::{CreateWindow, ListWindows};
use protocol::{Name, ServerName};

use super::output::table::{Cell, Column, table};
use super::program::PaneOptions;
use super::units::size;
use super::{Caller, Outcome, output};

/// `fugue windows`.
#[derive(Debug, Args)]
pub(crate) struct WindowsArgs {
    /// Which session [default: the caller's own, else the active one]
    session: Option<String>,
}

/// `fugue window`.
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    /// In which session [default: the caller's own, else the active one]
    session: Option<String>,
    /// The window's name
    #[arg(short, long)]
    name: Option<Name>,
    /// Do not make it the focused window
    #[arg(short, long)]
    detached: bool,
    #[command(flatten)]
    pane: PaneOptions,
}

impl WindowsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let reply = caller.call(&server, &ListWindows { session }).await?;
        output::answer_styled(caller, server.name(), &reply, |reply| {
            windows_text(caller, server.name(), reply)
        })?;
        Ok(0)
    }
}

const COLUMNS: [Column; 6] = [
    Column::new("INDEX"),
    Column::new("NAME").name(8),
    Column::new("ID"),
    Column::new("PANES"),
    Column::new("SIZE").left_out(1),
    Column::new("FOCUSED PANE").cut_to(12),
];

/// The table of a session's windows.
pub(crate) fn windows_text(caller: &Caller, server: &ServerName, reply: &Windows) -> String {
    let mut columns = COLUMNS.to_vec();
    if caller.style.ids {
        columns.push(Column::new("UUID"));
    }
    let session = caller.shown(server, &reply.context.session_name);
    let row = |window: &WindowInfo| {
        let mut row = vec![
            window_index(window),
            window.name.to_string().into(),
            caller.short(server, window.number, window.window_id).into(),
            window.panes.len().to_string().into(),
            size(window.size).into(),
            focused_pane(&session, window),
        ];
        if caller.style.ids {
            row.push(caller.shown(server, window.window_id).into());
        }
        row
    };
    table(
        &columns,
        reply.windows.iter().map(row).collect(),
        caller.style,
    )
}

fn window_index(window: &WindowInfo) -> Cell {
    let focused = if window.focused { "*" } else { "" };
    Cell::from(window.index.to_string()).tail(focused)
}

/// The address of the focused pane.
fn focused_pane(session: &str, window: &WindowInfo) -> Cell {
    let at = window
        .panes
        .iter()
        .position(|id| *id == window.focused_pane);
    let pane = at.map(|at| format!(".{at}")).unwrap_or_default();
    Cell::from(session).tail(&format!("/{}{pane}", window.index))
}

impl WindowArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let create = CreateWindow {
            session,
            name: self.name,
            pane: self.pane.spec()?,
            select: !self.detached,
        };
        let created = caller.call(&server, &create).await?;
        output::answer(caller, server.name(), &created, |created| {
            caller.pane(server.name(), created.number, created.pane_id)
        })?;
        Ok(0)
    }
}
