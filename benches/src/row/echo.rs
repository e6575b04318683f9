//! A key typed into the viewer's terminal, until it is on the viewer's screen.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use protocol::Size;

use super::micros;
use crate::peer::{Kind, Scene};
use crate::pty::Pty;
use crate::report::{Line, Unit, Wanted, quantile};
use crate::stage::Stage;

/// Keys of one round.
const KEYS: usize = 400;

/// Keys before they count.
const WARM_UP: usize = 20;

/// Pause between keys: further apart than any of the programs paces its screen updates.
const PAUSE_MS: [u64; 5] = [11, 17, 13, 19, 14];

/// Letters that end no control sequence that any of the programs sends.
const LETTERS: &[u8] = b"qwyxvz";

/// An echo that takes longer is an error.
const ECHO_LIMIT: Duration = Duration::from_secs(10);

/// The time for which a flood runs before it counts.
const FLOODED: Duration = Duration::from_millis(500);

/// 0.85 of tmux's 142 and 274 µs, where dtach, which passes keys on as we do, took 127 and 244 µs.
const ECHO_OF_DTACH: f64 = 0.95;

/// ≤ 500 µs where tmux took 1,358 µs.
const FLOOD_OF_TMUX: f64 = 0.37;

/// With nothing else to do.
pub(super) fn quiet(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [
        Wanted::AtMost(0.85, "tmux"),
        Wanted::AtMost(ECHO_OF_DTACH, "dtach"),
    ];
    let mut middle = Line::new("key and echo, attached, p50", Unit::Micros, &wanted);
    let mut late = Line::new("key and echo, attached, p99", Unit::Micros, &wanted);
    for round in 0..stage.rounds {
        for kind in Kind::ALL {
            let scene = Scene::start(stage, kind, Size::DEFAULT, &["echo"], true)?;
            record(round, kind, &scene, &mut middle, &mut late)?;
        }
    }
    Ok(vec![middle, late])
}

/// While `yes` floods another terminal of the same server.
pub(super) fn flooded(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::Limit(500.0), Wanted::AtMost(FLOOD_OF_TMUX, "tmux")];
    let mut middle = Line::new("key and echo, another pane floods, p50", Unit::Micros, &[]);
    let mut late = Line::new(
        "key and echo, another pane floods, p99",
        Unit::Micros,
        &wanted,
    );
    for round in 0..stage.rounds {
        for kind in [Kind::Fugue, Kind::Bare, Kind::Tmux, Kind::Screen] {
            let mut scene = Scene::start(stage, kind, Size::DEFAULT, &["echo"], true)?;
            scene.peer.flood()?;
            std::thread::sleep(FLOODED);
            record(round, kind, &scene, &mut middle, &mut late)?;
        }
    }
    Ok(vec![middle, late])
}

fn record(
    round: usize,
    kind: Kind,
    scene: &Scene<'_>,
    middle: &mut Line,
    late: &mut Line,
) -> Result<()> {
    let Some(viewer) = &scene.viewer else {
        bail!("nobody looks at {}", kind.name());
    };
    let times = keys(viewer)?;
    let (p50, p99) = (quantile(&times, 0.5), quantile(&times, 0.99));
    eprintln!(
        "  {round} {:7} p50 {p50:.0} µs, p99 {p99:.0} µs",
        kind.name()
    );
    middle.add(kind.name(), p50);
    late.add(kind.name(), p99);
    Ok(())
}

/// One round of keys: each one's time in microseconds.
pub(super) fn keys(viewer: &Pty) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(KEYS);
    for number in 0..WARM_UP + KEYS {
        std::thread::sleep(Duration::from_millis(PAUSE_MS[number % PAUSE_MS.len()]));
        let took = key(viewer, LETTERS[number % LETTERS.len()])?;
        if number >= WARM_UP {
            times.push(micros(took));
        }
    }
    Ok(times)
}

/// Types a letter and waits for it. The echo replaces the letter before, so that it is on the screen only once.
fn key(viewer: &Pty, letter: u8) -> Result<Duration> {
    let mut buffer = [0; 4096];
    // What the last key left behind, such as the cursor's last move.
    while !viewer.read(&mut buffer, Duration::ZERO)?.is_empty() {}
    let typed = Instant::now();
    viewer.write(&[letter])?;
    loop {
        let read = viewer.read(&mut buffer, ECHO_LIMIT)?;
        if read.contains(&letter) {
            return Ok(typed.elapsed());
        }
        if read.is_empty() {
            bail!("no echo within {ECHO_LIMIT:?}");
        }
    }
}
