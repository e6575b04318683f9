//! Routes of calls to their servers, and their targets there; ids of other servers carry their prefix.

use std::sync::Arc;
use std::time::Duration;

use protocol::fleet::{self, Fleet, Remote};
use protocol::reply::SessionContext;
use protocol::{Call, Error, ErrorCode, ServerName, SessionId, Target};
use serde_json::{Value, json};

/// Calls that do their work at once; the daemon answers them in well under a millisecond.
pub(crate) const QUICK: Duration = Duration::from_secs(15);

/// Calls that start or end programs, which may use their stop recipes' time.
pub(crate) const SLOW: Duration = Duration::from_secs(60);

/// One server as the target of one call.
#[derive(Clone)]
pub(crate) struct Place {
    server: Arc<Remote>,
    name: ServerName,
    /// Not the default server: ids in its answers are printed with its name.
    foreign: bool,
}

impl Place {
    /// The server called `name`.
    pub(crate) fn new(fleet: &Fleet, name: &ServerName) -> Result<Self, Error> {
        let server = fleet.server(name)?;
        let default = fleet.server(fleet.default_server())?;
        let foreign = !server.is_at(&default);
        Ok(Self {
            server,
            name: name.clone(),
            foreign,
        })
    }

    /// The name by which the caller can reach it.
    pub(crate) fn name(&self) -> &ServerName {
        &self.name
    }

    /// The socket on which it listens, on this machine.
    pub(crate) fn socket(&self) -> Option<&std::path::Path> {
        self.server.socket()
    }

    /// An id as the caller can give it back.
    pub(crate) fn id(&self, id: impl std::fmt::Display) -> String {
        if self.foreign {
            format!("{}:{id}", self.name)
        } else {
            id.to_string()
        }
    }

    /// The session that an answer is about.
    pub(crate) fn context(&self, context: &SessionContext) -> Value {
        self.context_of(&context.session_id, context.session_name.as_str())
    }

    /// The same from its parts.
    pub(crate) fn context_of(&self, id: &protocol::SessionUuid, name: &str) -> Value {
        json!({
            "session_id": self.id(id),
            "session_name": name,
            "server": self.name.as_str(),
        })
    }

    /// A call that changes nothing.
    pub(crate) async fn look<C: Call>(
        &self,
        params: &C,
        limit: Duration,
    ) -> Result<C::Reply, Error> {
        let answer = self.server.call(params, limit).await;
        answer.map_err(|error| self.named(error))
    }

    /// A call that changes something: made once, because nobody knows what a lost one has done.
    pub(crate) async fn act<C: Call>(
        &self,
        params: &C,
        key: Option<String>,
        limit: Duration,
    ) -> Result<C::Reply, Error> {
        let answer = self.server.call_with_key(params, key, limit).await;
        answer.map_err(|error| self.named(error))
    }

    /// An error of another server says which, and its candidates can be given back.
    fn named(&self, mut error: Error) -> Error {
        if !self.foreign {
            return error;
        }
        error.message = format!("{} (on server {})", error.message, self.name);
        if matches!(
            error.code,
            ErrorCode::NotFound | ErrorCode::AmbiguousName | ErrorCode::NameTaken
        ) {
            for candidate in &mut error.candidates {
                *candidate = format!("{}:{candidate}", self.name);
            }
        }
        error
    }
}

/// Each place's answer. Where there are several, none is waited for longer than the others may take.
pub(crate) async fn gathered<T>(
    places: &[Place],
    asked: impl ExactSizeIterator<Item = impl Future<Output = Result<T, Error>>>,
) -> Vec<Result<T, Error>> {
    let servers = places.iter().map(|place| &place.server);
    fleet::answers(servers.zip(asked)).await
}

/// The server that all of `given` mean, and each of them there. Each is an argument's name and
/// its text; `server` is the argument of that name.
///
/// # Errors
/// `invalid_argument` for two different servers or a bad identifier, `unknown_server`.
pub(crate) fn resolve<const N: usize>(
    fleet: &Fleet,
    server: Option<&str>,
    given: [(&str, Option<&str>); N],
) -> Result<(Place, [Option<Target>; N]), Error> {
    let mut chosen: Option<(ServerName, &str)> = None;
    if let Some(server) = server {
        chosen = Some((ServerName::new(server)?, "server"));
    }
    let mut targets = [const { None }; N];
    for ((argument, text), target) in given.into_iter().zip(&mut targets) {
        let Some(text) = text else { continue };
        let id = SessionId::parse(text, fleet.default_server())
            .map_err(|error| named_argument(error, argument))?;
        *target = Some(id.session);
        if !text.contains(':') {
            continue;
        }
        match &chosen {
            Some((first, by)) if *first != id.server => {
                return Err(Error::invalid(format!(
                    "{argument} = {text} is on server {}, but {by} says {first}",
                    id.server
                ))
                .hint("everything in one call is on one server: give one of the two"));
            }
            Some(_) => {}
            None => chosen = Some((id.server, argument)),
        }
    }
    let name = chosen.map_or_else(|| fleet.default_server().clone(), |(name, _)| name);
    Ok((Place::new(fleet, &name)?, targets))
}

/// As [`resolve`] for the one target that a tool cannot do without.
///
/// # Errors
/// As [`resolve`].
pub(crate) fn resolve_one(
    fleet: &Fleet,
    server: Option<&str>,
    argument: &str,
    text: &str,
) -> Result<(Place, Target), Error> {
    let (place, [target]) = resolve(fleet, server, [(argument, Some(text))])?;
    let target = target.ok_or_else(|| Error::invalid(format!("{argument} is missing")))?;
    Ok((place, target))
}

fn named_argument(mut error: Error, argument: &str) -> Error {
    error.message = format!("{argument}: {}", error.message);
    error
}

#[cfg(test)]
mod tests;
