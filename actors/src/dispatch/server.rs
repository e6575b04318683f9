//! Requests about the server as a whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keeper::hidden;
use protocol::reply::SessionContext;
use protocol::reply::{Forgotten, HealthCheck, ServerStatus, Stopping, TreeExit, TreeNode, Whoami};
use protocol::request::{Forget, StopServer, Tree};
use protocol::{Error, ErrorCode, PaneUuid, Target, os_text};
use rustix::process::{Resource, getrlimit};
use supervisor::{ChildKind, SupervisorSlot};

use crate::clock::millis;
use crate::orchestration;
use crate::pane;
use crate::registry::Caller;
use crate::server::{Server, StopOrder};

/// The time that a part of the daemon may take to show that it lives.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn status(server: &Arc<Server>) -> Result<ServerStatus, Error> {
    let registry = &server.registry;
    let running = registry
        .orchestrations()
        .iter()
        .filter(|entry| !entry.snapshot().status.is_final())
        .count();
    Ok(ServerStatus {
        server: server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        instance: server.instance,
        uptime_ms: millis(server.started.elapsed()),
        sessions: count(registry.session_count()),
        panes: count(registry.pane_count()),
        clients: count(registry.clients().len()),
        orchestrations: count(running),
        resident_kib: resident_kib(),
        pss_kib: hidden::own_pss_kib(),
        exe: hidden::own_exe().map(os_text::encoded),
        open_fds: open_fds(),
        health: vec![
            check("sessions", &server.sessions).await,
            check("orchestrations", &server.orchestrations).await,
            check("clients", &server.clients).await,
        ],
        http: server.http.get().cloned(),
        http_problem: server.http_problem.borrow().clone(),
        careful: server.held_back.careful(),
        containment: Some(server.cgroups().status()),
    })
}

