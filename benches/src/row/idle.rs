//! The cost of panes in which nothing happens.

use std::time::Duration;

use anyhow::Result;
use protocol::Size;

use crate::peer::{Fugue, Kind, Peer, Tmux};
use crate::proc;
use crate::report::{Line, Unit, Wanted};
use crate::stage::Stage;

/// Idle panes.
const PANES: usize = 200;

/// They are looked at for so long.
const WATCHED: Duration = Duration::from_secs(10);

/// The time after which what was started has come to rest.
const REST: Duration = Duration::from_secs(3);

/// The servers' share of one processor.
pub(super) fn panes(stage: &Stage) -> Result<Vec<Line>> {
    let mut line = Line::new(
        "200 idle panes, daemon and keepers' CPU",
        Unit::Percent,
        &[Wanted::Limit(0.5)],
    );
    let argv = ["sleep".to_owned(), "100000".to_owned()];
    let mut fugue = Fugue::start(stage)?;
    fugue.run(&argv, Size::DEFAULT)?;
    let mut tmux = Tmux::start(stage)?;
    tmux.run(&argv, Size::DEFAULT)?;
    for number in 1..PANES {
        let name = format!("i{number}");
        fugue.session(&name, &argv, Size::DEFAULT)?;
        tmux.session(&name, &argv, Size::DEFAULT)?;
    }
    std::thread::sleep(REST);
    let (ours, theirs) = (fugue.server()?, tmux.server()?);
    for _ in 0..stage.rounds {
        let before = (proc::run_time(&ours), proc::run_time(&theirs));
        std::thread::sleep(WATCHED);
        let after = (proc::run_time(&ours), proc::run_time(&theirs));
        let percent = |busy: Duration| busy.as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
        line.add(
            Kind::Fugue.name(),
            percent(after.0.saturating_sub(before.0)),
        );
        line.add(Kind::Tmux.name(), percent(after.1.saturating_sub(before.1)));
    }
    Ok(vec![line])
}
