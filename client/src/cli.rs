//! The words of the command line, and what each of them runs.

mod args;
mod caller;
mod clients;
mod completion;
mod config;
mod daemon;
mod doctor;
mod failure;
mod forget;
mod generate;
mod hands;
mod kill;
mod labels;
mod layouts;
mod lazy;
mod logs;
mod orchestrations;
mod output;
mod pane;
mod pane_io;
mod places;
mod program;
mod proxy;
mod restart;
mod run;
mod servers;
mod session;
mod sight;
mod state_wait;
mod states;
mod tail;
mod tmux;
mod token;
mod top;
mod tree;
mod unit;
mod units;
mod upgrade;
mod window;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use caller::{Caller, Common};
pub(crate) use failure::Outcome;
use lazy::Lazy;
pub(crate) use output::print_line;
pub(crate) use output::table::cut;

/// The text of `fugue --help` after the options.
const AFTER_HELP: &str = "\
TARGETS: `build` is a session, or its focused pane; `build/logs` and `build/2` are windows; `build.1`, `build/logs.1` \
and `build/2.tail` are panes, by index from 0 or by name (`=2` is always a name); '$3', '@7' and '%12' are the numbers \
that lists show; `server:` before any of them is another server. UUIDs work everywhere.

PROGRAMS after `--`: one word with spaces or shell characters is a command line for `bash -c`, where there is no bash \
for `sh -c` (`fugue new -- 'make && ./x'`); several words, or one plain word, are executed as they are.

