//! Output at full speed: from `cat` in the pane until the terminal has parsed all of it.

use std::time::Duration;

use anyhow::{Result, ensure};
use protocol::Size;

use super::timed;
use crate::payload::{AGENT_SIZE, Payload};
use crate::peer::{Kind, Scene};
use crate::proc;
use crate::report::{Line, Unit, Wanted};
use crate::stage::Stage;

/// As in the design's table.
const TEXT_BYTES: usize = 98_000_000;

/// Some seconds of work for the slowest peer.
const DRAWING_BYTES: usize = 32_000_000;

/// ≤ 2.0 s where tmux took 3.6 s.
const CPU_OF_TMUX: f64 = 0.56;

/// Five times tmux's 10 and 8 MB/s, where the terminal itself gave 136 and 130 MB/s.
const DETACHED_OF_BARE: f64 = 0.37;
const ATTACHED_OF_BARE: f64 = 0.31;

/// Text in a terminal that nobody looks at.
pub(super) fn text(stage: &Stage) -> Result<Vec<Line>> {
    let run = Run {
        payload: Payload::Text,
        bytes: TEXT_BYTES,
        size: Size::DEFAULT,
        attached: false,
    };
    let speed = [Wanted::AtLeast(0.85, "bare"), Wanted::AtLeast(2.0, "tmux")];
    let busy = [Wanted::Limit(2.0), Wanted::AtMost(CPU_OF_TMUX, "tmux")];
    run.all(stage, "98 MB of text, detached", &speed, &busy)
}

/// Dense colours in a terminal that nobody looks at.
pub(super) fn dense(stage: &Stage) -> Result<Vec<Line>> {
    let run = Run {
        payload: Payload::Dense,
        bytes: DRAWING_BYTES,
        size: Size::DEFAULT,
        attached: false,
    };
    let speed = [Wanted::AtLeast(2.0, "tmux"), Wanted::AtLeast(1.0, "screen")];
    run.all(
        stage,
        "32 MB of dense colours and cursor moves, detached",
        &speed,
        &[],
    )
}

/// Agents' frames in a terminal that nobody looks at.
pub(super) fn agent(stage: &Stage) -> Result<Vec<Line>> {
    agent_frames(stage, "32 MB of agent frames 120x40, detached", false)
}

/// Agents' frames in a terminal that somebody looks at.
pub(super) fn agent_attached(stage: &Stage) -> Result<Vec<Line>> {
    agent_frames(stage, "32 MB of agent frames 120x40, attached", true)
}

fn agent_frames(stage: &Stage, work: &str, attached: bool) -> Result<Vec<Line>> {
    let run = Run {
        payload: Payload::Agent,
        bytes: DRAWING_BYTES,
        size: AGENT_SIZE,
        attached,
    };
    let of_bare = if attached {
        ATTACHED_OF_BARE
    } else {
        DETACHED_OF_BARE
    };
    let speed = [
        Wanted::AtLeast(5.0, "tmux"),
        Wanted::AtLeast(of_bare, "bare"),
        Wanted::AtLeast(1.5, "screen"),
    ];
    run.all(stage, work, &speed, &[])
}

/// Text in a terminal that somebody looks at.
pub(super) fn text_attached(stage: &Stage) -> Result<Vec<Line>> {
    let run = Run {
        payload: Payload::Text,
        bytes: TEXT_BYTES,
        size: Size::DEFAULT,
        attached: true,
    };
    run.all(
        stage,
        "98 MB of text, attached",
        &[Wanted::AtLeast(0.8, "bare")],
        &[],
    )
}

struct Run {
    payload: Payload,
    bytes: usize,
    size: Size,
    attached: bool,
}

impl Run {
    /// The speed, and the server's CPU time, which other programs on the machine disturb less.
    fn all(
        &self,
        stage: &Stage,
        work: &str,
        speed: &[Wanted],
        busy: &[Wanted],
    ) -> Result<Vec<Line>> {
        let mut wall = Line::new(work, Unit::MbPerSecond, speed);
        let mut cpu = Line::new(&format!("{work}: server CPU"), Unit::Seconds, busy);
        let file = self.payload.file(stage.dir(), self.bytes)?;
        let bytes = std::fs::metadata(&file)?.len();
        let file = file.display().to_string();
        for round in 0..stage.rounds {
            for kind in Kind::ALL {
                let (time, busy) = self.once(stage, kind, &file, bytes)?;
                let speed = bytes as f64 / 1e6 / time.as_secs_f64();
                let (name, busy) = (kind.name(), busy.as_secs_f64());
                eprintln!("  {round} {name:7} {speed:.1} MB/s, server {busy:.2} s");
                wall.add(name, speed);
                if kind != Kind::Bare {
                    cpu.add(name, busy);
                }
            }
        }
        Ok(vec![wall, cpu])
    }

    /// Wall time and the server's CPU time.
    fn once(
        &self,
        stage: &Stage,
        kind: Kind,
        file: &str,
        bytes: u64,
    ) -> Result<(Duration, Duration)> {
        let mut words = vec!["feed", file];
        if kind.answers() {
            words.push("--query");
        }
        let mut scene = Scene::start(stage, kind, self.size, &words, self.attached)?;
        let drain = scene
            .viewer
            .take()
            .map(|pty| pty.drained(kind == Kind::Bare));
        let server = scene.peer.server()?;
        let before = proc::cpu(&server);
        let ((), wall) = timed(|| scene.remote.work())?;
        let busy = proc::cpu(&server).saturating_sub(before);
        let read = drain.as_ref().map_or(0, crate::pty::Drain::bytes);
        ensure!(
            kind != Kind::Bare || read >= bytes,
            "the bare reader has read {read} of {bytes} bytes"
        );
        ensure!(
            !self.attached || read > 0,
            "the attached client showed nothing"
        );
        // The viewer goes before the server.
        drop(drain);
        Ok((wall, busy))
    }
}
