//! The identity and the rights of a caller: resolved once when it greets, checked before each of its requests.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::origin::Origin;
use protocol::frame::Hello;
use protocol::reply::{Orchestrations, Panes, Sessions};
use protocol::request::Request;
use protocol::rights::{About, Level, Rights, Scope, Thing, needed};
use protocol::{Error, ErrorCode, OrchestrationUuid, SessionUuid, Target};

use crate::pane::PaneEntry;
use crate::registry::{Caller, Leaf, Registry};
use crate::server::Server;
use crate::session::SessionEntry;

mod origin;

#[cfg(test)]
mod tests;

pub(crate) use origin::{made_by, origin};

/// The number of ancestors among which the keeper above a caller is looked for.
const ANCESTORS: usize = 64;

/// Sessions that are remembered as those from which something was made.
const MAKERS: usize = 16;

/// The names of the fronts that act for agents.
const AGENTS: [&str; 2] = ["fugue mcp", "fugued http mcp"];

/// True if a client of this name acts for agents.
#[must_use]
pub(crate) fn is_agents(name: &str) -> bool {
    AGENTS.contains(&name)
}

/// The origin of what this caller makes.
#[must_use]
pub(crate) fn origin_of(registry: &Registry, caller: &Caller) -> Origin {
    let pane = caller.inside.and_then(|pane| registry.pane(pane));
    let mut makers: Vec<_> = pane.iter().map(|pane| pane.session).collect();
    for maker in pane.iter().flat_map(|pane| &pane.record.origin.makers) {
        if !makers.contains(maker) && makers.len() < MAKERS {
            makers.push(*maker);
        }
    }
    Origin {
        agent: caller.agent || matches!(caller.rights.scope, Scope::Own(_)),
        makers,
    }
}

/// The rights of a pane's program.
#[must_use]
fn of_pane(pane: &PaneEntry) -> Rights {
    if pane.record.origin.agent {
        Rights::of_agents_pane(pane.session)
    } else {
        Rights::PANE
    }
}

/// The end of the start of the pane whose program greets already, if that is so. One that shows no token and runs under a keeper may
/// be of any of those that are being started.
pub(crate) fn beginning(
    registry: &Registry,
    hello: &Hello,
    peer: Option<i32>,
) -> Option<BoxFuture<'static, ()>> {
    if let Some(token) = &hello.token {
        return Some(registry.beginnings().of(token)?.boxed());
    }
    let begun = registry.beginnings().present()?;
    let peer = peer.filter(|peer| *peer != std::process::id().cast_signed())?;
    let unknown = keeper::is_below_keeper(peer) && above(registry, peer).is_none();
    unknown.then(|| begun.boxed())
}

/// Finds who greets: the pane whose token it shows, else the one under whose keeper it runs, else the one that it
/// names, else somebody outside of all panes.
///
/// # Errors
/// `denied` for a token that is of no pane.
pub(crate) fn greet(
    server: &Server,
    hello: &Hello,
    peer: Option<i32>,
    mut caller: Caller,
) -> Result<Caller, Error> {
    let registry = &server.registry;
    caller.agent = is_agents(&hello.name);
    caller.pane = hello.caller_pane;
    let inside = match &hello.token {
        Some(token) => {
            let pane = registry.pane_with_token(token).ok_or_else(unknown_token)?;
            caller.pane = Some(pane.id);
            Some(pane)
        }
        // The server's own front speaks for callers elsewhere, wherever the server was started.
        None if peer == Some(std::process::id().cast_signed()) => None,
        None => peer
            .and_then(|peer| above(registry, peer))
            .or_else(|| registry.pane(hello.caller_pane?)),
    };
    if let Some(pane) = inside {
        caller.rights = of_pane(&pane);
        caller.inside = Some(pane.id);
        if caller.rights.scope != Scope::All {
            caller.pane = Some(pane.id);
        }
    }
    Ok(caller)
}

fn unknown_token() -> Error {
    Error::new(
        ErrorCode::Denied,
        "the token in FUGUE_TOKEN is of no pane of this server",
    )
    .hint("each pane's program finds its own there; unset FUGUE_TOKEN where it comes from a pane that is gone")
}

