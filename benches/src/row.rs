//! The rows: what each of them is called, and the function that measures it.

mod create;
mod echo;
mod feed;
mod idle;
mod mcp;
mod memory;
mod parallel;
mod read;
mod thousand;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::report::Line;
use crate::stage::Stage;

/// One row.
pub(crate) struct Row {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it measures.
    pub(crate) about: &'static str,
    /// It is given up after so long.
    pub(crate) limit: Duration,
    /// Measures it.
    pub(crate) run: fn(&Stage) -> Result<Vec<Line>>,
}

const fn row(name: &'static str, about: &'static str, run: fn(&Stage) -> Result<Vec<Line>>) -> Row {
    Row {
        name,
        about,
        limit: Duration::from_secs(1200),
        run,
    }
}

/// All rows, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row(
        "text",
        "cat of 98 MB of text, detached: wall and server CPU",
        feed::text,
    ),
    row(
        "dense",
        "dense colours and cursor moves, detached",
        feed::dense,
    ),
    row(
        "agent",
        "frames of agents' terminal interfaces, detached",
        feed::agent,
    ),
    row(
        "agent-attached",
        "the same with a client that reads",
        feed::agent_attached,
    ),
    row(
        "text-attached",
        "text with a client that reads",
        feed::text_attached,
    ),
    row(
        "echo",
        "a key and its echo through an attached client",
        echo::quiet,
    ),
    row(
        "flood",
        "the same echo while another pane floods",
        echo::flooded,
    ),
    row(
        "read-screen",
        "a 24-line screen over an open connection",
        read::screen,
    ),
    row(
        "read-history",
        "2,000 lines over an open connection",
        read::history,
    ),
    row("cli", "one call of the command line", create::cli),
    row(
        "create",
        "a session over an open connection",
        create::sessions,
    ),
    row(
        "mcp",
        "one MCP tool call on stdio, and the same request on the wire",
        mcp::call,
    ),
    row(
        "memory",
        "memory of a pane with 2,000 lines of history",
        memory::per_pane,
    ),
    row("idle", "CPU of 200 idle panes", idle::panes),
    row(
        "thousand",
        "1,000 live panes: the tree, and an echo",
        thousand::panes,
    ),
    row("parallel", "100 × true, 8 at a time", parallel::hundred),
];

/// The result of some work, and the time that it takes.
fn timed<R>(work: impl FnOnce() -> Result<R>) -> Result<(R, Duration)> {
    let begun = Instant::now();
    let result = work()?;
    Ok((result, begun.elapsed()))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
