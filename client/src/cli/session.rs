//! Sessions: making, listing, attaching and renaming them.

mod list;
mod watch;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use protocol::fleet::Remote;
use protocol::request::{
    CreateSession, ListSessions, Program, UpdatePane, UpdateSession, UpdateWindow, WaitPane,
};
use protocol::transport::ssh::Asking;
use protocol::{ErrorCode, Name, Size, Target, environment};

use super::caller::CALL_LIMIT;
use super::failure::note;
use super::program::PaneOptions;
use super::{Caller, Outcome, args, output};
use crate::attach;
pub(crate) use list::LsArgs;
use list::list;
#[cfg(test)]
pub(crate) use list::sessions_text;

/// `fugue new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The session's name, unique on its server [default: a free short one]
    #[arg(short, long)]
    name: Option<Name>,
    /// Do not attach to it; print its name
    #[arg(short, long)]
    detached: bool,
    /// The first window's name
    #[arg(long, value_name = "NAME")]
    window_name: Option<Name>,
    /// A tag; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Size until a client attaches [default: the terminal's, else 120x40]
    #[arg(long, value_name = "COLSxROWS", value_parser = args::size)]
    size: Option<Size>,
    #[command(flatten)]
    pane: PaneOptions,
}

/// `fugue attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// Which session [default: the active one]
    session: Option<String>,
    /// Only look: what is typed does not reach the session
    #[arg(short, long)]
    read_only: bool,
    /// Attach even to the session that this command runs in
    #[arg(long)]
    nested: bool,
    /// Leave the mouse to the terminal: the wheel does not go through the scrollback, and text is selected without Shift
    #[arg(long)]
    no_mouse: bool,
}

/// `fugue rename`.
#[derive(Debug, Subcommand)]
pub(crate) enum RenameArgs {
    /// Rename a session
    Session(RenameTarget),
    /// Rename a window
    Window(RenameTarget),
    /// Rename a pane
    Pane(RenameTarget),
}

/// What gets which name.
#[derive(Debug, Args)]
pub(crate) struct RenameTarget {
    /// Its id or its present name
    target: String,
    /// The new name
    name: Name,
}

impl NewArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        let at_terminal = std::io::stdin().is_terminal() && caller.terminal;
        let attaches = !self.detached && at_terminal && !caller.json;
        let size = self
            .size
            .or_else(|| attaches.then(attach::terminal_size).flatten());
        let create = CreateSession {
            name: self.name,
            pane: self.pane.spec()?,
            window_name: self.window_name,
            environment: Some(environment::inherited()),
            tags: self.tag,
            size,
        };
        if attaches {
            return attach_to_new(caller, &server, &create).await;
        }
        let created = caller.call(&server, &create).await?;
        let name = caller.shown(server.name(), &created.context.session_name);
        if !self.detached && !caller.json {
            note(&format!(
                "fugue: this is not a terminal, so the session stays detached; see it with `fugue attach {name}`"
            ));
        }
        output::answer(caller, server.name(), &created, |_| name)?;
        Ok(0)
    }
}

impl AttachArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let view = attach::View {
            read_only: self.read_only,
            mouse: !self.no_mouse,
            ..view(caller, session)
        };
        let mut link = attach::Link::open_again(&server, Asking::Terminal)?;
        if !self.nested && std::env::var_os("FUGUE_PANE_ID").is_some() {
            attach::refuse_own_session(&mut link, &view)?;
        }
        attach::attach(&server, link, &view)
    }
}

impl RenameArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        match self {
            Self::Session(rename) => {
                let (server, session) = caller.target(&rename.target)?;
                let update = UpdateSession {
                    session: Some(session),
                    name: Some(rename.name),
                    ..UpdateSession::default()
                };
                let reply = caller.call(&server, &update).await?;
                output::answer(caller, server.name(), &reply, |_| String::new())?;
            }
            Self::Window(rename) => {
                let (server, window) = caller.target(&rename.target)?;
                let update = UpdateWindow {
                    session: None,
                    window,
                    name: Some(rename.name),
                    select: false,
                };
                let reply = caller.call(&server, &update).await?;
                output::answer(caller, server.name(), &reply, |_| String::new())?;
            }
            Self::Pane(rename) => {
                let (server, pane) = caller.target(&rename.target)?;
                let update = UpdatePane {
                    pane,
                    name: Some(rename.name),
                    focus: false,
                    rows: None,
                    cols: None,
                    ratio: None,
                };
                let reply = caller.call(&server, &update).await?;
                output::answer(caller, server.name(), &reply, |_| String::new())?;
            }
        }
        Ok(0)
    }
}

