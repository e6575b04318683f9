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

/// Text in a terminal that nobody looks at.
pub(super) fn text(stage: &Stage) -> Result<Vec<Line>> {
    let mut wall = Line::new(
        "98 MB of text, detached",
        Unit::MbPerSecond,
        &[Wanted::AtLeast(0.85, "bare"), Wanted::AtLeast(2.0, "tmux")],
    );
    let mut cpu = Line::new(
        "the same, server CPU",
        Unit::Seconds,
        &[Wanted::Limit(2.0), Wanted::AtMost(CPU_OF_TMUX, "tmux")],
    );
    let run = Run {
        payload: Payload::Text,
        bytes: TEXT_BYTES,
        size: Size::DEFAULT,
        attached: false,
    };
    run.all(stage, &Kind::ALL, &mut wall, Some(&mut cpu))?;
    Ok(vec![wall, cpu])
}

/// Dense colours in a terminal that nobody looks at.
pub(super) fn dense(stage: &Stage) -> Result<Vec<Line>> {
    let mut wall = Line::new(
        "dense colours and cursor moves, detached",
        Unit::MbPerSecond,
        &[Wanted::AtLeast(2.0, "tmux"), Wanted::AtLeast(1.0, "screen")],
    );
    let run = Run {
        payload: Payload::Dense,
        bytes: DRAWING_BYTES,
        size: Size::DEFAULT,
        attached: false,
    };
    run.all(stage, &Kind::ALL, &mut wall, None)?;
    Ok(vec![wall])
}

/// Agents' frames in a terminal that nobody looks at.
pub(super) fn agent(stage: &Stage) -> Result<Vec<Line>> {
    agent_frames(stage, "agent frames 120x40, detached", false)
}

/// Agents' frames in a terminal that somebody looks at.
pub(super) fn agent_attached(stage: &Stage) -> Result<Vec<Line>> {
    agent_frames(stage, "agent frames 120x40, attached", true)
}

fn agent_frames(stage: &Stage, work: &str, attached: bool) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtLeast(5.0, "tmux"), Wanted::AtLeast(1.5, "screen")];
    let mut wall = Line::new(work, Unit::MbPerSecond, &wanted);
    let run = Run {
        payload: Payload::Agent,
        bytes: DRAWING_BYTES,
        size: AGENT_SIZE,
        attached,
    };
    run.all(stage, &Kind::ALL, &mut wall, None)?;
    Ok(vec![wall])
}

/// Text in a terminal that somebody looks at.
pub(super) fn text_attached(stage: &Stage) -> Result<Vec<Line>> {
    let mut wall = Line::new(
        "98 MB of text, attached",
        Unit::MbPerSecond,
        &[Wanted::AtLeast(0.8, "bare")],
    );
    let run = Run {
        payload: Payload::Text,
        bytes: TEXT_BYTES,
        size: Size::DEFAULT,
        attached: true,
    };
    run.all(stage, &Kind::ALL, &mut wall, None)?;
    Ok(vec![wall])
}

struct Run {
    payload: Payload,
    bytes: usize,
    size: Size,
    attached: bool,
}

impl Run {
    fn all(
        &self,
        stage: &Stage,
        kinds: &[Kind],
        wall: &mut Line,
        mut cpu: Option<&mut Line>,
    ) -> Result<()> {
        let file = self.payload.file(stage.dir(), self.bytes)?;
        let bytes = std::fs::metadata(&file)?.len();
        let file = file.display().to_string();
        for round in 0..stage.rounds {
            for kind in kinds {
                let (time, busy) = self.once(stage, *kind, &file, bytes)?;
                let speed = bytes as f64 / 1e6 / time.as_secs_f64();
                eprintln!(
                    "  {round} {:7} {speed:.1} MB/s, server {:.2} s",
                    kind.name(),
                    busy.as_secs_f64()
                );
                wall.add(kind.name(), speed);
                if let Some(cpu) = cpu.as_deref_mut()
                    && *kind != Kind::Bare
                {
                    cpu.add(kind.name(), busy.as_secs_f64());
                }
            }
        }
        Ok(())
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
