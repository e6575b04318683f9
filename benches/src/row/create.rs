//! Short commands: one call of the command line, and new sessions.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::Size;

use super::{micros, millis, timed};
use crate::peer::{CALL_LIMIT, Fugue, Kind, Tmux, detached, session};
use crate::report::{Line, Unit, Wanted, median};
use crate::stage::Stage;

/// Calls of one round.
const CALLS: usize = 100;

/// Sessions of one round.
const SESSIONS: usize = 40;

/// Pause between new sessions, in which a server may get ready for the next one.
const PAUSE: Duration = Duration::from_millis(5);

fn idle() -> Vec<String> {
    vec!["sleep".to_owned(), "1000".to_owned()]
}

/// `fugue ls`, `tmux ls`, and a program that does nothing.
pub(super) fn cli(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtMost(1.0, "tmux")];
    let mut line = Line::new("one CLI call (list), p50", Unit::Micros, &wanted);
    let fugue = Fugue::start(stage)?;
    fugue.session("s", &idle(), Size::DEFAULT)?;
    let tmux = Tmux::start(stage)?;
    tmux.session("s", &idle(), Size::DEFAULT)?;
    let mut theirs = tmux.command();
    theirs.arg("ls");
    let mut ours = fugue.command()?;
    ours.arg("ls");
    let mut commands = [
        (Kind::Fugue.name(), ours),
        (Kind::Tmux.name(), theirs),
        ("/bin/true", stage.command("/bin/true")),
    ];
    for _ in 0..stage.rounds {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..CALLS {
            for ((_, command), times) in commands.iter_mut().zip(&mut times) {
                times.push(micros(once(command)?));
            }
        }
        for ((name, _), times) in commands.iter().zip(&times) {
            line.add(name, median(times));
        }
    }
    Ok(vec![line])
}

fn once(command: &mut Command) -> Result<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (status, took) = timed(|| Ok(command.status()?))?;
    ensure!(status.success(), "{:?} failed", command.get_program());
    Ok(took)
}

/// New sessions with a program each.
pub(super) fn sessions(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtMost(1.0, "dtach")];
    let mut line = Line::new(
        "create a session, open connection, p50",
        Unit::Millis,
        &wanted,
    );
    for round in 0..stage.rounds {
        let ours = median(&ours(stage)?);
        let tmux = median(&with_tmux(stage)?);
        let dtach = median(&with_dtach(stage)?);
        eprintln!("  {round} fugue {ours:.2} ms, tmux {tmux:.2} ms, dtach {dtach:.2} ms");
        line.add(Kind::Fugue.name(), ours);
        line.add(Kind::Tmux.name(), tmux);
        line.add(Kind::Dtach.name(), dtach);
    }
    Ok(vec![line])
}

fn ours(stage: &Stage) -> Result<Vec<f64>> {
    let fugue = Fugue::start(stage)?;
    fugue.connected(async |connection| {
        let mut times = Vec::new();
        for number in 0..SESSIONS {
            let call = session(&format!("s{number}"), &idle(), Size::DEFAULT)?;
            tokio::time::sleep(PAUSE).await;
            let begun = Instant::now();
            connection.call(&call, CALL_LIMIT).await?;
            times.push(millis(begun.elapsed()));
        }
        Ok(times)
    })
}

fn with_tmux(stage: &Stage) -> Result<Vec<f64>> {
    let tmux = Tmux::start(stage)?;
    tmux.session("s", &idle(), Size::DEFAULT)?;
    let mut control = tmux.control()?;
    let mut times = Vec::new();
    for number in 0..SESSIONS {
        std::thread::sleep(PAUSE);
        let command = format!("new-session -d -s s{number} sleep 1000");
        let (_, took) = timed(|| control.command(&command))?;
        times.push(millis(took));
    }
    Ok(times)
}

fn with_dtach(stage: &Stage) -> Result<Vec<f64>> {
    let dir = stage.fresh()?;
    let mut times = Vec::new();
    for number in 0..SESSIONS {
        std::thread::sleep(PAUSE);
        let mut command = detached(stage, &dir.join(number.to_string()), &idle());
        times.push(millis(once(&mut command)?));
    }
    Ok(times)
}
