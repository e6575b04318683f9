//! `fugue top` and `fugue ps`: the panes whose programs run, with what they use of the machine.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use protocol::fleet::Remote;
use protocol::reply::{PaneInfo, PaneUsage};
use protocol::request::{ListPanes, ListUsage};
use protocol::{PaneUuid, ServerName};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::args::duration;
use super::caller::CALL_LIMIT;
use super::output::table::{Cell, Column, table};
use super::places::Places;
use super::tree::{Alternate, show_text};
use super::units::rough;
use super::{Caller, Outcome, output, states};
use keys::Keys;

pub(crate) mod keys;

/// `fugue ps`.
#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// Of which session [default: all]
    session: Option<String>,
    /// What comes first
    #[arg(long, value_enum, default_value_t = By::Cpu)]
    sort: By,
}

/// `fugue top`.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    of: PsArgs,
    /// How often it is shown anew
    #[arg(long, value_parser = duration, default_value = "2s")]
    interval: Duration,
}

/// The orders in which panes are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Processor time: of the last moments, or without them of all
    Cpu,
    /// Memory
    Memory,
    /// The newest output
    Output,
    /// Session, window and pane
    Name,
}

/// A pane with what its program uses.
#[derive(Debug, Serialize)]
pub(crate) struct Used {
    #[serde(flatten)]
    pane: PaneInfo,
    #[serde(flatten)]
    usage: PaneUsage,
    /// Processor time within the last moments, of one processor, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
}

/// A look at all panes.
struct Look {
    at: Instant,
    panes: Vec<PaneInfo>,
    usage: HashMap<PaneUuid, PaneUsage>,
    places: Places,
}

impl PsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, mut look) = self.look(caller).await?;
        let places = std::mem::take(&mut look.places);
        let used = used(look, None, self.sort);
        output::answer_styled(caller, server.name(), &used, |used| {
            text(caller, server.name(), used, &places)
        })?;
        Ok(0)
    }

    async fn look(&self, caller: &Caller) -> anyhow::Result<(std::sync::Arc<Remote>, Look)> {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let all = session.is_none();
        let list = ListPanes {
            session: session.clone(),
            window: None,
            all,
        };
        let panes = caller.call(&server, &list).await?.panes;
        let usage = caller.call(&server, &ListUsage { session, all }).await?;
        let usage = usage.panes.into_iter().map(|usage| (usage.pane_id, usage));
        let at = Instant::now();
        let places = match caller.json {
            true => Places::default(),
            false => Places::in_words(&server, &panes, CALL_LIMIT).await,
        };
        let look = Look {
            at,
            panes,
            usage: usage.collect(),
            places,
        };
        Ok((server, look))
    }
}

impl TopArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut hangups = signal(SignalKind::terminate())?;
        let interval = self.interval.max(Duration::from_millis(200));
        let mut keys = Keys::take();
        let _screen = Alternate::enter(caller)?;
        let mut before: Option<(Instant, HashMap<PaneUuid, PaneUsage>)> = None;
        loop {
            let (server, mut look) = self.of.look(caller).await?;
            let places = std::mem::take(&mut look.places);
            let this = (look.at, look.usage.clone());
            let used = used(look, before.as_ref(), self.of.sort);
            if caller.json {
                let json = output::json_of(caller, server.name(), &used)?;
                output::write(&format!("{json}\n"))?;
            } else {
                show_text(caller, &text(caller, server.name(), &used, &places))?;
            }
            before = Some(this);
            keys.again();
            tokio::select! {
                () = keys.quit() => return Ok(0),
                _ = interrupts.recv() => return Ok(0),
                _ = hangups.recv() => return Ok(0),
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}

/// The panes whose programs run, in order.
fn used(look: Look, before: Option<&(Instant, HashMap<PaneUuid, PaneUsage>)>, by: By) -> Vec<Used> {
    let Look {
        at, panes, usage, ..
    } = look;
    let percent = |now: &PaneUsage| {
        let (then, earlier) = before?;
        let spent = now.cpu_ms.saturating_sub(earlier.get(&now.pane_id)?.cpu_ms);
        let passed = at.saturating_duration_since(*then).as_secs_f64() * 1000.0;
        (passed > 0.0).then(|| spent as f64 * 100.0 / passed)
    };
    let joined = panes.into_iter().filter_map(|pane| {
        let usage = *usage.get(&pane.pane_id)?;
        Some(Used {
            cpu_percent: percent(&usage),
            usage,
            pane,
        })
    });
    let mut all: Vec<Used> = joined.collect();
    match by {
        By::Cpu => all.sort_by(|a, b| {
            let spent = |used: &Used| (used.cpu_percent.unwrap_or(0.0), used.usage.cpu_ms);
            spent(b)
                .partial_cmp(&spent(a))
                .unwrap_or(std::cmp::Ordering::Equal)
        }),
        By::Memory => all.sort_by_key(|used| Reverse(used.usage.memory_bytes)),
        By::Output => all.sort_by_key(|used| used.pane.output_idle_ms),
        By::Name => {}
    }
    all
}

fn text(caller: &Caller, server: &ServerName, used: &[Used], places: &Places) -> String {
    if used.is_empty() {
        return "no program runs in any pane\n".to_owned();
    }
    let rows = used.iter().map(|used| row(caller, server, used, places));
    table(&COLUMNS, rows.collect(), caller.style)
}

const COLUMNS: [Column; 9] = [
    Column::new("PANE").name(8),
    Column::new("ID"),
    Column::new("CPU"),
    Column::new("TIME"),
    Column::new("MEMORY"),
    Column::new("PROCS").left_out(1),
    Column::new("OUTPUT").left_out(2),
    Column::new("STATUS").cut_to(12),
    Column::new("COMMAND").cut_to(7),
];

fn row(caller: &Caller, server: &ServerName, used: &Used, places: &Places) -> Vec<Cell> {
    let Used {
        pane,
        usage,
        cpu_percent,
    } = used;
    let state = states::program(&pane.status);
    let percent = cpu_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0}%"));
    vec![
        caller
            .cell(server, &pane.session_name)
            .tail(&places.named(pane)),
        caller.short(server, pane.number, pane.pane_id).into(),
        percent.into(),
        rough(usage.cpu_ms).into(),
        size(usage.memory_bytes).into(),
        usage.processes.to_string().into(),
        format!("{} ago", rough(pane.output_idle_ms)).into(),
        Cell::toned(state.words, state.tone),
        pane.command.replace(['\n', '\t'], " ").into(),
    ]
}

/// Bytes as people read them: `812K`, `15M`, `2.1G`.
fn size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let kib = bytes as f64 / KIB;
    match bytes {
        0..=1_048_575 => format!("{kib:.0}K"),
        1_048_576..=1_073_741_823 => format!("{:.0}M", kib / KIB),
        _ => format!("{:.1}G", kib / KIB / KIB),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_as_people_read_them() {
        for (bytes, shown) in [
            (0, "0K"),
            (831_488, "812K"),
            (15 << 20, "15M"),
            (2_254_857_830, "2.1G"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
