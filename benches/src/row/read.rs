//! A pane's text over one open connection: ours, and tmux's control mode.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::request::ReadPane;
use protocol::{PaneUuid, Size};

use super::micros;
use crate::payload::Payload;
use crate::peer::{Control, Fugue, Kind, Peer, Tmux};
use crate::report::{Line, Unit, Wanted, quantile};
use crate::socket::{Desk, Remote};
use crate::stage::Stage;

/// Lines that are written: enough to be read, and not so many that tmux drops a tenth of its history.
const WRITTEN_LINES: usize = 2_020;

/// Reads of one round.
const READS: usize = 300;

/// Reads before they count.
const WARM_UP: usize = 20;

/// rmux's 0.48 ms where tmux took 1.8 ms.
const RMUX_OF_TMUX: f64 = 0.27;

const LIMIT: Duration = Duration::from_secs(10);

/// The visible screen.
pub(super) fn screen(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtMost(1.3, "tmux")];
    let line = Line::new(
        "read a 24-line screen, open connection, p50",
        Unit::Micros,
        &wanted,
    );
    both(stage, line, 24, "capture-pane -p -t s")
}

/// History and screen.
pub(super) fn history(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtMost(RMUX_OF_TMUX, "tmux")];
    let line = Line::new(
        "read 2,000 lines, open connection, p50",
        Unit::Micros,
        &wanted,
    );
    both(stage, line, 2_000, "capture-pane -p -t s -S -1976")
}

fn both(stage: &Stage, mut line: Line, lines: usize, command: &str) -> Result<Vec<Line>> {
    let file = Payload::lines(stage.dir(), WRITTEN_LINES)?
        .display()
        .to_string();
    let mut fugue = Fugue::start(stage)?;
    let _ours = filled(stage, &mut fugue, &file)?;
    let mut tmux = Tmux::start(stage)?;
    let _theirs = filled(stage, &mut tmux, &file)?;
    let mut control = tmux.control()?;
    for round in 0..stage.rounds {
        let ours = quantile(&ours(&fugue, lines)?, 0.5);
        let theirs = quantile(&theirs(&mut control, lines, command)?, 0.5);
        eprintln!("  {round} fugue {ours:.0} µs, tmux {theirs:.0} µs");
        line.add(Kind::Fugue.name(), ours);
        line.add(Kind::Tmux.name(), theirs);
    }
    Ok(vec![line])
}

fn filled(stage: &Stage, peer: &mut dyn Peer, file: &str) -> Result<Remote> {
    let desk = Desk::open(&stage.fresh()?)?;
    peer.run(&desk.program(&["feed", file, "--query"])?, Size::DEFAULT)?;
    let mut remote = desk.ready()?;
    remote.work()?;
    Ok(remote)
}

fn ours(fugue: &Fugue<'_>, lines: usize) -> Result<Vec<f64>> {
    let pane: PaneUuid = fugue.pane()?;
    let read = ReadPane {
        pane: pane.into(),
        lines: Some(lines as u32),
        since: None,
        scrollback: lines > 24,
        ansi: false,
        max_bytes: None,
    };
    fugue.connected(async |connection| {
        let mut times = Vec::with_capacity(READS);
        for number in 0..WARM_UP + READS {
            let begun = Instant::now();
            let text = connection.call(&read, LIMIT).await?.text;
            let took = begun.elapsed();
            let got = text.lines().count();
            ensure!(got + 1 >= lines, "{got} lines were read instead of {lines}");
            if number >= WARM_UP {
                times.push(micros(took));
            }
        }
        Ok(times)
    })
}

fn theirs(control: &mut Control, lines: usize, command: &str) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(READS);
    for number in 0..WARM_UP + READS {
        let begun = Instant::now();
        let got = control.command(command)?;
        let took = begun.elapsed();
        ensure!(got + 1 >= lines, "tmux gave {got} lines instead of {lines}");
        if number >= WARM_UP {
            times.push(micros(took));
        }
    }
    Ok(times)
}
