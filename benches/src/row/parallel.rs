//! A hundred commands that do nothing, eight at a time.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use protocol::reply::RunStatus;
use protocol::request::{GetOrchestration, ParallelCommand, RunParallel};

use super::{millis, timed};
use crate::peer::{CALL_LIMIT, Fugue};
use crate::report::{Line, OURS, Unit, Wanted};
use crate::stage::Stage;

const COMMANDS: usize = 100;
const AT_A_TIME: u32 = 8;

const PARALLEL: &str = "parallel -j8";
const XARGS: &str = "xargs -P8";

/// `run_parallel` and `fugue run` beside GNU parallel and xargs; each command is run by a shell in all of them.
pub(super) fn hundred(stage: &Stage) -> Result<Vec<Line>> {
    let wanted = [Wanted::AtMost(1.0, PARALLEL), Wanted::AtMost(3.0, XARGS)];
    let mut call = Line::new(
        "run_parallel of 100 × true, 8 at a time",
        Unit::Millis,
        &wanted,
    );
    let mut cli = Line::new(
        "fugue run --parallel 8 of 100 × true",
        Unit::Millis,
        &wanted,
    );
    let fugue = Fugue::start(stage)?;
    run_parallel(&fugue)?;
    for round in 0..stage.rounds {
        let ours = timed(|| run_parallel(&fugue))?.1;
        let run = timed(|| fugue_run(&fugue))?.1;
        let parallel = timed(|| gnu_parallel(stage))?.1;
        let xargs = timed(|| xargs(stage))?.1;
        eprintln!(
            "  {round} call {ours:.0?}, fugue run {run:.0?}, parallel {parallel:.0?}, xargs {xargs:.0?}"
        );
        for (line, ours) in [(&mut call, ours), (&mut cli, run)] {
            line.add(OURS, millis(ours));
            line.add(PARALLEL, millis(parallel));
            line.add(XARGS, millis(xargs));
        }
    }
    Ok(vec![call, cli])
}

fn run_parallel(fugue: &Fugue<'_>) -> Result<()> {
    let command = ParallelCommand {
        command: "true".to_owned(),
        ..ParallelCommand::default()
    };
    let run = RunParallel {
        commands: vec![command; COMMANDS],
        max_parallel: Some(AT_A_TIME),
        ..RunParallel::default()
    };
    fugue.connected(async |connection| {
        let started = connection.call(&run, CALL_LIMIT).await?;
        let wait = GetOrchestration {
            orchestration_id: started.orchestration_id,
            after_version: None,
            wait: true,
            timeout_ms: 50_000,
        };
        let ended = connection.call(&wait, CALL_LIMIT).await?;
        let done = ended
            .commands
            .iter()
            .filter(|c| c.exit_code == Some(0))
            .count();
        ensure!(
            ended.status == RunStatus::Completed && done == COMMANDS,
            "{done} of {COMMANDS} commands are done, the whole is {}",
            ended.status
        );
        Ok(())
    })
}

fn fugue_run(fugue: &Fugue<'_>) -> Result<()> {
    let mut command = fugue.command()?;
    command
        .args(["run", "--quiet", "--parallel", "8"])
        .args(["true"; COMMANDS]);
    fed(command, "")
}

fn gnu_parallel(stage: &Stage) -> Result<()> {
    let mut command = stage.command("parallel");
    command
        .env("HOME", stage.dir())
        .args(["--will-cite", "-j8"]);
    fed(command, &"true\n".repeat(COMMANDS))
}

fn xargs(stage: &Stage) -> Result<()> {
    let mut command = stage.command("xargs");
    command.args(["-P8", "-n1", "sh", "-c"]);
    fed(command, &"true\n".repeat(COMMANDS))
}

fn fed(mut command: Command, input: &str) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    child
        .stdin
        .take()
        .context("a pipe")?
        .write_all(input.as_bytes())?;
    let status = child.wait()?;
    ensure!(
        status.success(),
        "{:?} failed: {status}",
        command.get_program()
    );
    Ok(())
}
