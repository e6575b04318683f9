//! One MCP tool call through `fugue mcp`, beside a tool of the MCP library alone, and the same request over the wire.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use protocol::request::ListPanes;
use protocol::{Size, Target};
use serde_json::{Value, json};

use super::micros;
use crate::peer::{Fugue, Kind};
use crate::report::{Line, Unit, Wanted, quantile};
use crate::stage::Stage;

/// Calls of one round.
const CALLS: usize = 500;

/// Calls before they count.
const WARM_UP: usize = 50;

const LIMIT: Duration = Duration::from_secs(10);

/// Our share above what the MCP library takes alone, at p50.
const SHARE_MICROS: f64 = 100.0;

/// The same share where the library alone took 72 µs.
const CALL_OF_SDK: f64 = 2.39;

/// The library alone, among the peers.
const SDK: &str = "rmcp alone";

/// A list of one pane, by both ways.
pub(super) fn call(stage: &Stage) -> Result<Vec<Line>> {
    let mut lines = [
        Line::new(
            "MCP call on stdio, p50",
            Unit::Micros,
            &[
                Wanted::Above(SHARE_MICROS, SDK),
                Wanted::AtMost(CALL_OF_SDK, SDK),
            ],
        ),
        Line::new("MCP call on stdio, p99", Unit::Micros, &[]),
        Line::new("the same request on the wire, p50", Unit::Micros, &[]),
    ];
    let fugue = Fugue::start(stage)?;
    fugue.session("bench", &["cat".to_owned()], Size::DEFAULT)?;
    for round in 0..stage.rounds {
        let mut command = fugue.command()?;
        command.arg("mcp");
        let tools = by_tool(command)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("sdk");
        let sdk = by_tool(command)?;
        let wire = quantile(&by_wire(&fugue)?, 0.5);
        let (half, most) = (quantile(&tools, 0.5), quantile(&tools, 0.99));
        let (alone, alone_most) = (quantile(&sdk, 0.5), quantile(&sdk, 0.99));
        eprintln!(
            "  {round} tool {half:.0} µs (p99 {most:.0}), {SDK} {alone:.0} µs (p99 {alone_most:.0}), wire {wire:.0} µs"
        );
        for (line, value) in lines.iter_mut().zip([half, most, wire]) {
            line.add(Kind::Fugue.name(), value);
        }
        lines[0].add(SDK, alone);
        lines[1].add(SDK, alone_most);
    }
    Ok(lines.into())
}

fn by_wire(fugue: &Fugue<'_>) -> Result<Vec<f64>> {
    let list = ListPanes {
        session: Some(Target::parse("bench")?),
        ..ListPanes::default()
    };
    fugue.connected(async |connection| {
        let mut times = Vec::with_capacity(CALLS);
        for number in 0..WARM_UP + CALLS {
            let begun = Instant::now();
            let panes = connection.call(&list, LIMIT).await?.panes;
            let took = begun.elapsed();
            ensure!(panes.len() == 1, "{} panes", panes.len());
            if number >= WARM_UP {
                times.push(micros(took));
            }
        }
        Ok(times)
    })
}

/// The times of calls to the server that `command` starts.
fn by_tool(mut command: Command) -> Result<Vec<f64>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn()?;
    let mut input = child.stdin.take().context("its input")?;
    let output = child.stdout.take().context("its output")?;
    let mut output = BufReader::new(output);
    let mut ask = |message: Value| -> Result<String> {
        writeln!(input, "{message}")?;
        input.flush()?;
        let mut line = String::new();
        ensure!(output.read_line(&mut line)? > 0, "the server has ended");
        Ok(line)
    };
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    });
    ask(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}))?;
    let mut times = Vec::with_capacity(CALLS);
    for number in 0..WARM_UP + CALLS {
        let params = json!({"name": "fugue_list_panes", "arguments": {"session": "bench"}});
        let message =
            json!({"jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params});
        let begun = Instant::now();
        let answer = ask(message)?;
        let took = begun.elapsed();
        ensure!(answer.contains("\"isError\":false"), "{answer}");
        if number >= WARM_UP {
            times.push(micros(took));
        }
    }
    drop(input);
    child.wait()?;
    Ok(times)
}