JSON (`--json`): the reply of the call, as documented at each type of the `protocol` crate: status ServerStatus, tree \
TreeNode, whoami Whoami, clients Clients, windows Windows, panes/restart/retry Panes, new/window/split PaneCreated, \
rename SessionDetail/WindowInfo/PaneInfo, kill/close Killed, send InputSent, read PaneText, expect Expected, wait \
PaneWaited, run/last/orchestrations show/wait/cancel Orchestration, orchestrations Orchestrations, layout create \
LayoutCreated, env/meta/tag SessionDetail, stop Stopping, forget Forgotten, token {\"token_file\", \"rotated\"}. `ls` \
gives {\"servers\": [{\"server\", \"sessions\": [SessionInfo]} or {\"server\", \"error\": Error}]}, `kill --all` \
{\"killed\": [Killed], \"failed\": [Error]}. `layout show` gives what `layout create` reads; `doctor` {\"checks\": \
[{\"check\", \"verdict\": \"ok\", \"warning\" or \"wrong\", \"message\", \"next\"}], \"wrong\", \"warnings\"}; `servers` \
{\"servers\": [{\"name\", \"address\", \"state\", \"latency_ms\", \"version\" or \"error\"}]}. Ids of \
a server other than the default one carry its prefix. An error is {\"error\": Error} on stderr, in one line.

EXIT STATUS: 0 done, 1 failed, 2 usage, 3 not there (any more), 4 server unreachable or unknown; `run` and \
`orchestrations wait` the worst exit code of the commands (124 for a time-out, 130 when interrupted or cancelled); \
`wait` and an attached `new -- CMD` the program's (128 + the signal that killed it, 127 not started, 125 end not \
known).";

/// Terminals for people and for programs, under Erlang-grade supervision.
#[derive(Debug, Parser)]
#[command(name = "fugue", version, after_long_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Health, version and counts of a server
    Status,
    /// End a server and its programs
    Stop(Lazy<daemon::StopArgs>),
    /// Put a newer server in the place of the running one; every program goes on
    Upgrade(Lazy<upgrade::UpgradeArgs>),
    /// Run the server as a unit of your systemd
    #[command(subcommand)]
    Service(unit::UnitArgs),
    /// Show the actor tree
    Tree(Lazy<tree::TreeArgs>),
    /// Show the daemon's log
    Logs(Lazy<logs::LogsArgs>),
    /// Say where the caller is and which session is active
    Whoami,
    /// List who is connected, and what they look at
    Clients(Lazy<clients::ClientsArgs>),
    /// Make a session, and attach to it
    New(Lazy<session::NewArgs>),
    /// List the sessions of all configured servers
    #[command(visible_alias = "list")]
    Ls(Lazy<session::LsArgs>),
    /// List a session's windows
    Windows(Lazy<window::WindowsArgs>),
    /// List panes
    Panes(Lazy<pane::PanesArgs>),
    /// List the panes whose programs run, with their processor time and memory
    Ps(Lazy<top::PsArgs>),
    /// Show the panes whose programs run again and again
    Top(Lazy<top::TopArgs>),
    /// Attach to a session
    #[command(visible_aliases = ["a", "at"])]
    Attach(Lazy<session::AttachArgs>),
    /// Make a pane beside another one
    Split(Lazy<pane::SplitArgs>),
    /// Make a window
    Window(Lazy<window::WindowArgs>),
    /// Make a pane the focused one of its window and session
    Focus(Lazy<hands::FocusArgs>),
    /// Make a session the active one, or a window its session's focused one
    Select(Lazy<hands::SelectArgs>),
    /// Make windows with all their panes from JSON, and draw them
    Layout(Lazy<layouts::LayoutArgs>),
    /// Give a pane another size
    Resize(Lazy<hands::ResizeArgs>),
    /// Send a signal to the processes of a pane
    Signal(Lazy<hands::SignalArgs>),
    /// Show a pane a second time, read-only
    Mirror(Lazy<hands::MirrorArgs>),
    /// Rename a session, a window or a pane
    #[command(subcommand)]
    Rename(session::RenameArgs),
    /// End a session with all its programs
    Kill(Lazy<kill::KillArgs>),
    /// End a pane's program and remove the pane
    Close(Lazy<pane::CloseArgs>),
    /// End a pane's program and start the same command again in the same pane
    Restart(Lazy<restart::RestartArgs>),
    /// Try panes again whose keepers could not be asked, or that the server has left alone after wedges
    Retry(Lazy<pane::RetryArgs>),
    /// Type text and keys into a pane
    Send(Lazy<pane_io::SendArgs>),
    /// Print the text of a pane
    Read(Lazy<pane_io::ReadArgs>),
    /// Follow the output of panes as it comes
    Tail(Lazy<tail::TailArgs>),
    /// Wait for output, for quiet or for a program's end
    Expect(Lazy<pane_io::ExpectArgs>),
    /// Wait for the end of a pane's program; exits with its code
    Wait(Lazy<pane_io::WaitArgs>),
    /// Run commands side by side or one after another, each seen and timed
    Run(Lazy<run::RunArgs>),
    /// Show, wait for and cancel what `run` and agents have begun; results stay for an hour
    Orchestrations(Lazy<orchestrations::OrchestrationsArgs>),
    /// Show the newest orchestration: how each command ended, and the end of what failed
    Last,
    /// Show or change a session's environment for programs started later
    Env(Lazy<labels::EnvArgs>),
    /// Show or change a session's metadata
    Meta(Lazy<labels::MetaArgs>),
    /// Show or change a session's tags
    Tag(Lazy<labels::TagArgs>),
    /// List, add, remove, rename and test servers
    Servers(Lazy<servers::ServersArgs>),
    /// Carry standard input and output to the server's socket, for who comes over ssh
    Proxy,
    /// Serve MCP on standard input and output
    Mcp(Lazy<daemon::McpArgs>),
    /// Forget what is over: ends of panes with their output, results of runs, and a session's stored text
    Forget(Lazy<forget::ForgetArgs>),
    /// Show, check or find the configuration file
    #[command(subcommand)]
    Config(config::ConfigArgs),
    /// Check the installation, the server and what they find on this machine; changes nothing
    Doctor(Lazy<doctor::DoctorArgs>),
    /// Print the versions of this program and of the server
    Version,
    /// Say where the HTTP listener's token is, or replace it
    Token(Lazy<token::TokenArgs>),
    /// Print a shell's completions
    Completions(Lazy<generate::CompletionsArgs>),
    /// Print the manual page, or write one page for each command into a directory
    Man(Lazy<generate::ManArgs>),
}

