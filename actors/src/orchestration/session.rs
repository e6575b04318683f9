//! The session of an orchestration: found or made for it, held while it runs, let go at its end.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use protocol::request::RunLayout;
use protocol::{Error, Name, OrchestrationUuid, Target};

use super::entry::OrchestrationEntry;
use crate::cwd::default_cwd;
use crate::registry::Caller;
use crate::server::Server;
use crate::session::life;
use crate::session::{Phase, SessionEntry};
use crate::step::step;
use model::orchestration::plan::Plan;
use model::orchestration::progress::Fact;
use model::session::snapshot::SessionSnapshot;

/// The time that the end of a session that nobody needs may take to be complete.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The session for a plan, held for `id`, and whether it was made for it.
pub(super) async fn obtain(
    server: &Arc<Server>,
    caller: &Caller,
    plan: &Plan,
    id: OrchestrationUuid,
) -> Result<(Arc<SessionEntry>, bool), Error> {
    match &plan.session {
        Some(
            target @ (Target::Id(_)
            | Target::Session(_)
            | Target::Window(_)
            | Target::Pane(_)
            | Target::Path(_)),
        ) => {
            let session = server.registry.find_session(target)?;
            life::acquire(&session, id).await?;
            Ok((session, false))
        }
        Some(Target::Name(name)) => named(server, plan, name, id).await,
        None if plan.layout == RunLayout::Tiled => tiled(server, caller, plan, id).await,
        None => {
            let name = Name::of_orchestration(plan.kind, id)?;
            named(server, plan, &name, id).await
        }
    }
}

/// The caller's own session, else the active one of those that people and programs made, else a new one.
async fn tiled(
    server: &Arc<Server>,
    caller: &Caller,
    plan: &Plan,
    id: OrchestrationUuid,
) -> Result<(Arc<SessionEntry>, bool), Error> {
    let active = || {
        server
            .registry
            .active_session()
            .filter(|s| s.snapshot().made_by.is_none())
    };
    let found = server.registry.callers_session(caller).or_else(active);
    if let Some(session) = found
        && life::acquire(&session, id).await.is_ok()
    {
        return Ok((session, false));
    }
    named(server, plan, &server.registry.free_name(), id).await
}

async fn named(
    server: &Arc<Server>,
    plan: &Plan,
    name: &Name,
    id: OrchestrationUuid,
) -> Result<(Arc<SessionEntry>, bool), Error> {
    let cwd = plan.cwd.clone().unwrap_or_else(|| default_cwd(server));
    let make = || SessionSnapshot {
        leases: BTreeSet::from([id]),
        made_by: Some(id),
        ..server.new_session(
            name.clone(),
            plan.environment.clone(),
            cwd.clone(),
            plan.size,
        )
    };
    life::find_or_create(server, make, id).await
}

/// Lets the session go without anybody waiting for it, and records that.
pub(super) fn release_in_background(server: &Arc<Server>, entry: &Arc<OrchestrationEntry>) {
    let server = Arc::clone(server);
    let released = Released(Arc::clone(entry));
    tokio::spawn(async move {
        let (session, id) = (&released.0.session, released.0.id);
        let releasing = async {
            step!("run: its session is let go", sure);
            life::release(session, id).await;
        };
        if AssertUnwindSafe(releasing).catch_unwind().await.is_err() {
            life::release(session, id).await;
        }
        wait_for_end(&server, session).await;
    });
}

/// Records the release when it is dropped, also by a panic: nobody must wait for it for ever.
struct Released(Arc<OrchestrationEntry>);

impl Drop for Released {
    fn drop(&mut self) {
        self.0.record(Fact::Released);
    }
}

fn has_ended(session: &SessionEntry) -> bool {
    *session.phase().borrow() == Phase::Ended
}

/// Waits until a session that ends because it is empty is gone; one that stays is not waited for.
async fn wait_for_end(server: &Server, session: &SessionEntry) {
    let mut changes = session.changes();
    let stays = changes.wait_for(|snapshot| {
        let is_empty = snapshot.windows.is_empty() && snapshot.leases.is_empty();
        !is_empty && !has_ended(session)
    });
    let gone = server
        .registry
        .until(|registry| registry.session(session.id).is_none());
    tokio::select! {
        _ = stays => {}
        () = gone => {}
        () = tokio::time::sleep(END_LIMIT) => {}
    }
}
