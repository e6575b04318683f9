//! The daemon, and with `keeper` the small process that is the parent of one pane's program.

use std::process::ExitCode;

use actors::daemon::{Options, run, run_in_background};
use clap::Parser;

/// fugue's daemon: supervised terminals for people and programs.
///
/// Without options it starts in the background and returns when it serves.
#[derive(Parser)]
#[command(name = "fugued", version)]
struct Arguments {
    /// Stay in the foreground and log to standard error.
    #[arg(long)]
    foreground: bool,
    /// Say `ready` on standard output when it serves.
    #[arg(long, hide = true)]
    tell_ready: bool,
}

fn main() -> ExitCode {
    // Before anything else: a keeper must stay small.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "keeper")
    {
        return actors::keeper::main();
    }
    let arguments = Arguments::parse();
    let options = Options {
        foreground: arguments.foreground,
        tell_ready: arguments.tell_ready,
    };
    let ended = if options.foreground {
        run(&options)
    } else {
        run_in_background()
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fugued: {error}");
            ExitCode::FAILURE
        }
    }
}
