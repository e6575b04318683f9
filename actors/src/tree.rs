//! The root of the supervision tree: its children, in order. Each noun gives its own child spec.

use std::sync::Arc;
use std::time::Duration;

use supervisor::{ChildSpec, Shutdown, Strategy, SupervisorSpec};

use crate::children::{GOODBYE, dynamic, intensity};
use crate::heap_trim::HeapTrimmer;
use crate::housekeeping::HousekeepingActor;
use crate::listener::{ListenerActor, ListenerArgs};
use crate::runtime_dir::RuntimeDir;
use crate::scrollback::ScrollbackSaver;
use crate::server::Server;
use crate::store::{StoreActor, StoreArgs};
use crate::surface::{Surface, SurfaceActor};

/// Restarts of well-known actors; more mean that restarting does not help.
const WELL_KNOWN: (u32, Duration) = (10, Duration::from_secs(60));

/// The daemon's root, still without [`surfaces_spec`].
#[must_use]
pub(crate) fn root_spec(server: &Arc<Server>) -> SupervisorSpec {
    SupervisorSpec::new(Strategy::OneForOne)
        .intensity(intensity(WELL_KNOWN))
        // The writer of the database: started first and ended last.
        .child(store_spec(server))
        // Nobody waits for these three.
        .child(texts_spec(server))
        .child(memory_spec(server))
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

fn texts_spec(server: &Arc<Server>) -> ChildSpec {
    let args = Arc::clone(server);
    ChildSpec::actor_in(
        "scrollback",
        &server.scrollback,
        || ScrollbackSaver,
        move || Arc::clone(&args),
    )
    .shutdown(Shutdown::Timeout(GOODBYE))
}

fn memory_spec(server: &Server) -> ChildSpec {
    ChildSpec::actor_in("heap_trim", &server.heap_trim, || HeapTrimmer, || ())
        .shutdown(Shutdown::Timeout(GOODBYE))
}

/// The spec of the surfaces on which callers come in. Started last, when everything of an earlier daemon is there
/// again.
#[must_use]
pub(crate) fn surfaces_spec(
    server: &Arc<Server>,
    runtime_dir: &Arc<RuntimeDir>,
    http: Option<Surface>,
) -> ChildSpec {
    ChildSpec::supervisor("surfaces", surfaces(server, runtime_dir, http))
}

fn surfaces(
    server: &Arc<Server>,
    runtime_dir: &Arc<RuntimeDir>,
    http: Option<Surface>,
) -> SupervisorSpec {
    let (server, runtime_dir) = (Arc::clone(server), Arc::clone(runtime_dir));
    let unix = ChildSpec::actor(
        "unix",
        || ListenerActor,
        move || ListenerArgs {
            server: Arc::clone(&server),
            runtime_dir: Arc::clone(&runtime_dir),
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