impl Command {
    /// It needs a server, so it starts the local one when none runs. The others are about the server itself, and what they say of one
    /// that does not run is that it does not.
    fn starts_server(&self) -> bool {
        match self {
            Self::New(_)
            | Self::Ls(_)
            | Self::Windows(_)
            | Self::Panes(_)
            | Self::Ps(_)
            | Self::Top(_)
            | Self::Attach(_)
            | Self::Split(_)
            | Self::Window(_)
            | Self::Focus(_)
            | Self::Select(_)
            | Self::Layout(_)
            | Self::Resize(_)
            | Self::Signal(_)
            | Self::Mirror(_)
            | Self::Rename(_)
            | Self::Kill(_)
            | Self::Close(_)
            | Self::Restart(_)
            | Self::Send(_)
            | Self::Read(_)
            | Self::Tail(_)
            | Self::Expect(_)
            | Self::Wait(_)
            | Self::Run(_)
            | Self::Orchestrations(_)
            | Self::Last
            | Self::Env(_)
            | Self::Meta(_)
            | Self::Tag(_) => true,
            Self::Status
            | Self::Stop(_)
            | Self::Upgrade(_)
            | Self::Service(_)
            | Self::Tree(_)
            | Self::Logs(_)
            | Self::Whoami
            | Self::Clients(_)
            | Self::Retry(_)
            | Self::Mcp(_)
            | Self::Servers(_)
            | Self::Proxy
            | Self::Forget(_)
            | Self::Config(_)
            | Self::Doctor(_)
            | Self::Version
            | Self::Token(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// The clap definition of the whole command line.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the process's own words and gives its exit status.
#[must_use]
pub fn main() -> ExitCode {
    if completion::answered() {
        return ExitCode::SUCCESS;
    }
    let mut words: Vec<_> = std::env::args_os().collect();
    match tmux::translated(words.get(1..).unwrap_or_default()) {
        Some(Ok(ours)) => words
            .splice(1.., ours.into_iter().map(Into::into))
            .for_each(drop),
        Some(Err(instead)) => {
            let theirs = words[1].to_string_lossy().into_owned();
            let error = protocol::Error::invalid(format!("{theirs} is a command of tmux"));
            return failure::exit_code(Err(error.hint(instead).into()), false);
        }
        None => {}
    }
    match Cli::try_parse_from(words) {
        Ok(cli) => {
            let json = cli.common.json;
            failure::exit_code(start(cli), json)
        }
        Err(usage) => failure::usage(&usage),
    }
}

fn start(cli: Cli) -> Outcome {
    match &cli.command {
        Some(Command::Completions(args)) => return args.0.run(),
        Some(Command::Man(args)) => return args.0.run(),
        Some(Command::Config(args)) => return args.run(cli.common.json),
        _ => {}
    }
    // One thread is enough for a client, and starts fastest.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // As a task, so that it runs right after the connection's tasks, without a look at the sockets
    // in between.
    let done = runtime.block_on(async { tokio::spawn(dispatch(cli)).await });
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

async fn dispatch(cli: Cli) -> Outcome {
    if let Some(Command::Mcp(args)) = &cli.command {
        return args.0.run(cli.common.server).await;
    }
    let starts = cli.command.as_ref().is_none_or(Command::starts_server);
    let caller = Caller::load(cli.common, starts)?;
    let Some(command) = cli.command else {
        return session::start(&caller).await;
    };
    match command {
        Command::Status => daemon::status(&caller).await,
        Command::Stop(args) => args.0.run(&caller).await,
        Command::Upgrade(args) => args.0.run(&caller).await,
        Command::Service(args) => args.run(&caller).await,
        Command::Tree(args) => args.0.run(&caller).await,
        Command::Logs(args) => args.0.run(&caller).await,
        Command::Whoami => daemon::whoami(&caller).await,
        Command::Clients(args) => args.0.run(&caller).await,
        Command::New(args) => args.0.run(&caller).await,
        Command::Ls(args) => args.0.run(&caller).await,
        Command::Windows(args) => args.0.run(&caller).await,
        Command::Panes(args) => args.0.run(&caller).await,
        Command::Ps(args) => args.0.run(&caller).await,
        Command::Top(args) => args.0.run(&caller).await,
        Command::Attach(args) => args.0.run(&caller).await,
        Command::Split(args) => args.0.run(&caller).await,
        Command::Window(args) => args.0.run(&caller).await,
        Command::Focus(args) => args.0.run(&caller).await,
        Command::Select(args) => args.0.run(&caller).await,
        Command::Layout(args) => args.0.run(&caller).await,
        Command::Resize(args) => args.0.run(&caller).await,
        Command::Signal(args) => args.0.run(&caller).await,
        Command::Mirror(args) => args.0.run(&caller).await,
        Command::Rename(args) => args.run(&caller).await,
        Command::Kill(args) => args.0.run(&caller).await,
        Command::Close(args) => args.0.run(&caller).await,
        Command::Restart(args) => args.0.run(&caller).await,
        Command::Retry(args) => args.0.run(&caller).await,
        Command::Send(args) => args.0.run(&caller).await,
        Command::Read(args) => args.0.run(&caller).await,
        Command::Tail(args) => args.0.run(&caller).await,
        Command::Expect(args) => args.0.run(&caller).await,
        Command::Wait(args) => args.0.run(&caller).await,
        Command::Run(args) => args.0.run(&caller).await,
        Command::Orchestrations(args) => args.0.run(&caller).await,
        Command::Last => orchestrations::last(&caller).await,
        Command::Env(args) => args.0.run(&caller).await,
        Command::Meta(args) => args.0.run(&caller).await,
        Command::Tag(args) => args.0.run(&caller).await,
        Command::Servers(args) => args.0.run(&caller).await,
        Command::Proxy => proxy::run(&caller).await,
        Command::Forget(args) => args.0.run(&caller).await,
        Command::Token(args) => args.0.run(&caller),
        Command::Doctor(args) => args.0.run(&caller).await,
        Command::Version => config::version(&caller).await,
        Command::Mcp(_) | Command::Completions(_) | Command::Man(_) | Command::Config(_) => Ok(0),
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
