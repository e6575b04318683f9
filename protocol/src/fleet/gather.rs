//! Questions to several servers at once: what answers in time is there, of the others the reason.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Fleet, Remote};
use crate::error::{Error, ErrorCode};
use crate::name::ServerName;

/// The time that each server has for an answer to a question to all.
pub const GATHER_LIMIT: Duration = Duration::from_millis(2_500);

/// The answer of one of several servers.
#[derive(Debug)]
pub struct Gathered<T> {
    /// The name by which it was asked.
    pub server: ServerName,
    /// Its answer, or the reason for which there is none.
    pub answer: Result<T, Error>,
    /// Another name by which the same server was asked too; then its answer counts under that one only.
    pub same_as: Option<ServerName>,
}

/// The answers of servers that are asked at the same time, with [`GATHER_LIMIT`] for each. One alone is waited for as long as it takes.
pub async fn answers<'a, T>(
    asked: impl ExactSizeIterator<Item = (&'a Arc<Remote>, impl Future<Output = Result<T, Error>>)>,
) -> Vec<Result<T, Error>> {
    let alone = asked.len() == 1;
    let within = asked.map(|(server, asking)| async move {
        if alone {
            return asking.await;
        }
        let answer = tokio::time::timeout(GATHER_LIMIT, asking).await;
        answer.unwrap_or_else(|_| Err(server.silent(GATHER_LIMIT)))
    });
    join_all(within).await
}

impl Fleet {
    /// The default server and, with `all`, every other one; each place once.
    ///
    /// # Errors
    /// `unknown_server` never, as the fleet knows its own names.
    pub fn distinct(&self, all: bool) -> Result<Vec<Arc<Remote>>, Error> {
        let mut servers = vec![self.server(self.default_server())?];
        for server in self.servers.values().filter(|_| all) {
            if servers.iter().all(|known| !known.is_at(server)) {
                servers.push(Arc::clone(server));
            }
        }
        Ok(servers)
    }

    /// Asks each of `servers` at the same time, with [`GATHER_LIMIT`] for each. One alone is waited for as long as `ask` takes.
    pub async fn gather<T, F>(
        servers: Vec<Arc<Remote>>,
        ask: impl Fn(Arc<Remote>) -> F,
    ) -> Vec<Gathered<T>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let asked = servers.iter().map(|server| ask(Arc::clone(server)));
        let answers = answers(servers.iter().zip(asked)).await;
        let mut instances = Vec::new();
        let mut gathered: Vec<Gathered<T>> = Vec::new();
        for (server, answer) in servers.iter().zip(answers) {
            let instance = server.instance().await.filter(|_| answer.is_ok());
            let known = instance.and_then(|instance| {
                let found = instances.iter().find(|(known, _)| *known == instance);
                found.map(|(_, name): &(_, ServerName)| name.clone())
            });
            if let (Some(instance), None) = (instance, &known) {
                instances.push((instance, server.name().clone()));
            }
            gathered.push(Gathered {
                server: server.name().clone(),
                answer,
                same_as: known,
            });
        }
        gathered
    }
}

impl Remote {
    /// The error of a server that gave no answer in time, with what is known of the way to it.
    #[must_use]
    pub fn silent(&self, limit: Duration) -> Error {
        let why = self.trouble().map_or_else(
            || "it did not answer".to_owned(),
            |cause| cause.message.clone(),
        );
        Error::new(
            ErrorCode::ServerUnreachable,
            format!("no answer within {limit:?}: {why}"),
        )
        .hint(format!(
            "run `fugue servers test {}` to see each step",
            self.name()
        ))
    }
}
