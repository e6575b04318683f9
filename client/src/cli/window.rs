//! Windows: listing and making them.

use clap::Args;
use protocol::Name;
use protocol::request::{CreateWindow, ListWindows};

use super::program::PaneOptions;
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
        output::answer(caller, server.name(), &reply, |reply| {
            let rows = reply.windows.iter().map(|window| {
                let focused = if window.focused { "*" } else { "" };
                vec![
                    format!("{}{focused}", window.index),
                    window.name.to_string(),
                    window.panes.len().to_string(),
                    format!("{}x{}", window.size.rows, window.size.cols),
                    caller.shown(server.name(), window.focused_pane),
                    caller.shown(server.name(), window.window_id),
                ]
            });
            output::table(
                &["INDEX", "NAME", "PANES", "SIZE", "FOCUSED PANE", "ID"],
                rows.collect(),
            )
        })?;
        Ok(0)
    }
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
            caller.shown(server.name(), created.pane_id)
        })?;
        Ok(0)
    }
}
