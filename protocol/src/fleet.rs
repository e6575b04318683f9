//! All servers a client knows: which one a target means, and a connection to each that mends itself.

pub mod reach;

mod gather;
mod remote;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::color::ServerColor;
use crate::config::{AttachConfig, Config, ServerEntry};
use crate::error::{Error, ErrorCode};
use crate::name::ServerName;
use crate::os_text;
use crate::paths::{Paths, own_uid};
use crate::session_id::SessionId;
use crate::target::Target;
use crate::transport::Route;
use crate::transport::ssh::{self, SshRoute};

pub use self::gather::{GATHER_LIMIT, Gathered, answers};
use self::remote::Known;
pub use self::remote::Remote;

/// All servers a client knows.
pub struct Fleet {
    /// The mistake for which the configuration file counts as none.
    pub mistake: Option<Error>,
    /// What `fugue attach` does with the caller's terminal.
    pub attach: AttachConfig,
    /// The variables of this process that an attach tells the session.
    pub login: BTreeMap<String, Option<String>>,
    default: ServerName,
    colors: BTreeMap<ServerName, ServerColor>,
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
        let remote = |name: &ServerName, address: Address, route: Route, start: bool| {
            let own = inside && route.socket() == Some(&paths.socket());
            Arc::new(Remote::new(Known {
                name: name.clone(),
                address,
                route,
                client_name: client_name.to_owned(),
                inside,
                start,
                own: own.then(|| paths.unfinished()),
            }))
        };
        let mut servers: BTreeMap<_, _> = config
            .servers
            .iter()
            .map(|(name, entry)| {
                let route = route(entry, paths);
                (name.clone(), remote(name, entry.address(), route, false))
            })
            .collect();
        // The server on this machine's default socket answers to `local` and to its own name.
        let here = |name: &ServerName| {
            let (socket, owner) = (paths.socket(), own_uid());
            let address = Address::Unix(socket.clone());
            remote(name, address, Route::Unix { socket, owner }, start)
        };
        let local = ServerName::local();
        servers.insert(local.clone(), here(&local));
        if config.daemon.name != local {
            let own = &config.daemon.name;
            servers.insert(own.clone(), here(own));
        }
        let colors = config.servers.iter();
        let colors = colors.filter_map(|(name, entry)| Some((name.clone(), entry.color?)));
        let colors = colors.collect();
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
            colors,
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

    /// The colour of a server in lists.
    #[must_use]
    pub fn color(&self, name: &ServerName) -> ServerColor {
        let chosen = self.colors.get(name).copied();
        chosen.unwrap_or_else(|| ServerColor::of(name))
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
            let (one, two) = (self.servers.get(other), self.servers.get(&id.server));
            *other == id.server || one.zip(two).is_some_and(|(one, two)| one.is_at(two))
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

/// The way to a configured server.
fn route(entry: &ServerEntry, paths: &Paths) -> Route {
    match entry.address() {
        Address::Unix(socket) => Route::Unix {
            socket,
            owner: entry.uid.unwrap_or_else(own_uid),
        },
        Address::Ssh(host) => Route::Ssh(SshRoute {
            host,
            command: entry
                .command
                .clone()
                .unwrap_or_else(|| ssh::PROXY.to_owned()),
            sockets: ssh::sockets(&paths.runtime),
        }),
    }
}

#[cfg(test)]
mod tests;