/// A round trip to a well-known supervisor.
async fn check(name: &str, slot: &SupervisorSlot) -> HealthCheck {
    let begun = Instant::now();
    let detail = match slot.get() {
        None => "it is not running".to_owned(),
        Some(supervisor) => {
            match tokio::time::timeout(HEALTH_LIMIT, supervisor.count_children()).await {
                Ok(Ok(_)) => String::new(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("it did not answer within {HEALTH_LIMIT:?}"),
            }
        }
    };
    HealthCheck {
        name: name.to_owned(),
        ok: detail.is_empty(),
        took_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        detail,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Its open descriptors. To count them takes one: where there is none left, all are in use.
fn open_fds() -> u32 {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(dir) => count(dir.count()),
        Err(_) => {
            let limit = getrlimit(Resource::Nofile).current;
            limit.map_or(0, |limit| u32::try_from(limit).unwrap_or(u32::MAX))
        }
    }
}

/// Source: proc_pid_status(5), VmRSS.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

pub(super) async fn stop(server: &Arc<Server>, params: StopServer) -> Result<Stopping, Error> {
    let panes = server.registry.panes();
    let running = panes
        .iter()
        .filter(|pane| !pane.state().borrow().has_ended());
    let panes = count(running.count());
    server.order_stop(StopOrder {
        keep_panes: params.keep_panes,
        by_signal: false,
    });
    Ok(Stopping {
        pid: std::process::id(),
        ended_panes: if params.keep_panes { 0 } else { panes },
        kept_panes: if params.keep_panes { panes } else { 0 },
    })
}

pub(super) async fn forget(server: &Arc<Server>, params: Forget) -> Result<Forgotten, Error> {
    let registry = &server.registry;
    let target = params.session.as_ref();
    let live = target.map(|target| registry.find_session(target));
    let live = live.and_then(Result::ok);
    let meant = |context: &SessionContext| match target {
        None => true,
        Some(Target::Id(id)) => context.session_id.as_uuid() == *id,
        // Of a session that is gone nothing but its id and its name is remembered.
        Some(Target::Session(_) | Target::Window(_) | Target::Pane(_) | Target::Path(_)) => {
            live.as_ref().is_some_and(|s| s.id == context.session_id)
        }
        Some(Target::Name(name)) => {
            context.session_name == *name
                && live.as_ref().is_none_or(|s| s.id == context.session_id)
        }
    };
    let panes = registry.forget_ended(|ended| meant(&ended.context));
    panes.iter().for_each(|id| server.store.forget_end(*id));
    let orchestrations = orchestration::forget_ended(server, meant);
    let texts: Vec<_> = live
        .iter()
        .flat_map(|s| s.snapshot().panes().collect::<Vec<_>>())
        .collect();
    if let Some(target) = target
        && live.is_none()
        && panes.is_empty()
        && orchestrations == 0
    {
        registry.find_session(target)?;
    }
    if target.is_none() {
        for key in server.idempotency.forget_answered() {
            let _ = server.store.forget_key(&key);
        }
    }
    let forgotten = Forgotten {
        panes: count(panes.len()),
        orchestrations: count(orchestrations),
        texts: count(texts.len()),
    };
    server.store.forget_now(texts).await?;
    Ok(forgotten)
}

pub(super) async fn whoami(server: &Arc<Server>, caller: &Caller) -> Result<Whoami, Error> {
    let registry = &server.registry;
    let own = registry.callers_session(caller);
    let snapshot = own.as_ref().map(|session| session.snapshot());
    let pane = caller.pane.filter(|_| own.is_some());
    let window = snapshot
        .as_ref()
        .zip(pane)
        .and_then(|(s, p)| s.window_of(p).map(|w| w.id));
    let attached = registry
        .sessions()
        .iter()
        .map(|session| session.snapshot().attached_clients())
        .sum();
    Ok(Whoami {
        server: server.name.clone(),
        session: own.map(|session| session.context(&server.name)),
        window_id: window,
        pane_id: pane,
        number: pane.and_then(|pane| registry.leaf(pane)?.number().told()),
        active: registry
            .active_session()
            .map(|session| session.context(&server.name)),
        attached_clients: attached,
        rights: Some(caller.rights),
    })
}

pub(super) async fn tree(
    server: &Arc<Server>,
    _caller: &Caller,
    params: Tree,
) -> Result<TreeNode, Error> {
    let node = match &params.session {
        None => server.tree.snapshot(),
        Some(target) => {
            let session = server.registry.find_session(target)?;
            server
                .tree
                .snapshot_under(&format!("fugued/sessions/{}", session.id))
        }
    };
    let careful = server.held_back.careful();
    let careful = careful.filter(|_| params.session.is_none());
    let told = |mut node: TreeNode| {
        node.details
            .extend(careful.map(|why| ("careful".to_owned(), why)));
        node
    };
    let with_panes = |mut node: TreeNode| {
        tell_panes(server, &mut node);
        node
    };
    node.map(wire_node)
        .map(told)
        .map(with_panes)
        .ok_or_else(|| Error::new(ErrorCode::NotFound, "that part of the tree is not there"))
}

/// Adds what is known of panes beside their actors: what people call them, and what hangs.
fn tell_panes(server: &Server, node: &mut TreeNode) {
    for child in &mut node.children {
        tell_panes(server, child);
    }
    let id = node.id.parse::<PaneUuid>().ok();
    let Some(pane) = id.and_then(|id| server.registry.pane(id)) else {
        return;
    };
    let session = server.registry.session(pane.session);
    let snapshot = session.map(|session| session.snapshot());
    let address = snapshot.and_then(|snapshot| {
        let (window, index) = snapshot.place_of(pane.id)?;
        Some(format!("{}/{window}.{index}", snapshot.name))
    });
    let number = pane.record.number.told();
    let more = [
        ("number", number.map(|number| number.to_string())),
        ("address", address),
        ("hangs", pane::hangs(&pane)),
    ];
    let more = more
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    node.details.extend(more);
}

fn wire_node(node: supervisor::TreeNode) -> TreeNode {
    TreeNode {
        kind: match node.kind {
            ChildKind::Actor => "actor",
            ChildKind::Supervisor => "supervisor",
            ChildKind::Dynamic => "dynamic",
        }
        .to_owned(),
        status: <&str>::from(node.status).to_owned(),
        id: node.id,
        path: node.path,
        since_ms: node.since_ms,
        restarts_in_window: node.restarts_in_window,
        max_restarts: node.max_restarts,
        restarts_total: node.restarts_total,
        exits: node
            .exits
            .into_iter()
            .rev()
            .map(|exit| TreeExit {
                reason: exit.reason.to_string(),
                age_ms: exit.age_ms,
            })
            .collect(),
        mailbox: node.mailbox_depth as u64,
        oldest_ms: node.oldest_message_ms,
        handled: node.handled,
        handler_p50_us: node.handler_p50_us,
        handler_p99_us: node.handler_p99_us,
        busy: node.busy.map(|busy| (busy.label.to_string(), busy.for_ms)),
        details: node.details,
        children: node.children.into_iter().map(wire_node).collect(),
    }
}
