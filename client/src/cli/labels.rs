//! The labels that a session carries besides its panes: environment, metadata and tags.

use std::collections::BTreeMap;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::SessionDetail;
use protocol::request::{GetSession, UpdateSession};
use protocol::{Target, os_text};

use super::{Caller, Outcome, args, output};

/// `fugue env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// Which session
    session: String,
    /// Variables to set
    #[arg(value_name = "KEY=VALUE", value_parser = args::variable())]
    set: Vec<(String, String)>,
    /// A variable that programs shall not have; may be given several times
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
}

/// `fugue meta`.
#[derive(Debug, Args)]
pub(crate) struct MetaArgs {
    /// Which session
    session: String,
    /// Metadata to set
    #[arg(value_name = "KEY=VALUE", value_parser = args::pair)]
    set: Vec<(String, String)>,
    /// Metadata to take out; may be given several times
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
}

/// `fugue tag`.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Which session
    session: String,
    /// Tags to add
    #[arg(value_name = "TAG")]
    add: Vec<String>,
    /// A tag to take away; may be given several times
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,
}

type Changes = BTreeMap<String, Option<String>>;

fn changes(set: Vec<(String, String)>, unset: Vec<String>) -> Changes {
    let set = set.into_iter().map(|(key, value)| (key, Some(value)));
    set.chain(unset.into_iter().map(|key| (key, None)))
        .collect()
}

async fn get(caller: &Caller, server: &Remote, session: Target) -> anyhow::Result<SessionDetail> {
    let session = Some(session);
    Ok(caller.call(server, &GetSession { session }).await?)
}

impl EnvArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.target(&self.session)?;
        let environment = changes(self.set, self.unset);
        let detail = if environment.is_empty() {
            get(caller, &server, session).await?
        } else {
            let session = Some(session);
            let update = UpdateSession {
                session,
                environment,
                ..UpdateSession::default()
            };
            caller.call(&server, &update).await?
        };
        output::answer(caller, server.name(), &detail, |detail| {
            lines(detail.environment.iter().map(|(key, value)| match value {
                Some(value) => format!("{}={}", os_text::shown(key), os_text::shown(value)),
                None => format!("-{}", os_text::shown(key)),
            }))
        })?;
        Ok(0)
    }
}

impl MetaArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.target(&self.session)?;
        let metadata = changes(self.set, self.unset);
        let detail = if metadata.is_empty() {
            get(caller, &server, session).await?
        } else {
            let session = Some(session);
            let update = UpdateSession {
                session,
                metadata,
                ..UpdateSession::default()
            };
            caller.call(&server, &update).await?
        };
        output::answer(caller, server.name(), &detail, |detail| {
            lines(
                detail
                    .metadata
                    .iter()
                    .map(|(key, value)| format!("{key}={value}")),
            )
        })?;
        Ok(0)
    }
}

impl TagArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.target(&self.session)?;
        let mut detail = get(caller, &server, session).await?;
        if !(self.add.is_empty() && self.remove.is_empty()) {
            let tags = tagged(detail.session.tags, self.add, &self.remove);
            let update = UpdateSession {
                session: Some(detail.session.session_id.into()),
                tags: Some(tags),
                ..UpdateSession::default()
            };
            detail = caller.call(&server, &update).await?;
        }
        output::answer(caller, server.name(), &detail, |detail| {
            lines(detail.session.tags.iter().cloned())
        })?;
        Ok(0)
    }
}

/// The tags in their order, without those removed, with those added once at the end.
fn tagged(mut tags: Vec<String>, add: Vec<String>, remove: &[String]) -> Vec<String> {
    for tag in add {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.retain(|tag| !remove.contains(tag));
    tags
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.map(|item| output::printable(item) + "\n").collect()
}
