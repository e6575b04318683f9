//! What must hold after each step, and at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use protocol::Target;
use protocol::reply::{PaneInfo, TreeNode};
use protocol::request::{Status, Tree};

use super::users;
use super::world::World;
use crate::support::{eventually, proc};

/// Descriptors of a daemon with nothing but these panes and clients, at most.
const FDS: (usize, usize) = (40, 8);

/// Resident memory of such a daemon without files, in KiB; half of it is for naming functions after panics.
const KIB: (u64, u64) = (100_000, 8_000);

/// Everything, again and again until it holds or the time is up.
pub async fn all(world: &mut World) {
    world.checks += 1;
    let begun = std::time::Instant::now();
    while let Err(wrong) = look(world).await {
        if begun.elapsed() > Duration::from_secs(20) {
            let (seed, step, seen) = (world.seed, world.steps, terminals(world).await);
            panic!("soak: seed {seed} step {step}: {wrong}{seen}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What is to be seen on the terminals of clients.
async fn terminals(world: &World) -> String {
    let desk = world.desk.client().await;
    let mut seen = String::new();
    for terminal in &world.terminals {
        let read = protocol::request::ReadPane {
            pane: Target::from(terminal.desk.pane_id),
            lines: None,
            since: None,
            scrollback: false,
            ansi: false,
            max_bytes: None,
        };
        let screen = desk.call(read).await.map(|read| read.text);
        seen += &format!("\nterminal at {}: {screen:?}", terminal.session);
    }
    seen
}

async fn look(world: &mut World) -> Result<(), String> {
    let client = world.client().await;
    let Ok(sessions) = client.call(protocol::request::ListSessions {}).await else {
        return Err("no answer".to_owned());
    };
    let listed = protocol::request::ListPanes {
        all: true,
        ..Default::default()
    };
    let Ok(panes) = client.call(listed).await else {
        return Err("no answer".to_owned());
    };
    let panes = panes.panes;
    let status = client.ok(Status {}).await;
    let tree = client.ok(Tree::default()).await;
    world
        .keepers
        .extend(panes.iter().map(|pane| pane.keeper_pid));
    what_was_made(world, &panes)?;
    let told: BTreeMap<_, _> = sessions
        .sessions
        .iter()
        .map(|session| (session.session_id, session))
        .collect();
    for session in &world.sessions {
        let Some(info) = told.get(&session.id) else {
            return Err(format!("{} is gone", session.name));
        };
        if info.name.as_str() != session.name {
            return Err(format!("{} is called {}", session.name, info.name));
        }
        let views = world.views.iter().filter(|v| v.session == session.id);
        let terminals = world.terminals.iter().filter(|t| t.session == session.id);
        let attached = views.count() + terminals.count();
        if info.attached_clients as usize != attached {
            return Err(format!(
                "{}: {} clients, not {attached}",
                session.name, info.attached_clients
            ));
        }
    }
    if world.runs.is_empty() && sessions.sessions.len() != world.sessions.len() {
        let names: Vec<_> = sessions.sessions.iter().map(|s| s.name.as_str()).collect();
        return Err(format!("sessions that nobody made: {names:?}"));
    }
    no_orphans(world, &panes)?;
    within_limits(&panes, &tree)?;
    let held = panes.len() + world.views.len() + world.terminals.len();
    let (fds, kib) = (FDS.0 + FDS.1 * held, KIB.0 + KIB.1 * held as u64);
    let own_kib = proc::own_kib(status.pid);
    if status.open_fds as usize > fds || own_kib > kib {
        return Err(format!(
            "{} descriptors and {} KiB with {held} panes and clients",
            status.open_fds, own_kib
        ));
    }
    Ok(())
}

/// Every pane that was made is there, in its session, and no other but those of runs.
fn what_was_made(world: &World, panes: &[PaneInfo]) -> Result<(), String> {
    let mut known = 0;
    for session in &world.sessions {
        for pane in &session.panes {
            let Some(info) = panes.iter().find(|info| info.pane_id == pane.id) else {
                return Err(format!("pane-{} is gone", pane.number));
            };
            if info.session_id != session.id {
                return Err(format!("pane-{} is in another session", pane.number));
            }
            known += 1;
        }
    }
    if world.runs.is_empty() && known != panes.len() {
        return Err(format!("{} panes, not {known}", panes.len()));
    }
    Ok(())
}

/// Each process that has the daemon's mark is the daemon, a program of a user, or below a keeper that is known.
fn no_orphans(world: &World, panes: &[PaneInfo]) -> Result<(), String> {
    let marker = format!("FUGUE_RUNTIME_DIR={}", world.daemon.runtime().display());
    let terminals: Vec<u32> = world.terminals.iter().map(|t| t.desk.pid).collect();
    for pid in proc::marked(&marker) {
        if pid == world.daemon.pid || terminals.contains(&pid) {
            continue;
        }
        let above = proc::ancestors(pid);
        let kept = panes.iter().any(|pane| above.contains(&pane.keeper_pid));
        if !kept && proc::lives(pid) {
            return Err(format!("process {pid} belongs to no pane"));
        }
    }
    let zombies = proc::zombies_of(world.daemon.pid);
    if zombies.len() > 8 {
        return Err(format!("{} zombies", zombies.len()));
    }
    Ok(())
}

/// The tree has an actor for what there is, and none that was given up.
fn within_limits(panes: &[PaneInfo], tree: &TreeNode) -> Result<(), String> {
    fn walk(node: &TreeNode, count: &mut usize) -> Result<(), String> {
        *count += 1;
        if node.status == "quarantined" {
            return Err(format!("{} is given up: {:?}", node.path, node.exits));
        }
        if node.oldest_ms.is_some_and(|ms| ms > 10_000) {
            return Err(format!("{} does not answer", node.path));
        }
        node.children
            .iter()
            .try_for_each(|child| walk(child, count))
    }
    let mut count = 0;
    walk(tree, &mut count)?;
    let most = 60 + 5 * panes.len();
    if count > most {
        return Err(format!("{count} actors for {} panes", panes.len()));
    }
    Ok(())
}

/// Everything is ended, compared to the byte, closed, and leaves nothing.
pub async fn end(mut world: World) {
    while !world.runs.is_empty() {
        users::end_run(&mut world).await;
    }
    for s in 0..world.sessions.len() {
        for p in 0..world.sessions[s].panes.len() {
            users::check_pane(&mut world, s, p).await;
        }
    }
    while !world.sessions.is_empty() {
        users::kill_session(&mut world).await;
    }
    world.views.clear();
    all(&mut world).await;
    let (fds, most) = (&world.daemon, world.fds_at_start + 12);
    eventually("as few descriptors as at the start", async || {
        (fds.fds() <= most).then_some(())
    })
    .await;
    let ran = world.daemon.fugue(&["stop"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(world.daemon.wait().code(), Some(0));
    let keepers = &world.keepers;
    eventually("the end of all keepers", async || {
        let left = keepers
            .iter()
            .filter(|pid| **pid > 0 && proc::is_keeper(**pid));
        (left.count() == 0).then_some(())
    })
    .await;
    let marker = format!("FUGUE_RUNTIME_DIR={}", world.daemon.runtime().display());
    assert_eq!(proc::marked(&marker), Vec::<u32>::new());
    assert_eq!(world.daemon.leftovers(), Vec::<PathBuf>::new());
    eprintln!(
        "soak: seed {}: {} steps, {} checks, {} faults: {:?}",
        world.seed,
        world.steps,
        world.checks,
        world.faults.values().sum::<usize>(),
        world.faults
    );
}
