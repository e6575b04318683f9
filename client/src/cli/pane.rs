//! Panes: listing, making and closing them.

use clap::Args;
use protocol::reply::{PaneInfo, Panes, Usage};
use protocol::request::{ClosePane, CreatePane, ListPanes, RetryPane};
use protocol::{Direction, Name, ServerName, Target};

use super::kill::Several;
use super::program::PaneOptions;
use super::units::{COMMAND_CHARS, brief, program_status, span};
use super::{Caller, Outcome, args, kill, output};

/// `fugue panes`.
#[derive(Debug, Args)]
pub(crate) struct PanesArgs {
    /// Of which session [default: the caller's own, else the active one]
    #[arg(conflicts_with = "all")]
    session: Option<String>,
    /// Of all sessions
    #[arg(short, long)]
    all: bool,
    /// Also what ended programs have used: processor time and the memory of the largest process
    #[arg(short, long)]
    wide: bool,
}

/// `fugue split`.
#[derive(Debug, Args)]
pub(crate) struct SplitArgs {
    /// Beside which pane [default: the focused one]
    pane: Option<String>,
    /// The new pane is to the right; so it is when nothing is said
    #[arg(long, conflicts_with = "down")]
    right: bool,
    /// The new pane is below
    #[arg(long)]
    down: bool,
    /// The new pane's share of the space [default: 0.5]
    #[arg(long, value_parser = args::ratio)]
    ratio: Option<f64>,
    /// The new pane's name
    #[arg(short, long)]
    name: Option<Name>,
    /// Do not make it the focused pane
    #[arg(short, long)]
    detached: bool,
    #[command(flatten)]
    spec: PaneOptions,
}

/// `fugue close`.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// Which panes
    #[arg(required = true, value_name = "PANE")]
    panes: Vec<String>,
    /// Kill their processes at once instead of asking them to end first
    #[arg(long)]
    force: bool,
}

/// `fugue retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Which pane
    #[arg(required_unless_present = "all")]
    pane: Option<String>,
    /// Every pane of the server that is unreachable
    #[arg(short, long, conflicts_with = "pane")]
    all: bool,
}

impl PanesArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let list = ListPanes {
            session,
            window: None,
            all: self.all,
        };
        let reply = caller.call(&server, &list).await?;
        output::answer(caller, server.name(), &reply, |reply| {
            let rows = reply
                .panes
                .iter()
                .map(|pane| self.row(caller, server.name(), pane));
            output::table(&self.columns(), rows.collect())
        })?;
        Ok(0)
    }
}

const COLUMNS: [&str; 8] = [
    "PANE",
    "NAME",
    "PID",
    "STATUS",
    "SIZE",
    "IDLE",
    "DIRECTORY",
    "COMMAND",
];

/// Further columns with `--wide`.
const WIDE_COLUMNS: [&str; 3] = ["USER", "SYSTEM", "LARGEST"];

impl PanesArgs {
    fn columns(&self) -> Vec<&'static str> {
        let session = self.all.then_some("SESSION");
        let wide = WIDE_COLUMNS.into_iter().filter(|_| self.wide);
        session.into_iter().chain(COLUMNS).chain(wide).collect()
    }

    fn row(&self, caller: &Caller, server: &ServerName, pane: &PaneInfo) -> Vec<String> {
        let focused = if pane.focused { "*" } else { "" };
        let session = self.all.then(|| caller.shown(server, &pane.session_name));
        let mut row: Vec<String> = session.into_iter().collect();
        row.extend([
            format!("{}{focused}", caller.shown(server, pane.pane_id)),
            pane.name
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            pane.pid.to_string(),
            program_status(&pane.status),
            format!("{}x{}", pane.size.rows, pane.size.cols),
            span(pane.idle_ms),
            pane.cwd.clone(),
            brief(&pane.command, COMMAND_CHARS),
        ]);
        if self.wide {
            row.extend(used(pane.status.usage));
        }
        row
    }
}

/// The cells of [`WIDE_COLUMNS`].
fn used(usage: Option<Usage>) -> [String; 3] {
    let Some(usage) = usage else {
        return Default::default();
    };
    [
        span(usage.user_ms),
        span(usage.sys_ms),
        format!("{:.1} MiB", usage.max_rss_kib as f64 / 1024.0),
    ]
}

impl SplitArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, beside) = caller.maybe(self.pane.as_deref())?;
        let mut pane = self.spec.spec()?;
        pane.name = self.name;
        let create = CreatePane {
            beside,
            direction: if self.down {
                Direction::Down
            } else {
                Direction::Right
            },
            ratio: self.ratio,
            select: !self.detached,
            pane,
            ..CreatePane::default()
        };
        let created = caller.call(&server, &create).await?;
        output::answer(caller, server.name(), &created, |created| {
            caller.shown(server.name(), created.pane_id)
        })?;
        Ok(0)
    }
}

impl CloseArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        // All of them first: what cannot be read changes nothing.
        let targets = self.panes.iter().map(|pane| caller.target(pane));
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let mut closed = Several::new(targets.len());
        for (server, pane) in targets {
            let mut close = ClosePane {
                pane,
                force: self.force,
                guarded: !self.force,
            };
            let asked = caller.call(&server, &close).await;
            let killed = match asked {
                Err(error) if close.guarded && kill::goes_on(&error)? => {
                    close.guarded = false;
                    caller.call(&server, &close).await
                }
                other => other,
            };
            closed.add(caller, &server, killed)?;
        }
        closed.end(caller)
    }
}

impl RetryArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.maybe(self.pane.as_deref())?;
        let wanted = match pane {
            Some(pane) => vec![pane],
            None => {
                let all = ListPanes {
                    all: true,
                    ..ListPanes::default()
                };
                let panes = caller.call(&server, &all).await?.panes.into_iter();
                let away = panes.filter(|pane| pane.status.unreachable.is_some());
                away.map(|pane| Target::from(pane.pane_id)).collect()
            }
        };
        let mut tried = Panes {
            context: None,
            panes: Vec::new(),
        };
        for pane in wanted {
            let info = caller.call(&server, &RetryPane { pane }).await?;
            tried.panes.push(info);
        }
        output::answer(caller, server.name(), &tried, |tried| {
            let line = |pane: &PaneInfo| {
                let id = caller.shown(server.name(), pane.pane_id);
                format!("{id} {}", program_status(&pane.status))
            };
            tried.panes.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        let away = |pane: &PaneInfo| pane.status.unreachable.is_some();
        Ok(u8::from(tried.panes.iter().any(away)))
    }
}
