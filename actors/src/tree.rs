//! Every child spec of the daemon: what is supervised, how, and in which order.

use std::sync::Arc;
use std::time::Duration;

use protocol::{ClientUuid, Error, ErrorCode, OrchestrationUuid, PaneUuid, SessionUuid};
use supervisor::{
    Actor, AddressSlot, ChildId, ChildSpec, DynamicSpec, Intensity, OnceSpec, RestartType,
    Shutdown, StartChildError, Strategy, SupervisorSpec,
};

use crate::client::{ClientActor, ClientArgs};
use crate::housekeeping::HousekeepingActor;
use crate::listener::{ListenerActor, ListenerArgs};
use crate::memory::MemoryActor;
use crate::orchestration::{OrchestrationActor, OrchestrationArgs, OrchestrationEntry};
use crate::pane::{PaneActor, PaneArgs, PaneEntry};
use crate::registry::SessionEntry;
use crate::rendezvous::Rendezvous;
use crate::server::Server;
use crate::session::{SessionActor, SessionArgs};
use crate::store::{StoreActor, StoreArgs};
use crate::surface::{Surface, SurfaceActor};
use crate::texts::TextsActor;

/// Restarts of well-known actors; more mean that restarting does not help.
const WELL_KNOWN: (u32, Duration) = (10, Duration::from_secs(60));

/// Restarts of one session's, pane's or orchestration's actor before it alone is given up.
const ONE_CHILD: (u32, Duration) = (5, Duration::from_secs(60));

/// Restarts under one dynamic supervisor, all children together: far above what single children may
/// use, since one pane must never end the others.
const ALL_CHILDREN: (u32, Duration) = (1_000, Duration::from_secs(60));

/// Children of one dynamic supervisor: the most panes that a configuration can allow.
const MOST_CHILDREN: usize = 1_000_000;

/// How long an actor may take for its goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

fn intensity((max_restarts, period): (u32, Duration)) -> Intensity {
    Intensity::new(max_restarts, period)
}

fn dynamic() -> DynamicSpec {
    DynamicSpec::new()
        .intensity(intensity(ALL_CHILDREN))
        .quarantine(intensity(ONE_CHILD))
        .max_children(MOST_CHILDREN)
}

/// The daemon's root, still without [`surfaces_spec`].
#[must_use]
pub fn root_spec(server: &Arc<Server>) -> SupervisorSpec {
    SupervisorSpec::new(Strategy::OneForOne)
        .intensity(intensity(WELL_KNOWN))
        // The writer of the database: started first and ended last.
        .child(store_spec(server))
        // Nobody waits for these three.
        .child(well_known("texts", &server.texts, || TextsActor, server))
        .child(well_known("memory", &server.memory, || MemoryActor, server))
        .child(housekeeping_spec(server))
        .child(ChildSpec::dynamic("sessions", dynamic()).publish(&server.sessions))
        .child(ChildSpec::dynamic("orchestrations", dynamic()).publish(&server.orchestrations))
        .child(ChildSpec::dynamic("clients", dynamic()).publish(&server.clients))
}

fn store_spec(server: &Arc<Server>) -> ChildSpec {
    let args = {
        let server = Arc::clone(server);
        move || {
            let alive = Arc::clone(&server);
            StoreArgs {
                store: Arc::clone(&server.store),
                everything: Box::new(move || alive.registry.everything()),
            }
        }
    };
    ChildSpec::actor_in("store", &server.store.address, || StoreActor, args)
        .shutdown(Shutdown::Timeout(GOODBYE))
}

fn housekeeping_spec(server: &Arc<Server>) -> ChildSpec {
    let args = Arc::clone(server);
    ChildSpec::actor(
        "housekeeping",
        || HousekeepingActor,
        move || Arc::clone(&args),
    )
    .shutdown(Shutdown::Timeout(GOODBYE))
}

/// A well-known actor with the server as its argument.
fn well_known<A: Actor<Args = Arc<Server>>>(
    name: &'static str,
    slot: &AddressSlot<A::Msg>,
    make: fn() -> A,
    server: &Arc<Server>,
) -> ChildSpec {
    let args = Arc::clone(server);
    ChildSpec::actor_in(name, slot, make, move || Arc::clone(&args))
        .shutdown(Shutdown::Timeout(GOODBYE))
}

/// Where callers come in. Started last, when everything of an earlier daemon is there again.
#[must_use]
pub fn surfaces_spec(
    server: &Arc<Server>,
    rendezvous: &Arc<Rendezvous>,
    http: Option<Surface>,
) -> ChildSpec {
    ChildSpec::supervisor("surfaces", surfaces(server, rendezvous, http))
}