/// The pane under whose keeper a process runs.
pub(crate) fn above(registry: &Registry, process: i32) -> Option<std::sync::Arc<PaneEntry>> {
    if registry.pane_count() == 0 {
        return None;
    }
    let parent = |pid: &i32| keeper::parent(*pid).filter(|parent| *parent > 1);
    let parents = std::iter::successors(Some(process), parent);
    let above: Vec<u32> = parents.take(ANCESTORS).map(i32::unsigned_abs).collect();
    let place = |pane: &PaneEntry| {
        let next = pane.next_keeper().map(|next| next.pid.unsigned_abs());
        let keepers = [Some(pane.process().keeper_pid), next];
        above.iter().position(|pid| keepers.contains(&Some(*pid)))
    };
    let panes = registry.panes().into_iter();
    let found = panes.filter_map(|pane| Some((place(&pane)?, pane)));
    // A server that runs inside a pane has keepers below that pane's: the nearest counts.
    found.min_by_key(|(place, _)| *place).map(|(_, pane)| pane)
}

/// That the caller may make this request.
///
/// # Errors
/// `denied`, saying what is missing.
pub(crate) fn check(server: &Server, caller: &Caller, request: &Request) -> Result<(), Error> {
    let (level, about) = needed(request);
    let Rights { level: own, scope } = caller.rights;
    if !own.reaches(level) {
        return Err(too_little(caller, request, level));
    }
    if scope == Scope::All {
        return Ok(());
    }
    for about in about {
        // What is not there is the request's own error.
        let Some(thing) = find(&server.registry, caller, about) else {
            continue;
        };
        if !scope.covers(&thing) {
            return Err(elsewhere(server, caller, &thing));
        }
    }
    Ok(())
}

fn too_little(caller: &Caller, request: &Request, level: Level) -> Error {
    Error::new(
        ErrorCode::Denied,
        format!(
            "{} needs the level `{level}`; this caller has the rights `{}`",
            request.method(),
            caller.rights
        ),
    )
    .hint("ask from outside of all panes, such as a terminal of your own")
}

fn elsewhere(server: &Server, caller: &Caller, thing: &Thing) -> Error {
    let name = |id: &SessionUuid| {
        let session = server.registry.session(*id);
        session.map_or_else(|| id.to_string(), |s| s.snapshot().name.to_string())
    };
    let what = match thing {
        Thing::Server => "the server as a whole".to_owned(),
        Thing::List => "this list".to_owned(),
        Thing::New => "new things".to_owned(),
        Thing::Session { id, .. } => format!("session {}", name(id)),
        Thing::Pane { id, session, .. } => {
            let pane = server.registry.leaf(*id).map(|leaf| leaf.shown());
            let pane = pane.unwrap_or_else(|| id.to_string());
            format!("pane {pane} in session {}", name(session))
        }
        Thing::Run { id, .. } => format!("orchestration {id}"),
    };
    Error::new(
        ErrorCode::Denied,
        format!(
            "this caller has the rights `{}`, and {what} is not among what they cover",
            caller.rights
        ),
    )
    .hint("a pane that an agent made reaches its own session and what was made from there; the rest is for people and their own panes (docs/security.md)")
}

fn find(registry: &Registry, caller: &Caller, about: About<'_>) -> Option<Thing> {
    match about {
        About::Server => Some(Thing::Server),
        About::List => Some(Thing::List),
        About::New => Some(Thing::New),
        About::Session(target) => {
            // A view may name a window or a pane: it is of their session.
            let (session, _) = registry.session_to_view(target, caller).ok()?;
            Some(session_thing(registry, &session))
        }
        About::SessionOrNew(target) => Some(match registry.find_session(target) {
            Ok(session) => session_thing(registry, &session),
            Err(_) => Thing::New,
        }),
        About::Window(window, session) => {
            let within = session.and_then(|session| registry.find_session(session).ok());
            let (session, _) = registry.find_window(window, within.as_ref(), caller).ok()?;
            Some(session_thing(registry, &session))
        }
        About::Pane(target) => pane_thing(registry, caller, target),
        About::Run(id) => {
            let runs = registry.orchestrations();
            let run = runs.get(&id)?;
            Some(Thing::Run {
                id,
                session: run.session.id,
                makers: run.origin.makers.clone(),
            })
        }
    }
}

