//! fugue's benchmarks: each row of the design's table, ours and its peers in turn.

mod in_pane;
mod markdown;
mod payload;
mod peer;
mod proc;
mod pty;
mod report;
mod row;
mod sdk;
mod socket;
mod stage;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use row::ROWS;
use stage::Stage;

/// Rounds of each row: enough for a median that one disturbance does not move.
const ROUNDS: usize = 5;

/// Rounds with `--quick`.
const QUICK_ROUNDS: usize = 2;

/// Measures fugue beside its peers.
///
/// A result is a ratio of medians in one run; absolute figures drift from machine to machine.
#[derive(Parser)]
#[command(name = "fugue-bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Which rows; all when absent
    rows: Vec<String>,
    /// Fewer rounds
    #[arg(long)]
    quick: bool,
    /// So many rounds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// List the rows
    #[arg(long)]
    list: bool,
    /// Put the results into the table of this file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// What is measured, for the table: a commit
    #[arg(long, value_name = "TEXT", default_value = "")]
    commit: String,
    #[command(subcommand)]
    program: Option<Program>,
}

#[derive(Subcommand)]
enum Program {
    /// A program for the pane that is measured
    #[command(hide = true)]
    InPane(in_pane::Arguments),
    /// The MCP library alone
    #[command(hide = true)]
    Sdk,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.program {
        Some(Program::InPane(program)) => program.run(),
        Some(Program::Sdk) => sdk::serve(),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fugue-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for row in ROWS {
            table::say(&format!("{:16} {}", row.name, row.about));
        }
        return Ok(());
    }
    let known = |name: &String| ROWS.iter().any(|row| row.name == name);
    if let Some(unknown) = arguments.rows.iter().find(|name| !known(name)) {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        bail!(
            "no row is called {unknown}; the rows are {}",
            names.join(" ")
        );
    }
    let rounds = match (arguments.rounds, arguments.quick) {
        (Some(rounds), _) => usize::from(rounds),
        (None, true) => QUICK_ROUNDS,
        (None, false) => ROUNDS,
    };
    let wanted = |name: &str| arguments.rows.is_empty() || arguments.rows.iter().any(|r| r == name);
    let root = stage::root()?;
    let mut all = Vec::new();
    let mut failed = Vec::new();
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        eprintln!("{}: {}", row.name, row.about);
        let stage = Stage::new(root.path(), rounds)?;
        let load = proc::load()?;
        let watchdog = stage.watchdog(row.limit);
        match (row.run)(&stage) {
            Ok(mut lines) => {
                for line in &mut lines {
                    line.load = load;
                }
                table::say(&table::render(&lines));
                all.extend(lines);
            }
            Err(error) => {
                eprintln!("fugue-bench: {}: {error:#}", row.name);
                failed.push(row.name);
            }
        }
        drop(watchdog);
    }
    if let Some(file) = &arguments.write {
        markdown::write(file, &all, &arguments.commit)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(" "));
    }
    Ok(())
}
