//! The caller: the servers it knows, and how it wants to be answered.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use protocol::fleet::{Fleet, Remote};
use protocol::paths::Paths;
use protocol::{Call, Error, ErrorCode, PaneNumber, PaneUuid, ServerName, Target, transport};

use super::failure::note;
use super::output::style::{ColorChoice, Style, Tone};
use super::output::table::Cell;
use crate::attach;

/// The time that an ordinary call may take. The longest of them end programs by their stop recipe.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Characters of an id that has no number.
const ID_CHARS: usize = 8;

/// The command line's side of every call.
pub(crate) struct Caller {
    /// Where sockets and logs are.
    pub(crate) paths: Paths,
    /// Every configured server.
    pub(crate) fleet: Fleet,
    /// `-s` was given, so lists are of that server alone.
    pub(crate) chosen: bool,
    /// Results as JSON.
    pub(crate) json: bool,
    /// Stdout is a terminal.
    pub(crate) terminal: bool,
    /// Whether there are colours.
    pub(crate) color: ColorChoice,
    /// The look of text on stdout.
    pub(crate) style: Style,
}

/// The options that stand beside every command.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Common {
    /// The server that targets without a prefix mean [env: FUGUE_SERVER]
    #[arg(short, long, global = true, value_name = "NAME", display_order = 900)]
    pub(crate) server: Option<String>,
    /// Print results and errors as JSON
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        display_order = 902,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,
    /// Cut nothing to the width, and show ids in full
    #[arg(long, global = true, display_order = 903)]
    pub(crate) wide: bool,
}

impl Caller {
    /// Reads the configuration once. `start` starts the local server when it is needed.
    pub(crate) fn load(common: Common, start: bool) -> Result<Self, Error> {
        let paths = Paths::from_env();
        let chosen = common.server.is_some();
        let fleet = Fleet::load(&paths, "fugue", named(common.server).as_deref(), start)?;
        if let Some(mistake) = &fleet.mistake {
            note(&format!(
                "fugue: warning, the defaults count instead: {mistake}"
            ));
        }
        let terminal = std::io::stdout().is_terminal();
        let size = terminal.then(attach::terminal_size).flatten();
        let cols = size.map(|size| usize::from(size.cols));
        let colours = common.color.applies_here(terminal);
        Ok(Self {
            paths,
            fleet,
            chosen,
            json: common.json,
            terminal,
            color: common.color,
            style: Style::new(cols, common.wide, colours),
        })
    }

    /// The server that is meant when nothing else says so.
    pub(crate) fn server(&self) -> Result<Arc<Remote>, Error> {
        self.fleet.server(self.fleet.default_server())
    }

    /// The server and the thing there that `text` names.
    pub(crate) fn target(&self, text: &str) -> Result<(Arc<Remote>, Target), Error> {
        self.fleet.resolve(text, None)
    }

    /// As [`Caller::target`]; without text, the default server and its own default.
    pub(crate) fn maybe(&self, text: Option<&str>) -> Result<(Arc<Remote>, Option<Target>), Error> {
        match text {
            Some(text) => self
                .target(text)
                .map(|(server, target)| (server, Some(target))),
            None => Ok((self.server()?, None)),
        }
    }

    /// True if it is the server that this environment's directories belong to.
    pub(crate) fn is_own(&self, server: &Remote) -> bool {
        server.socket() == Some(&self.paths.socket())
    }

    /// That the server that is meant is the one of this environment's directories.
    pub(crate) fn only_here(&self, command: &str) -> Result<(), Error> {
        let server = self.server()?;
        if !self.chosen || self.is_own(&server) {
            return Ok(());
        }
        let message = format!(
            "`fugue {command}` is about this machine's own server, not about {}",
            server.name()
        );
        Err(Error::new(ErrorCode::Unsupported, message).hint("run it where that server is"))
    }

    /// Starts the server when it is the local one and nothing listens, for a connection that is
    /// not the fleet's.
    pub(crate) async fn start_if_absent(&self, server: &Remote) -> Result<(), Error> {
        match server.socket().filter(|_| self.is_own(server)) {
            Some(socket) if transport::is_absent(socket) => transport::start_daemon(socket).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Makes an ordinary call.
    pub(crate) async fn call<C: Call>(
        &self,
        server: &Remote,
        params: &C,
    ) -> Result<C::Reply, Error> {
        server.call(params, CALL_LIMIT).await
    }

    /// The short number of something of `server`, or the beginning of its id where an older server gives none. With
    /// `--wide` its whole id.
    pub(crate) fn number<N: std::fmt::Display>(
        &self,
        server: &ServerName,
        number: Option<N>,
        id: impl std::fmt::Display,
    ) -> String {
        if self.style.ids {
            return self.shown(server, id);
        }
        self.short(server, number, id)
    }

    /// As [`Caller::number`], whatever was asked for.
    pub(crate) fn short<N: std::fmt::Display>(
        &self,
        server: &ServerName,
        number: Option<N>,
        id: impl std::fmt::Display,
    ) -> String {
        match number {
            Some(number) => self.shown(server, number),
            None => self.shown(
                server,
                id.to_string().chars().take(ID_CHARS).collect::<String>(),
            ),
        }
    }

    /// A pane that was made, as the next command can name it: an older server knows it by its id only.
    pub(crate) fn pane(
        &self,
        server: &ServerName,
        number: Option<PaneNumber>,
        id: PaneUuid,
    ) -> String {
        match number.filter(|_| !self.style.ids) {
            Some(number) => self.shown(server, number),
            None => self.shown(server, id),
        }
    }

    /// A name of `server` in a table: with that server's colour where it is not the default one.
    pub(crate) fn cell(&self, server: &ServerName, name: impl std::fmt::Display) -> Cell {
        let tone = match server == self.fleet.default_server() {
            true => Tone::Plain,
            false => Tone::Server(self.fleet.color(server)),
        };
        Cell::toned(self.shown(server, name), tone)
    }

    /// An id or a name of `server` as it can be given back.
    pub(crate) fn shown(&self, server: &ServerName, id: impl std::fmt::Display) -> String {
        if server == self.fleet.default_server() {
            id.to_string()
        } else {
            format!("{server}:{id}")
        }
    }
}

/// The server given by `-s`, else by `FUGUE_SERVER`.
pub(crate) fn named(option: Option<String>) -> Option<String> {
    option.or_else(|| {
        std::env::var("FUGUE_SERVER")
            .ok()
            .filter(|name| !name.is_empty())
    })
}

/// The tries to reach a server again that is being restarted, in a loop of calls that may be made twice.
#[derive(Debug, Default)]
pub(crate) struct Again {
    lost: u32,
}

impl Again {
    /// Losses one after the other that are gone over.
    const MOST: u32 = 3;

    /// Waits for a server that was lost.
    ///
    /// # Errors
    /// `error` itself when the server was not lost, or too often; why it is not reached again.
    pub(crate) async fn after(&mut self, server: &Remote, error: Error) -> Result<(), Error> {
        if error.code != ErrorCode::ServerUnreachable || self.lost == Self::MOST {
            return Err(error);
        }
        // The first time there may never have been a server: say so at once.
        server.connection().await?;
        self.lost += 1;
        Ok(())
    }
}
