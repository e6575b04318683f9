//! Panes: listing, making and closing them.

use std::sync::Arc;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::{PaneInfo, Panes, Usage};
use protocol::request::{ClosePane, CreatePane, ListPanes, RetryPane};
use protocol::{Direction, Name, ServerName, Target};

use super::caller::CALL_LIMIT;
use super::failure::note;
use super::kill::Several;
use super::output::table::{Cell, Column, table};
use super::places::Places;
use super::program::PaneOptions;
use super::units::{rough, size, span};
use super::{Caller, Outcome, args, hands, kill, output, sight, states};

/// `fugue panes`.
#[derive(Debug, Args)]
pub(crate) struct PanesArgs {
    /// Of which session [default: the caller's own, else the active one]
    #[arg(conflicts_with_all = ["all", "hidden"])]
    session: Option<String>,
    /// Of all sessions
    #[arg(long)]
    all: bool,
    /// Of all sessions, those included that orchestrations made for themselves
    #[arg(short = 'a', long)]
    hidden: bool,
    /// Also what ended programs have used: processor time and the memory of the largest process; --wide has it too
    #[arg(short = 'w')]
    used: bool,
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
    pub(crate) async fn run(mut self, caller: &Caller) -> Outcome {
        self.all |= self.hidden;
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let list = ListPanes {
            session,
            window: None,
            all: self.all,
        };
        let mut reply = caller.call(&server, &list).await?;
        if self.all && !self.hidden {
            let out = sight::out_of_sight(caller, &server).await?;
            reply.panes.retain(|pane| !out.contains(&pane.session_id));
        }
        if reply.panes.is_empty() && !caller.json {
            note("no panes; `fugue new` makes a session with one");
            return Ok(0);
        }
        let places = match caller.json {
            true => Places::default(),
            false => Places::of(&server, &reply.panes, CALL_LIMIT).await,
        };
        output::answer_styled(caller, server.name(), &reply, |reply| {
            let used = self.used || caller.style.ids;
            panes_text(caller, server.name(), &reply.panes, &places, used)
        })?;
        Ok(0)
    }
}

/// Columns that a state keeps: `running 12s, needs_input(login)` is whole.
const STATUS_COLS: usize = 31;

const COLUMNS: [Column; 9] = [
    Column::new("PANE").name(10),
    Column::new("ID"),
    Column::new("NAME").name(6).left_out(5),
    Column::new("STATUS").cut_to(STATUS_COLS),
    Column::new("SIZE").left_out(2),
    Column::new("PID").left_out(3),
    Column::new("IDLE").left_out(1),
    Column::new("DIRECTORY").cut_to(9).left_out(4),
    Column::new("COMMAND").cut_to(7),
];

/// Further columns for what programs have used.
const USED_COLUMNS: [Column; 3] = [
    Column::new("USER"),
    Column::new("SYSTEM"),
    Column::new("LARGEST"),
];

/// The table of panes; with `used` also what their programs have used.
pub(crate) fn panes_text(
    caller: &Caller,
    server: &ServerName,
    panes: &[PaneInfo],
    places: &Places,
    used: bool,
) -> String {
    let mut columns = COLUMNS.to_vec();
    if used {
        columns.extend(USED_COLUMNS);
    }
    if caller.style.ids {
        columns.push(Column::new("UUID"));
    }
    let row = |pane: &PaneInfo| {
        let mut row = row(caller, server, pane, places);
        if used {
            row.extend(self::used(pane.status.usage).map(Cell::from));
        }
        if caller.style.ids {
            row.push(caller.shown(server, pane.pane_id).into());
        }
        row
    };
    table(&columns, panes.iter().map(row).collect(), caller.style)
}

fn row(caller: &Caller, server: &ServerName, pane: &PaneInfo, places: &Places) -> Vec<Cell> {
    let state = states::program(&pane.status);
    let name = pane.name.as_ref().map(ToString::to_string);
    vec![
        places.cell(caller, server, pane),
        caller.short(server, pane.number, pane.pane_id).into(),
        name.unwrap_or_default().into(),
        Cell::toned(state.words, state.tone),
        size(pane.size).into(),
        pane.pid.to_string().into(),
        rough(pane.idle_ms).into(),
        pane.cwd.clone().into(),
        pane.command.replace(['\n', '\t'], " ").into(),
    ]
}

/// The cells of [`USED_COLUMNS`].
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
            caller.pane(server.name(), created.number, created.pane_id)
        })?;
        Ok(0)
    }
}

impl CloseArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let targets = self.panes.iter().map(|pane| caller.target(pane));
        let targets = found(caller, targets.collect::<Result<Vec<_>, _>>()?).await?;
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

/// A pane on its server.
pub(super) type On = (Arc<Remote>, Target);

/// The panes that several targets mean, each once: found before anything is done to one of them, since a close moves the indexes of the
/// others, and with what is not there nothing is done.
pub(super) async fn found(caller: &Caller, targets: Vec<On>) -> anyhow::Result<Vec<On>> {
    if targets.len() < 2 {
        return Ok(targets);
    }
    let mut found: Vec<On> = Vec::new();
    for (server, pane) in targets {
        let info = caller.call(&server, &hands::unchanged(pane)).await?;
        let id = Target::from(info.pane_id);
        let known = |(on, known): &On| on.name() == server.name() && *known == id;
        if !found.iter().any(known) {
            found.push((server, id));
        }
    }
    Ok(found)
}

/// `%12 running 3s`.
pub(super) fn state_line(caller: &Caller, server: &ServerName, pane: &PaneInfo) -> String {
    let id = caller.number(server, pane.number, pane.pane_id);
    let state = states::program(&pane.status);
    let words = output::printable(state.words);
    format!("{id} {}", caller.style.paint(&words, state.tone))
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
        output::answer_styled(caller, server.name(), &tried, |tried| {
            let line = |pane| state_line(caller, server.name(), pane);
            tried.panes.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        let away = |pane: &PaneInfo| pane.status.unreachable.is_some();
        Ok(u8::from(tried.panes.iter().any(away)))
    }
}
