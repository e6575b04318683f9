//! `fugue servers`: the servers that are known, and changes of them.

mod edit;
mod probe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use protocol::address::Address;
use protocol::color::ServerColor;
use protocol::config::ServerEntry;
use protocol::fleet::reach::heals;
use protocol::fleet::{Fleet, Gathered, Remote};
use protocol::reply::ServerStatus;
use protocol::request::Status;
use protocol::{Error, ServerName};

use super::caller::CALL_LIMIT;
use super::failure::note;
use super::output::style::Tone;
use super::output::table::{Cell, Column, table};
use super::{Caller, Outcome, output};

/// `fugue servers`.
#[derive(Debug, Args)]
pub(crate) struct ServersArgs {
    #[command(subcommand)]
    command: Option<ServersCommand>,
}

#[derive(Debug, Subcommand)]
enum ServersCommand {
    /// List the configured servers with their state
    List,
    /// Add a server to the configuration, and try it
    Add(AddArgs),
    /// Take a server out of the configuration; nothing on it is touched
    Remove {
        /// Its name
        name: ServerName,
    },
    /// Give a server another name here; nothing on it is touched
    Rename {
        /// Its name
        name: ServerName,
        /// The new one
        new_name: ServerName,
    },
    /// Try each step of the way to a server, with its time
    Test {
        /// Its name [default: the default server]
        name: Option<ServerName>,
    },
}

/// `fugue servers add`.
#[derive(Debug, Args)]
struct AddArgs {
    /// The name by which it is known here
    name: ServerName,
    /// unix:/PATH or ssh://[USER@]HOST[:PORT]
    address: Address,
    /// What ssh runs there, where `fugue` is not on the PATH of commands [default: fugue proxy]
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// The user whose server it is, for a unix socket
    #[arg(long, value_name = "UID")]
    uid: Option<u32>,
    /// Its colour in lists, such as cyan or bright_blue
    #[arg(long, value_parser = color, value_name = "COLOR")]
    list_color: Option<ServerColor>,
    /// Make it the server that targets without a prefix mean
    #[arg(long)]
    default: bool,
}

fn color(text: &str) -> Result<ServerColor, String> {
    ServerColor::named(text).ok_or_else(|| {
        let known: Vec<_> = ServerColor::names().collect();
        format!("there are {}", known.join(", "))
    })
}

impl ServersArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        match self.command.unwrap_or(ServersCommand::List) {
            ServersCommand::List => list(caller).await,
            ServersCommand::Add(args) => add(caller, args).await,
            ServersCommand::Remove { name } => {
                edit::edit(&caller.paths.config, |file| file.remove(&name))?;
                say(
                    caller,
                    &name,
                    &format!("removed {name}; nothing on it was touched"),
                )
            }
            ServersCommand::Rename { name, new_name } => {
                edit::edit(&caller.paths.config, |file| file.rename(&name, &new_name))?;
                say(caller, &new_name, &format!("{name} is {new_name} here now"))
            }
            ServersCommand::Test { name } => {
                let name = name.unwrap_or_else(|| caller.fleet.default_server().clone());
                let server = caller.fleet.server(&name)?;
                probe::test(caller, server).await
            }
        }
    }
}

fn say(caller: &Caller, name: &ServerName, text: &str) -> Outcome {
    if caller.json {
        output::print_json(caller, &serde_json::json!({ "server": name }))?;
    } else {
        output::print_line(text)?;
    }
    Ok(0)
}

async fn add(caller: &Caller, args: AddArgs) -> Outcome {
    let entry = ServerEntry {
        address: Some(args.address),
        uid: args.uid,
        command: args.command,
        color: args.list_color,
        ..ServerEntry::default()
    };
    edit::edit(&caller.paths.config, |file| {
        file.add(&args.name, &entry, args.default)
    })?;
    let fleet = Fleet::load(&caller.paths, "fugue", None, false)?;
    let server = fleet.server(&args.name)?;
    let tried = probe::steps(Arc::clone(&server)).await;
    let text = match &tried.trouble {
        None => format!("added {}: {}", args.name, server.address()),
        Some(_) => format!("added {}, which was not reached", args.name),
    };
    let done = say(caller, &args.name, &text)?;
    if let Some(error) = tried.trouble {
        note(&format!("fugue: {}", error.for_people()));
    }
    Ok(done)
}

const COLUMNS: [Column; 5] = [
    Column::new("NAME").name(8),
    Column::new("STATE"),
    Column::new("ANSWER").left_out(2),
    Column::new("VERSION").left_out(1),
    Column::new("ADDRESS").cut_to(12),
];

/// The answer of one server, and the time that it took.
type Answer = (ServerStatus, Duration);

async fn list(caller: &Caller) -> Outcome {
    let servers = caller.fleet.distinct(!caller.chosen)?;
    let ask = |server: Arc<Remote>| async move {
        server.connection().await?;
        let begun = Instant::now();
        let status = server.call(&Status {}, CALL_LIMIT).await?;
        Ok((status, begun.elapsed()))
    };
    let answers = Fleet::gather(servers.clone(), ask).await;
    if caller.json {
        let entries = servers.iter().zip(&answers).map(json);
        let entries: Vec<_> = entries.collect();
        output::print_json(caller, &serde_json::json!({ "servers": entries }))?;
        return Ok(0);
    }
    for gathered in &answers {
        if let Err(error) = &gathered.answer {
            note(&format!("fugue: {}: {error}", gathered.server));
        }
    }
    let rows = servers.iter().zip(&answers);
    let rows = rows.map(|(server, answer)| row(caller, server, answer));
    output::print_styled(&table(&COLUMNS, rows.collect(), caller.style))?;
    Ok(0)
}

fn row(caller: &Caller, server: &Remote, gathered: &Gathered<Answer>) -> Vec<Cell> {
    let default = match server.name() == caller.fleet.default_server() {
        true => "*",
        false => "",
    };
    let tone = Tone::Server(caller.fleet.color(server.name()));
    let name = Cell::toned(server.name().to_string(), tone).tail(default);
    let (state, latency, version) = match (&gathered.answer, &gathered.same_as) {
        (Ok(_), Some(other)) => (
            Cell::toned(format!("same as {other}"), Tone::Warning),
            String::new(),
            String::new(),
        ),
        (Ok((status, took)), None) => (
            Cell::toned("ok", Tone::Good),
            millis(*took),
            status.version.clone(),
        ),
        (Err(error), _) => (
            Cell::toned(state(error), Tone::Bad),
            String::new(),
            String::new(),
        ),
    };
    let address = server.address().to_string();
    vec![name, state, latency.into(), version.into(), address.into()]
}

fn state(error: &Error) -> &'static str {
    match heals(error) {
        true => "unreachable",
        false => "refused",
    }
}

fn json((server, gathered): (&Arc<Remote>, &Gathered<Answer>)) -> serde_json::Value {
    let mut entry = serde_json::json!({
        "name": server.name(),
        "address": server.address(),
        "state": gathered.answer.as_ref().map_or_else(state, |_| "ok"),
    });
    match &gathered.answer {
        Ok((status, took)) => {
            entry["version"] = status.version.clone().into();
            entry["latency_ms"] = (took.as_secs_f64() * 1_000.0).into();
        }
        Err(error) => entry["error"] = serde_json::json!(error),
    }
    if let Some(other) = &gathered.same_as {
        entry["same_as"] = other.as_str().into();
    }
    entry
}

/// A short time as people read it.
fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

#[cfg(test)]
mod tests;