/// A view of a session as it usually is.
fn view(caller: &Caller, session: Option<Target>) -> attach::View {
    attach::View {
        session,
        read_only: false,
        mouse: true,
        titles: caller.fleet.attach.titles,
        login: caller.fleet.login.clone(),
        clipboard: caller.fleet.attach.clipboard,
        notifications: caller.fleet.attach.notifications,
    }
}

/// The exit status for a program that could not be started, as a shell's. Source: POSIX, 2.8.2.
const NOT_STARTED: u8 = 127;

/// Makes a session and attaches to it. The exit status is that of its program when that ends meanwhile, and 0 when the view is
/// left before.
async fn attach_to_new(caller: &Caller, server: &Arc<Remote>, create: &CreateSession) -> Outcome {
    caller.start_if_absent(server).await?;
    let mut link = attach::Link::open(server, Asking::Terminal)?;
    let created = match link.call(create, CALL_LIMIT) {
        Ok(created) => created,
        Err(error) if error.code == ErrorCode::SpawnFailed => {
            note(&format!("fugue: {}", error.for_people()));
            return Ok(NOT_STARTED);
        }
        Err(error) => return Err(error.into()),
    };
    let view = view(caller, Some(created.context.session_id.into()));
    let status = attach::attach(server, link, &view)?;
    let wait = WaitPane {
        pane: created.pane_id.into(),
        timeout_ms: 0,
    };
    // A shell's own code, such as that of its last command, is nothing that anybody waits for.
    if status != 0 || create.pane.program == Program::LoginShell {
        return Ok(status);
    }
    let waited = caller.call(server, &wait).await;
    let exit = waited.ok().and_then(|waited| waited.status.exit);
    Ok(exit.map_or(0, |exit| u8::try_from(exit.shell_code()).unwrap_or(1)))
}

/// `fugue` without words: attaches to the session that was used last, or to a new one with the name of this directory. Where
/// there is no terminal, and within a pane, it lists the sessions.
pub(crate) async fn start(caller: &Caller) -> Outcome {
    let at_terminal = std::io::stdin().is_terminal() && caller.terminal && !caller.json;
    if !at_terminal || std::env::var_os("FUGUE_PANE_ID").is_some() {
        return overview(caller).await;
    }
    let server = caller.server()?;
    let sessions = caller.call(&server, &ListSessions {}).await?.sessions;
    let last = sessions
        .iter()
        .filter(|session| !session.is_out_of_sight())
        .max_by_key(|session| session.last_activity_at_ms);
    if let Some(session) = last {
        let view = view(caller, Some(session.session_id.into()));
        return attach::attach(
            &server,
            attach::Link::open_again(&server, Asking::Terminal)?,
            &view,
        );
    }
    let cwd = std::env::current_dir().ok();
    let create = CreateSession {
        name: cwd.as_deref().and_then(named_after),
        pane: PaneOptions::default().spec()?,
        environment: Some(environment::inherited()),
        size: attach::terminal_size(),
        ..CreateSession::default()
    };
    attach_to_new(caller, &server, &create).await
}

/// A directory's own name as a session's, with `-` for what a name cannot have.
fn named_after(directory: &Path) -> Option<Name> {
    let own = directory.file_name()?.to_str()?;
    let fit = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let name: String = own.chars().map(fit).take(32).collect();
    Name::new(name.trim_matches('-')).ok()
}

/// The sessions, and what to do next.
async fn overview(caller: &Caller) -> Outcome {
    let status = list(caller, false).await?;
    if !caller.json {
        note(
            "`fugue attach NAME` attaches, `fugue new` makes a session, `fugue --help` lists all commands",
        );
    }
    Ok(status)
}
