//! `fugue servers test`: each step of the way to a server, with its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::fleet::Remote;
use protocol::request::Status;
use protocol::transport::Route;
use protocol::transport::ssh::Asking;
use protocol::{Error, ErrorCode};

use super::millis;
use crate::cli::caller::CALL_LIMIT;
use crate::cli::output::style::Tone;
use crate::cli::output::table::{Cell, Column, table};
use crate::cli::units::count;
use crate::cli::{Caller, Outcome, output};

/// One step of the way.
struct Step {
    name: &'static str,
    took: Duration,
    /// The things that were found there.
    found: String,
}

/// The steps that were gone.
pub(super) struct Tried {
    steps: Vec<Step>,
    /// The reason for which the way ends before the server.
    pub(super) trouble: Option<Error>,
}

/// Goes each step of the way; ssh may ask on the terminal.
pub(super) async fn steps(server: Arc<Remote>) -> Tried {
    let mut steps = Vec::new();
    let trouble = go(&server, &mut steps).await.err();
    Tried { steps, trouble }
}

async fn go(server: &Arc<Remote>, steps: &mut Vec<Step>) -> Result<(), Error> {
    let mut begun = Instant::now();
    let mut done = |name, found: String| {
        steps.push(Step {
            name,
            took: begun.elapsed(),
            found,
        });
        begun = Instant::now();
    };
    match server.route().clone() {
        Route::Unix { socket, owner } => {
            drop(server.dial(Asking::Never)?);
            done("connect", format!("{}, of user {owner}", socket.display()));
        }
        Route::Ssh(ssh) => {
            let name = server.name().to_string();
            let destination = ssh.host.destination();
            let logging_in = move || ssh.log_in(&name, Asking::Terminal);
            let logged_in = tokio::task::spawn_blocking(logging_in).await;
            logged_in.map_err(|gone| Error::new(ErrorCode::Internal, gone.to_string()))??;
            done("log in", destination);
        }
    }
    let connection = server.connection().await?;
    let hello = connection.server();
    let named = hello
        .server
        .as_ref()
        .map_or("no name", |name| name.as_str());
    done(
        "hello",
        format!("fugued {}, which calls itself {named}", hello.version),
    );
    let status = server.call(&Status {}, CALL_LIMIT).await?;
    done(
        "ask",
        format!(
            "{}, {}",
            count(status.sessions as usize, "session"),
            count(status.panes as usize, "pane")
        ),
    );
    Ok(())
}

const COLUMNS: [Column; 3] = [
    Column::new("STEP"),
    Column::new("TIME"),
    Column::new("FOUND").cut_to(12),
];

/// Prints the steps; the exit status is that of the error that ended them.
pub(super) async fn test(caller: &Caller, server: Arc<Remote>) -> Outcome {
    let tried = steps(Arc::clone(&server)).await;
    if caller.json {
        let steps = tried.steps.iter().map(|step| {
            serde_json::json!({
                "step": step.name,
                "ms": step.took.as_secs_f64() * 1_000.0,
                "found": step.found,
            })
        });
        let steps: Vec<_> = steps.collect();
        output::print_json(
            caller,
            &serde_json::json!({
                "server": server.name(),
                "address": server.address(),
                "steps": steps,
                "error": tried.trouble,
            }),
        )?;
        return Ok(tried.trouble.map_or(0, |_| 4));
    }
    let rows = tried.steps.iter().map(|step| {
        vec![
            Cell::toned(step.name, Tone::Good),
            millis(step.took).into(),
            step.found.clone().into(),
        ]
    });
    if !tried.steps.is_empty() {
        output::print_styled(&table(&COLUMNS, rows.collect(), caller.style))?;
    }
    match tried.trouble {
        None => Ok(0),
        Some(error) => Err(error.into()),
    }
}
