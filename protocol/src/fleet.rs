//! All servers a client knows: which one a target means, and a connection to each that mends itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::config::{AttachConfig, Config};
use crate::connection::{Connection, NO_HELLO};
use crate::error::{Error, ErrorCode};
use crate::name::ServerName;
use crate::os_text;
use crate::paths::{Paths, own_uid};
use crate::request::Call;
use crate::session_id::SessionId;
use crate::target::Target;
use crate::transport::{self, Left};

/// The time for which a call waits for a server that is being restarted.
const RECONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The pause before a server that is being replaced is asked again.
const REPLACED_PAUSE: Duration = Duration::from_millis(20);

/// A call that looks is made again so often at most.
const LOST_MOST: u32 = 3;

/// One server and its connection, opened when first needed and again after it was lost.
pub struct Remote {
    name: ServerName,
    socket: PathBuf,
    /// Whose it must be.
    owner: u32,
    client_name: String,
    /// The caller may run inside a pane of this server.
    inside: bool,
    /// Start the daemon when nothing listens.
    start: bool,
    /// Of the server of this environment's directories, which is started when it has left something behind: the file that tells.
    own: Option<PathBuf>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    connection: Option<Arc<Connection>>,
    /// It was reached before: when it is away now it is probably being restarted.
    was_reached: bool,
}

impl Remote {
    /// The server's name.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    /// The user whose it must be.
    #[must_use]
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// An open connection: the present one, or a new one.
    ///
    /// # Errors
    /// `server_unreachable` with the cause, for a server that was reached before only after 5 s.
    pub async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut current = self.current.lock().await;
        if let Some(open) = current.connection.as_ref().filter(|c| !c.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let begun = Instant::now();
        let deadline = begun + RECONNECT_LIMIT;
        let mut pause = Duration::from_millis(5);
        let mut started = false;
        loop {
            let mut hello = transport::client_hello(&self.client_name);
            if self.inside {
                hello.token = transport::pane_token(&self.socket);
            } else {
                hello.caller_pane = None;
            }
            match transport::connect_to(&self.socket, self.owner, hello).await {
                // Nothing is attached over a fleet's connection, so its events have no reader.
                Ok((connection, _events)) => {
                    let connection = Arc::new(connection);
                    current.connection = Some(Arc::clone(&connection));
                    current.was_reached = true;
                    return Ok(connection);
                }
                Err(error) => {
                    // Any other error is the server's own answer and will be the same again.
                    let away = error.code == ErrorCode::ServerUnreachable;
                    let absent = away && transport::is_absent(&self.socket);
                    let left = if absent { self.left() } else { Left::default() };
                    let starts = self.start || (self.own.is_some() && left.is_something());
                    let closes = error.is_replaced() || away && error.message.starts_with(NO_HELLO);
                    let expected = current.was_reached || starts || closes;
                    if !away || !expected || Instant::now() + pause > deadline {
                        return Err(left.explain(error));
                    }
                    let due = !left.is_something() || begun.elapsed() >= transport::grace();
                    if starts && absent && due && !started {
                        let starting = transport::start_daemon(&self.socket).await;
                        starting.map_err(|error| left.explain(error))?;
                        started = true;
                        continue;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }

    /// The remains of it when it is not there.
    #[must_use]
    pub fn left(&self) -> Left {
        Left::by(&self.socket, self.own.as_deref())
    }

    /// Starts the server of this environment when it is not there and has left something behind. Blocks.
    ///
    /// # Errors
    /// `server_unreachable` with what it said.
    pub fn start_again(&self) -> Result<(), Error> {
        if self.own.is_none() || !transport::is_absent(&self.socket) {
            return Ok(());
        }
        match self.left() {
            left if left.is_something() => {
                transport::start_daemon_and_wait(&self.socket).map_err(|error| left.explain(error))
            }
            _ => Ok(()),
        }
    }

    /// As [`Remote::connection`], but waits at most `limit`.
    ///
    /// # Errors
    /// As [`Remote::connection`]; `server_unreachable` after `limit` too.
    pub async fn connection_within(&self, limit: Duration) -> Result<Arc<Connection>, Error> {
        tokio::time::timeout(limit, self.connection())
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorCode::ServerUnreachable,
                    format!("server {} was not reached within {limit:?}", self.name),
                )
                .hint("nothing was asked of it; try again, with more time"))
            })
    }

    /// Makes a call, which takes at most `limit` with the connection that it may need. One that changes something is carried out
    /// once: a connection that is lost on the way is an error then, because nobody knows whether it was. One that looks is made
    /// again, up to three times.
    ///
    /// # Errors
    /// As [`Remote::connection`] and [`Connection::call`].
    pub async fn call<C: Call>(&self, params: &C, limit: Duration) -> Result<C::Reply, Error> {
        self.call_with_key(params, None, limit).await
    }

    /// As [`Remote::call`], with an idempotency key.
    ///
    /// # Errors
    /// As [`Remote::call`].
    pub async fn call_with_key<C: Call>(
        &self,
        params: &C,
        key: Option<String>,
        limit: Duration,
    ) -> Result<C::Reply, Error> {
        let deadline = Instant::now() + limit;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut lost = 0;
        loop {
            let connection = self.connection_within(left()).await?;
            let answer = connection.call_with_key(params, key.clone(), left()).await;
            match answer {
                // It was not carried out, or may be a second time.
                Err(error) if error.is_replaced() && left() > REPLACED_PAUSE => {
                    tokio::time::sleep(REPLACED_PAUSE).await;
                }
                Err(error)
                    if C::LOOKS
                        && lost < LOST_MOST
                        && error.code == ErrorCode::ServerUnreachable =>
                {
                    lost += 1;
                }
                answer => return answer,
            }
        }
    }
}