fn session_thing(registry: &Registry, session: &SessionEntry) -> Thing {
    Thing::Session {
        id: session.id,
        run: session.snapshot().made_by,
        makers: makers(registry, session),
    }
}

/// The sessions from which a session was made: those from which all of its panes were.
fn makers(registry: &Registry, session: &SessionEntry) -> Vec<SessionUuid> {
    let snapshot = session.snapshot();
    let mut panes = snapshot.panes().filter_map(|id| registry.pane(id));
    let Some(first) = panes.next() else {
        let run = snapshot.made_by.and_then(|run| {
            let runs = registry.orchestrations();
            Some(runs.get(&run)?.origin.makers.clone())
        });
        return run.unwrap_or_default();
    };
    let mut common = first.record.origin.makers.clone();
    for pane in panes {
        common.retain(|maker| pane.record.origin.makers.contains(maker));
    }
    common
}

fn leaf_thing(registry: &Registry, leaf: &Leaf) -> Thing {
    let session = registry.session(leaf.session());
    Thing::Pane {
        id: leaf.id(),
        session: leaf.session(),
        run: session.and_then(|session| session.snapshot().made_by),
        makers: leaf.pane().record.origin.makers.clone(),
    }
}

fn pane_thing(registry: &Registry, caller: &Caller, target: &Target) -> Option<Thing> {
    let ended = match registry.find_leaf(target, caller) {
        Ok(leaf) => return Some(leaf_thing(registry, &leaf)),
        Err(error) => registry.find_ended(target, &error)?,
    };
    let session = ended.context.session_id;
    let entry = registry.session(session);
    Some(Thing::Pane {
        id: ended.end.pane_id,
        session,
        run: None,
        makers: entry
            .map(|entry| makers(registry, &entry))
            .unwrap_or_default(),
    })
}

/// True if the caller's scope covers a session.
pub(crate) fn sees_session(registry: &Registry, caller: &Caller, id: SessionUuid) -> bool {
    caller.rights.scope == Scope::All
        || registry.session(id).is_some_and(|session| {
            let thing = session_thing(registry, &session);
            caller.rights.scope.covers(&thing)
        })
}

/// Leaves names out of an error that the caller might not see in any list.
#[must_use]
pub(crate) fn seen_error(caller: &Caller, error: Error) -> Error {
    let lists = matches!(error.code, ErrorCode::NotFound | ErrorCode::AmbiguousName);
    if lists && caller.rights.scope != Scope::All {
        return error.candidates([]);
    }
    error
}

/// Leaves only the sessions that the caller's scope covers.
pub(crate) fn seen_sessions(server: &Server, caller: &Caller, mut all: Sessions) -> Sessions {
    all.sessions
        .retain(|session| sees_session(&server.registry, caller, session.session_id));
    all
}

/// Leaves only the panes that the caller's scope covers.
pub(crate) fn seen_panes(server: &Server, caller: &Caller, mut all: Panes) -> Panes {
    if caller.rights.scope != Scope::All {
        all.panes.retain(|pane| {
            let thing = pane_thing(&server.registry, caller, &Target::from(pane.pane_id));
            thing.is_some_and(|thing| caller.rights.scope.covers(&thing))
        });
    }
    all
}

/// Leaves only the orchestrations that the caller's scope covers.
pub(crate) fn seen_runs(
    server: &Server,
    caller: &Caller,
    mut all: Orchestrations,
) -> Orchestrations {
    let covered = |id: OrchestrationUuid| {
        let thing = find(&server.registry, caller, About::Run(id));
        thing.is_some_and(|thing| caller.rights.scope.covers(&thing))
    };
    if caller.rights.scope != Scope::All {
        all.orchestrations
            .retain(|run| covered(run.orchestration_id));
    }
    all
}
