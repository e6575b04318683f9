//! What goes wrong.

use std::time::Duration;

use protocol::reply::PaneInfo;
use protocol::request::CreateSession;
use protocol::{Name, Target};
use rustix::process::Signal;

use super::users;
use super::world::{World, is_gone};
use crate::support::{eventually, proc};

/// The daemon is killed and another one started, at once or after a while.
pub async fn kill_daemon(world: &mut World) {
    let pause = Duration::from_millis(world.random.below(300) as u64);
    users::type_unread(world).await;
    world.fault("kill -9 of the daemon", &format!("for {pause:?}"));
    world.daemon.signal(Signal::KILL);
    world.daemon.wait();
    world.daemon_died();
    tokio::time::sleep(pause).await;
    world.daemon.launch();
}

/// The daemon is killed while some keepers are stopped: their panes wait, and everything goes on when they do.
pub async fn kill_daemon_beside_stopped_keepers(world: &mut World) {
    let panes = world.client().await.panes().await;
    let mut stopped = Vec::new();
    // A keeper that was killed a moment ago can still be there.
    let known = world.sessions.iter().flat_map(|session| &session.panes);
    let lost: Vec<_> = known.filter(|pane| pane.lost).map(|pane| pane.id).collect();
    let running = |pane: &&PaneInfo| pane.status.exit.is_none() && !lost.contains(&pane.pane_id);
    for pane in panes.iter().filter(running) {
        if world.random.one_in(4) && proc::is_keeper(pane.keeper_pid) {
            proc::signal(pane.keeper_pid, Signal::STOP);
            stopped.push(pane);
        }
    }
    let keepers: Vec<u32> = stopped.iter().map(|pane| pane.keeper_pid).collect();
    world.fault(
        "kill -9 of the daemon beside stopped keepers",
        &format!("{keepers:?}"),
    );
    world.daemon.signal(Signal::KILL);
    world.daemon.wait();
    world.daemon_died();
    world.daemon.launch();
    let client = world.client().await;
    for pane in &stopped {
        assert!(proc::is_keeper(pane.keeper_pid), "{pane:?}");
        proc::signal(pane.keeper_pid, Signal::CONT);
    }
    eventually("all keepers are reached", async || {
        let panes = client.panes().await;
        let away = panes.iter().any(|pane| pane.status.unreachable.is_some());
        (!away).then_some(())
    })
    .await;
}

/// The daemon is killed while it makes a session; the request is made again with its key.
pub async fn kill_daemon_during_a_create(world: &mut World) {
    let (pane, number, kind) = users::program(world);
    let pause = Duration::from_micros(world.random.below(12_000) as u64);
    let name = format!("session-{number}");
    world.fault("kill -9 of the daemon in a create", &name);
    let create = CreateSession {
        name: Some(Name::new(&name).unwrap()),
        pane,
        ..CreateSession::default()
    };
    let pid = world.daemon.pid;
    let key = format!("{}-create-{number}", world.seed);
    let client = world.client().await;
    let killer = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        proc::signal(pid, Signal::KILL);
    });
    let limit = Duration::from_secs(10);
    let first = client
        .connection
        .call_with_key(&create, Some(key.clone()), limit)
        .await;
    killer.await.unwrap();
    world.daemon.wait();
    world.daemon_died();
    world.daemon.launch();
    let client = world.client().await;
    let again = client
        .connection
        .call_with_key(&create, Some(key), limit)
        .await;
    let again = again.unwrap_or_else(|error| panic!("{error}"));
    match first {
        Ok(first) => assert_eq!(first.pane_id, again.pane_id),
        Err(error) => assert!(is_gone(&error), "{error}"),
    }
    users::session_made(world, &again, name);
    let index = world.sessions.len() - 1;
    users::made(world, index, again.pane_id, number, kind).await;
}

