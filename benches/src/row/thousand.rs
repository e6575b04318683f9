//! A thousand live panes in one daemon.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use protocol::Size;
use protocol::request::ListPanes;

use super::{echo, millis, timed};
use crate::peer::{CALL_LIMIT, Fugue, Kind, Peer, SETTLED, START_LIMIT, Scene, session};
use crate::pty::Pty;
use crate::report::{Line, OURS, Unit, Wanted, median, quantile};
use crate::socket::Desk;
use crate::stage::Stage;

/// Live panes.
const PANES: usize = 1_000;

/// Calls of `fugue tree` in one round.
const TREES: usize = 10;

/// The name of what the echo is compared with.
const ALONE: &str = "one pane";

/// The tree's time, and the echo beside that of a daemon with one pane.
pub(super) fn panes(stage: &Stage) -> Result<Vec<Line>> {
    let mut start = Line::new("1,000 live panes: creating each, p50", Unit::Millis, &[]);
    let mut tree = Line::new(
        "1,000 live panes: fugue tree, p50",
        Unit::Millis,
        &[Wanted::Limit(50.0)],
    );
    let wanted = [Wanted::AtMost(1.5, ALONE)];
    let mut echo = Line::new("1,000 live panes: key and echo, p50", Unit::Micros, &wanted);
    let alone = Scene::start(stage, Kind::Fugue, Size::DEFAULT, &["echo"], true)?;

    let mut fugue = Fugue::start(stage)?;
    let desk = Desk::open(&stage.fresh()?)?;
    fugue.run(&desk.program(&["echo"])?, Size::DEFAULT)?;
    let _remote = desk.ready()?;
    start.add(OURS, median(&create(&fugue)?));
    let viewer = fugue.attach(Size::DEFAULT)?;
    viewer.settle(SETTLED, START_LIMIT)?;
    for round in 0..stage.rounds {
        tree.add(OURS, median(&trees(&fugue)?));
        let p50 = |pty: &Pty| -> Result<f64> { Ok(quantile(&echo::keys(pty)?, 0.5)) };
        let ours = p50(&viewer)?;
        let one = p50(alone.viewer.as_ref().context("a viewer")?)?;
        eprintln!("  {round} echo {ours:.0} µs, with one pane {one:.0} µs");
        echo.add(OURS, ours);
        echo.add(ALONE, one);
    }
    let all = ListPanes {
        all: true,
        ..ListPanes::default()
    };
    let live = fugue
        .call(&all)?
        .panes
        .iter()
        .filter(|pane| pane.status.exit.is_none())
        .count();
    ensure!(live == PANES, "{live} panes live instead of {PANES}");
    drop(viewer);
    Ok(vec![start, tree, echo])
}

/// All but the first one.
fn create(fugue: &Fugue<'_>) -> Result<Vec<f64>> {
    let argv = ["sleep".to_owned(), "100000".to_owned()];
    fugue.connected(async |connection| {
        let mut times = Vec::with_capacity(PANES);
        for number in 1..PANES {
            let call = session(&format!("t{number}"), &argv, Size::DEFAULT)?;
            let begun = Instant::now();
            connection.call(&call, CALL_LIMIT).await?;
            times.push(millis(begun.elapsed()));
        }
        Ok(times)
    })
}

fn trees(fugue: &Fugue<'_>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(TREES);
    for _ in 0..TREES {
        let mut command = fugue.command()?;
        command
            .arg("tree")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let (output, took) = timed(|| Ok(command.output()?))?;
        let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        ensure!(
            output.status.success() && lines > PANES,
            "fugue tree has {lines} lines for {PANES} panes"
        );
        times.push(millis(took));
    }
    Ok(times)
}
