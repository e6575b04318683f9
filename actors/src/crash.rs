//! Failures on request, for tests. Absent from release builds.

use bytes::Bytes;
use protocol::frame::{from_bytes, to_bytes};
use protocol::reply::Done;
use protocol::{Error, ErrorCode, OrchestrationUuid, Target};
use serde::Deserialize;

use crate::client::ClientMsg;
use crate::orchestration::OrchestrationMsg;
use crate::pane::PaneMsg;
use crate::registry::Caller;
use crate::server::Server;
use crate::session::SessionMsg;

/// The call's name; it is not in the list of calls.
pub(crate) const METHOD: &str = "crash";

/// The part that is to fail.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Crash {
    /// A pane's actor.
    Pane(Target),
    /// A pane's I/O task.
    PaneIo(Target),
    /// A pane's I/O task turns for ever.
    PaneTurns(Target),
    /// The same, and its place in the registry stays locked.
    PaneTurnsLocked(Target),
    /// Every thread of the runtime sleeps for so many seconds.
    Sleep(u64),
    /// A fault at a step, once: see [`crate::step`].
    Step(String),
    /// Nothing: an error unless that has happened.
    StepMet(String),
    /// A session's actor.
    Session(Target),
    /// Every connection's actor but the caller's is left alone: the one with this name fails.
    Client(String),
    /// An orchestration's actor.
    Orchestration(OrchestrationUuid),
}

pub(crate) async fn answer(server: &Server, params: &[u8]) -> Result<Bytes, Error> {
    let registry = &server.registry;
    let caller = Caller::new(protocol::ClientUuid::new());
    let gone = || Error::new(ErrorCode::NotFound, "it has no actor at this moment");
    match from_bytes(params)? {
        Crash::Pane(target) => {
            let pane = registry.find_pane(&target, &caller)?;
            let actor = pane.address.get().ok_or_else(gone)?;
            actor.cast(PaneMsg::Crash).map_err(|_| gone())?;
        }
        Crash::PaneIo(target) => registry.find_pane(&target, &caller)?.io.crash().await?,
        Crash::PaneTurns(target) => {
            registry
                .find_pane(&target, &caller)?
                .io
                .turn_for_ever()
                .await?
        }
        Crash::PaneTurnsLocked(target) => {
            let pane = registry.find_pane(&target, &caller)?;
            registry.lock_for_ever(pane.id);
            pane.io.turn_for_ever().await?;
        }
        Crash::Sleep(seconds) => {
            for _ in 0..64 {
                tokio::spawn(async move {
                    std::thread::sleep(std::time::Duration::from_secs(seconds));
                });
            }
        }
        Crash::Step(asked) => crate::step::want(&asked)?,
        Crash::StepMet(_) if crate::step::is_met() => {}
        Crash::StepMet(step) => {
            return Err(Error::new(
                ErrorCode::NotFound,
                format!("{step} was not reached"),
            ));
        }
        Crash::Session(target) => {
            let session = registry.find_session(&target)?;
            let actor = session.address.get().ok_or_else(gone)?;
            actor.cast(SessionMsg::Crash).map_err(|_| gone())?;
        }
        Crash::Client(name) => {
            let clients = registry.clients().iter();
            let named: Vec<_> = clients.filter(|c| *c.name == *name).collect();
            let client = named.first().ok_or_else(gone)?;
            client.address.cast(ClientMsg::Crash).map_err(|_| gone())?;
        }
        Crash::Orchestration(id) => {
            let entry = registry.orchestrations().get(&id);
            let actor = entry.and_then(|e| e.address.get()).ok_or_else(gone)?;
            actor.cast(OrchestrationMsg::Crash).map_err(|_| gone())?;
        }
    }
    Ok(to_bytes(&Done {}))
}