/// An orderly stop that leaves the programs, and a start.
pub async fn stop_and_start(world: &mut World) {
    users::type_unread(world).await;
    world.fault("stop --keep-panes", "and start");
    let ran = world.daemon.fugue(&["stop", "--keep-panes"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    world.daemon.wait();
    world.daemon_died();
    world.daemon.launch();
}

pub async fn suspend_daemon(world: &mut World) {
    let pause = Duration::from_millis(100 + world.random.below(900) as u64);
    world.fault("SIGSTOP of the daemon", &format!("for {pause:?}"));
    world.daemon.signal(Signal::STOP);
    tokio::time::sleep(pause).await;
    world.daemon.signal(Signal::CONT);
}

pub async fn kill_keeper(world: &mut World) {
    let Some((s, p)) = world.any_pane(|pane| !pane.lost) else {
        return;
    };
    let (id, number) = (
        world.sessions[s].panes[p].id,
        world.sessions[s].panes[p].number,
    );
    let panes = world.client().await.panes().await;
    let keeper = panes.iter().find(|pane| pane.pane_id == id);
    let keeper = keeper.expect("the pane is there").keeper_pid;
    world.fault("kill -9 of a keeper", &format!("of pane-{number}"));
    if proc::lives(keeper) {
        proc::signal(keeper, Signal::KILL);
    }
    world.sessions[s].panes[p].lost = true;
}

/// A client is gone without a word: a connection, or a `fugue attach`.
pub async fn kill_client(world: &mut World) {
    if !world.terminals.is_empty() && world.random.one_in(2) {
        let index = world.random.below(world.terminals.len());
        let terminal = world.terminals.remove(index);
        world.fault("kill -9 of a client", &terminal.desk.pid.to_string());
        proc::signal(terminal.desk.pid, Signal::KILL);
        world.close_terminal(terminal).await;
    } else if !world.views.is_empty() {
        let index = world.random.below(world.views.len());
        let view = world.views.remove(index);
        world.fault("death of a connection", &view.name);
    }
}

pub async fn delete_runtime_directory(world: &mut World) {
    world.fault("deletion of the runtime directory", "");
    std::fs::remove_dir_all(world.daemon.runtime()).unwrap();
    let socket = world.daemon.socket();
    eventually("a socket again", async || {
        (!protocol::transport::is_absent(&socket)).then_some(())
    })
    .await;
    let panes = world.client().await.panes().await;
    let paths = world.daemon.paths();
    eventually("the keepers' sockets again", async || {
        panes
            .iter()
            .filter(|pane| proc::lives(pane.keeper_pid))
            .all(|pane| paths.pane_socket(pane.pane_id).exists())
            .then_some(())
    })
    .await;
}

/// An actor of a random kind panics.
pub async fn crash_actor(world: &mut World) {
    let kind = *world.random.of(&["pane", "pane_io", "session", "client"]);
    match kind {
        "client" => {
            if world.views.is_empty() {
                return;
            }
            let index = world.random.below(world.views.len());
            let view = world.views.remove(index);
            world.fault("panic of a client's actor", &view.name);
            let crashed = world.client().await.crash(kind, &view.name).await;
            crashed.unwrap_or_else(|error| panic!("{error}"));
        }
        "session" => {
            let Some(index) = world.any_session() else {
                return;
            };
            let id = world.sessions[index].id;
            if !world.may_crash(&format!("{id}")) {
                return;
            }
            world.fault("panic of a session's actor", &id.to_string());
            let crashed = world.client().await.crash(kind, Target::from(id)).await;
            crashed.unwrap_or_else(|error| panic!("{error}"));
        }
        _ => {
            let Some((s, p)) = world.any_pane(|pane| !pane.lost) else {
                return;
            };
            let id = world.sessions[s].panes[p].id;
            let session = world.sessions[s].id;
            // A session's actor is started again after its panes' supervisor, too.
            if !world.may_crash(&format!("{id}")) || !world.may_crash(&format!("{session}")) {
                return;
            }
            world.fault("panic of a pane's actor", &format!("{kind} {id}"));
            let crashed = world.client().await.crash(kind, Target::from(id)).await;
            crashed.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