fn surfaces(
    server: &Arc<Server>,
    rendezvous: &Arc<Rendezvous>,
    http: Option<Surface>,
) -> SupervisorSpec {
    let (server, rendezvous) = (Arc::clone(server), Arc::clone(rendezvous));
    let unix = ChildSpec::actor(
        "unix",
        || ListenerActor,
        move || ListenerArgs {
            server: Arc::clone(&server),
            rendezvous: Arc::clone(&rendezvous),
        },
    );
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(intensity(WELL_KNOWN))
        .child(unix.shutdown(Shutdown::Timeout(GOODBYE)));
    match http {
        None => spec,
        Some(surface) => {
            let http = ChildSpec::actor("http", || SurfaceActor, move || surface.clone());
            spec.child(http.shutdown(Shutdown::Timeout(GOODBYE)))
        }
    }
}

/// A session: its panes first, then the actor that knows about them.
#[must_use]
pub fn session_spec(server: &Arc<Server>, entry: &Arc<SessionEntry>) -> ChildSpec {
    let args = {
        let (server, entry) = (Arc::clone(server), Arc::clone(entry));
        move || SessionArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&entry),
        }
    };
    let state = ChildSpec::actor_in("state", &entry.address, || SessionActor, args)
        .shutdown(Shutdown::Timeout(GOODBYE));
    let spec = SupervisorSpec::new(Strategy::RestForOne)
        .intensity(intensity(ONE_CHILD))
        .child(ChildSpec::dynamic("panes", dynamic()).publish(&entry.panes))
        .child(state);
    ChildSpec::supervisor(session_child(entry.id), spec)
}

/// A session's name under its supervisor.
#[must_use]
pub fn session_child(id: SessionUuid) -> ChildId {
    ChildId::from(id.to_string())
}

/// A pane. It ends normally when the pane is closed.
#[must_use]
pub fn pane_spec(server: &Arc<Server>, entry: &Arc<PaneEntry>) -> ChildSpec {
    let (server, pane) = (Arc::clone(server), Arc::clone(entry));
    ChildSpec::actor_in(
        pane_child(entry.id),
        &entry.address,
        || PaneActor,
        move || PaneArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&pane),
        },
    )
    .restart(RestartType::Transient)
    .shutdown(Shutdown::Timeout(GOODBYE))
}

/// A pane's name under its supervisor.
#[must_use]
pub fn pane_child(id: PaneUuid) -> ChildId {
    ChildId::from(id.to_string())
}

/// An orchestration. It ends normally when its clean-up is done.
#[must_use]
pub fn orchestration_spec(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) -> ChildSpec {
    let (server, job) = (Arc::clone(server), Arc::clone(entry));
    ChildSpec::actor_in(
        orchestration_child(entry.id),
        &entry.address,
        || OrchestrationActor,
        move || OrchestrationArgs {
            server: Arc::clone(&server),
            entry: Arc::clone(&job),
        },
    )
    .restart(RestartType::Transient)
    .shutdown(Shutdown::Timeout(GOODBYE))
}

/// An orchestration's name under its supervisor.
#[must_use]
pub fn orchestration_child(id: OrchestrationUuid) -> ChildId {
    ChildId::from(id.to_string())
}

/// A connection. Nobody starts it again: its peer would not know.
#[must_use]
pub fn client_spec(id: ClientUuid, args: ClientArgs) -> OnceSpec {
    ChildSpec::once(ChildId::from(id.to_string()), ClientActor, args)
        .shutdown(Shutdown::Timeout(GOODBYE))
}

/// The error for a child that could not be started.
#[must_use]
pub fn start_error(kind: &str, error: &StartChildError) -> Error {
    match error {
        StartChildError::Full => Error::new(
            ErrorCode::Limit,
            format!("no further {kind} can be started: its supervisor is full"),
        )
        .hint("end some first"),
        StartChildError::ShuttingDown => Error::new(
            ErrorCode::Busy,
            format!("no {kind} can be started: its supervisor is being stopped"),
        )
        .hint("the session or the daemon is ending"),
        StartChildError::AlreadyPresent
        | StartChildError::AlreadyStarted
        | StartChildError::Failed(_)
        | StartChildError::Invalid(_)
        | StartChildError::Timeout => Error::new(
            ErrorCode::Internal,
            format!("the {kind}'s actor did not start: {error}"),
        )
        .hint("see the actor tree (`fugue tree`, fugue_actor_tree) and the daemon's log (`fugue logs`)"),
    }
}

/// The error while a supervisor is being restarted.
#[must_use]
pub fn supervisor_away(name: &str) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("the supervisor {name} is not running at this moment"),
    )
    .hint("try again; `fugue tree` or fugue_actor_tree shows its restarts")
}