/// All servers a client knows.
pub struct Fleet {
    /// The mistake for which the configuration file counts as none.
    pub mistake: Option<Error>,
    /// What `fugue attach` does with the caller's terminal.
    pub attach: AttachConfig,
    /// The variables of this process that an attach tells the session.
    pub login: BTreeMap<String, Option<String>>,
    default: ServerName,
    servers: BTreeMap<ServerName, Arc<Remote>>,
}

impl Fleet {
    /// The configured servers and the local one, for a client called `client_name`.
    /// `default` is the server named by `-s` or `FUGUE_SERVER`; `start` starts the local daemon
    /// when none runs.
    ///
    /// # Errors
    /// `invalid_argument` for a bad configuration; `unknown_server` for a default that is not in it.
    pub fn load(
        paths: &Paths,
        client_name: &str,
        default: Option<&str>,
        start: bool,
    ) -> Result<Self, Error> {
        Self::build(paths, client_name, default, start, true)
    }

    /// As [`Fleet::load`] for a client inside the local daemon, on behalf of callers elsewhere:
    /// the local server is the default one, and the pane in which the daemon itself was started
    /// is nobody's.
    ///
    /// # Errors
    /// As [`Fleet::load`].
    pub fn load_in_daemon(paths: &Paths, client_name: &str) -> Result<Self, Error> {
        let local = ServerName::local();
        Self::build(paths, client_name, Some(local.as_str()), false, false)
    }

    fn build(
        paths: &Paths,
        client_name: &str,
        default: Option<&str>,
        start: bool,
        inside: bool,
    ) -> Result<Self, Error> {
        let (config, mistake) = match default {
            // A server that is named must be known.
            Some(name) if name != ServerName::LOCAL => (Config::load(&paths.config)?, None),
            Some(_) | None => Config::load_or_default(&paths.config)?,
        };
        let server = |name: &ServerName, socket: PathBuf, owner: Option<u32>, start: bool| {
            Arc::new(Remote {
                name: name.clone(),
                owner: owner.unwrap_or_else(own_uid),
                client_name: client_name.to_owned(),
                inside,
                start,
                own: (inside && socket == paths.socket()).then(|| paths.unfinished()),
                socket,
                current: Mutex::default(),
            })
        };
        let mut servers: BTreeMap<_, _> = config
            .servers
            .iter()
            .map(|(name, entry)| {
                let socket = entry.socket.clone();
                (name.clone(), server(name, socket, entry.uid, false))
            })
            .collect();
        // The server on this machine's default socket answers to `local` and to its own name.
        let local = ServerName::local();
        servers.insert(local.clone(), server(&local, paths.socket(), None, start));
        if config.daemon.name != local {
            let own = &config.daemon.name;
            servers.insert(own.clone(), server(own, paths.socket(), None, start));
        }
        let default = match default {
            Some(text) => ServerName::new(text)?,
            None => config.default_server.unwrap_or(local),
        };
        let fleet = Self {
            mistake,
            attach: config.attach,
            login: config
                .daemon
                .login(|name| std::env::var_os(name).map(os_text::encoded)),
            default,
            servers,
        };
        fleet.server(&fleet.default)?;
        Ok(fleet)
    }

    /// The server that a target without a prefix means.
    #[must_use]
    pub fn default_server(&self) -> &ServerName {
        &self.default
    }

    /// The configured names.
    pub fn names(&self) -> impl Iterator<Item = &ServerName> {
        self.servers.keys()
    }

    /// The server called `name`.
    ///
    /// # Errors
    /// `unknown_server` with the configured names.
    pub fn server(&self, name: &ServerName) -> Result<Arc<Remote>, Error> {
        self.servers.get(name).cloned().ok_or_else(|| {
            Error::new(
                ErrorCode::UnknownServer,
                format!("no server is called {name}"),
            )
            .hint("add it to the configuration file, or use one of those named")
            .candidates(self.names().map(ToString::to_string))
        })
    }

    /// Splits `server:target` into the server and what is meant there. `server` is the one given
    /// apart, which must agree with the prefix.
    ///
    /// # Errors
    /// `invalid_argument` for a bad identifier or two different servers, `unknown_server`.
    pub fn resolve(
        &self,
        target: &str,
        server: Option<&ServerName>,
    ) -> Result<(Arc<Remote>, Target), Error> {
        let id = SessionId::parse(target, server.unwrap_or(&self.default))?;
        let same = |other: &ServerName| {
            let socket = |name| self.servers.get(name).map(|server| &server.socket);
            *other == id.server || (socket(other).is_some() && socket(other) == socket(&id.server))
        };
        if let Some(server) = server.filter(|server| !same(server)) {
            return Err(Error::invalid(format!(
                "{target} is on server {}, but server {server} was given",
                id.server
            ))
            .hint("give one of the two"));
        }
        Ok((self.server(&id.server)?, id.session))
    }
}

#[cfg(test)]
mod tests;
