//! Addresses, monitors, timers, vitals and the tree, on real ractor under the paused clock.

use std::time::Duration;

use supervisor::{
    AddressSlot, CallError, ChildSpec, ExitReason, Intensity, SendError, StartChildError,
    StartFailure, Status, Strategy, SupervisorRef, SupervisorSpec, Tree, TreeNode,
};

use crate::support::{Manner, Probe, ProbeArgs, ProbeMsg, World, end, settle};

const LIMIT: Duration = Duration::from_secs(1);

async fn start(world: &World, names: &[&str]) -> (SupervisorRef, Tree) {
    let manner = Manner {
        log_drop: true,
        ..Manner::default()
    };
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(Intensity::new(100, LIMIT))
        .children(names.iter().map(|name| world.child_as(name, name, manner)));
    world.start(spec).await
}

async fn monitor(world: &World, from: &str, to: &str) -> bool {
    let make = |reply| ProbeMsg::Monitor(to.to_owned(), reply);
    world.probe(from).call(make, LIMIT).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_monitor_learns_of_each_kind_of_end_once_the_state_is_dropped() {
    for (how, reason) in [
        ("normal", "normal"),
        ("shutdown", "shutdown"),
        ("shutdown_for", "shutdown: x"),
        ("error", "failed: boom"),
        ("panic", "panicked: boom"),
        ("kill", "killed"),
    ] {
        let world = World::default();
        let (_root, _tree) = start(&world, &["a", "b"]).await;
        assert!(monitor(&world, "a", "b").await);
        assert!(monitor(&world, "a", "b").await, "twice is as once");
        end(&world.probe("b"), how);
        settle().await;
        let mut log = world.take_log();
        log.retain(|line| line != "start b");
        assert_eq!(log, ["drop b".to_owned(), format!("a saw {reason}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_of_a_dead_actor_is_refused() {
    let world = World::default();
    let (root, _tree) = start(&world, &["a", "b"]).await;
    root.terminate_child("b").await.unwrap();
    world.take_log();
    assert!(!monitor(&world, "a", "b").await);
    settle().await;
    assert!(world.take_log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_monitor_can_be_taken_back_and_ends_with_its_owner() {
    let world = World::default();
    let (root, _tree) = start(&world, &["a", "b"]).await;
    assert!(monitor(&world, "a", "b").await);
    world.probe("a").unmonitor(&world.probe("b"));
    end(&world.probe("b"), "error");
    settle().await;
    assert!(monitor(&world, "a", "b").await);
    root.terminate_child("a").await.unwrap();
    world.take_log();
    end(&world.probe("b"), "error");
    settle().await;
    assert_eq!(world.take_log(), ["drop b", "start b"]);
}

#[tokio::test(start_paused = true)]
async fn monitors_set_while_the_target_dies_lose_nothing() {
    let world = World::default();
    let (_root, _tree) = start(&world, &["a", "b"]).await;
    let mut refused = 0;
    for _ in 0..50 {
        end(&world.probe("b"), "kill");
        refused += usize::from(!monitor(&world, "a", "b").await);
        settle().await;
    }
    settle().await;
    let seen = world
        .take_log()
        .iter()
        .filter(|line| line.starts_with("a saw"))
        .count();
    assert_eq!(seen + refused, 50);
}

#[tokio::test(start_paused = true)]
async fn calls_end_with_an_answer_a_time_limit_or_the_actor() {
    let world = World::default();
    let (root, _tree) = start(&world, &["a"]).await;
    let a = world.probe("a");
    assert_eq!(a.call(ProbeMsg::Ping, LIMIT).await, Ok(1));
    a.cast(ProbeMsg::Sleep(2 * LIMIT)).unwrap();
    let late = a.call(ProbeMsg::Ping, LIMIT).await;
    assert_eq!(late, Err(CallError::Timeout(LIMIT)));
    assert_eq!(a.call(ProbeMsg::Ping, 2 * LIMIT).await, Ok(3));
    a.cast(ProbeMsg::Fail("boom".into())).unwrap();
    assert_eq!(a.call(ProbeMsg::Ping, LIMIT).await, Err(CallError::Gone));
    root.terminate_child("a").await.unwrap();
    assert_eq!(a.cast(ProbeMsg::Sleep(LIMIT)), Err(SendError::Ended));
    assert_eq!(a.vitals().mailbox_depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bounded_mailbox_refuses_what_is_too_much_and_takes_the_rest() {
    let world = World::default();
    let child = world.child("a").mailbox(2);
    let (root, _tree) = world
        .start(SupervisorSpec::new(Strategy::OneForOne).child(child))
        .await;
    let a = world.probe("a");
    a.cast(ProbeMsg::Sleep(LIMIT)).unwrap();
    settle().await;
    assert_eq!(
        a.cast(ProbeMsg::Sleep(LIMIT)),
        Ok(()),
        "the first is being handled"
    );
    assert_eq!(a.cast(ProbeMsg::Sleep(LIMIT)), Ok(()));
    assert_eq!(a.cast(ProbeMsg::Sleep(LIMIT)), Err(SendError::Full));
    assert_eq!(a.call(ProbeMsg::Ping, LIMIT).await, Err(CallError::Full));
    assert_eq!(
        a.vitals().mailbox_depth(),
        2,
        "what was refused does not count"
    );
    tokio::time::sleep(3 * LIMIT).await;
    assert_eq!(
        a.call(ProbeMsg::Ping, LIMIT).await,
        Ok(1),
        "the other one was not delivered"
    );
    // A stop, and news of monitored actors, come through whatever waits.
    a.cast(ProbeMsg::Sleep(LIMIT)).unwrap();
    root.terminate_child("a").await.unwrap();
    assert_eq!(a.cast(ProbeMsg::Sleep(LIMIT)), Err(SendError::Ended));
}

#[tokio::test(start_paused = true)]
async fn an_actors_own_error_is_in_the_failure_of_its_start() {
    let world = World::default();
    let (root, _tree) = world.start(SupervisorSpec::new(Strategy::OneForOne)).await;
    world.fail("a", 1);
    let error = root.start_child(world.child("a")).await.unwrap_err();
    let StartChildError::Failed(StartFailure::Failed(cause)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(cause.get().to_string(), "told to fail");
}

#[tokio::test(start_paused = true)]
async fn timers_fire_once_unless_cancelled() {
    let world = World::default();
    let (_root, _tree) = start(&world, &["a"]).await;
    let a = world.probe("a");
    let kept = a.send_after(LIMIT, ProbeMsg::Fail("timer".into()));
    let cancelled = a.send_after(LIMIT / 2, ProbeMsg::Panic("never".into()));
    cancelled.cancel();
    tokio::time::sleep(LIMIT * 3).await;
    assert_eq!(world.take_log(), ["drop a", "start a"]);
    assert_eq!(
        a.vitals().exit_reason(),
        Some(ExitReason::Failed("timer".into()))
    );
    kept.cancel();
}

#[tokio::test(start_paused = true)]
async fn vitals_tell_what_waits_and_what_runs() {
    let world = World::default();
    let (_root, tree) = start(&world, &["a"]).await;
    let a = world.probe("a");
    a.set_details(vec![("pid", "42".into())]);
    a.cast(ProbeMsg::Sleep(Duration::from_millis(100))).unwrap();
    settle().await;
    for _ in 0..3 {
        a.cast(ProbeMsg::Sleep(Duration::ZERO)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let node = tree.snapshot_under("root/a").unwrap();
    assert_eq!(node.mailbox_depth, 3);
    assert_eq!(node.oldest_message_ms, Some(50));
    let busy = node.busy.clone().unwrap();
    assert_eq!((busy.label.as_str(), busy.for_ms), ("Sleep", 51));
    assert_eq!(node.handled, 0);
    assert_eq!(node.details, [("pid".to_owned(), "42".to_owned())]);
    tokio::time::sleep(LIMIT).await;
    let node = tree.snapshot_under("root/a").unwrap();
    assert_eq!((node.handled, node.mailbox_depth, node.busy), (4, 0, None));
    assert_eq!(node.oldest_message_ms, None);
    let p99_ms = node.handler_p99_us as f64 / 1000.0;
    assert!((80.0..=120.0).contains(&p99_ms), "{p99_ms}");
    assert!(node.handler_p50_us < 3_000, "{}", node.handler_p50_us);
}

#[tokio::test(start_paused = true)]
async fn the_tree_is_plain_data() {
    let world = World::default();
    let inner = SupervisorSpec::new(Strategy::OneForAll).child(world.child("b"));
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .child(world.child("a"))
        .child(ChildSpec::supervisor("inner", inner));
    assert!(Tree::new().snapshot().is_none());
    let (_root, tree) = world.start(spec).await;
    end(&world.probe("b"), "panic");
    settle().await;
    let node = tree.snapshot().unwrap();
    let text = serde_json::to_string(&node).unwrap();
    let back: TreeNode = serde_json::from_str(&text).unwrap();
    assert_eq!(back, node);
    assert!(
        text.contains(r#"{"kind":"panicked","detail":"boom"}"#),
        "{text}"
    );
    let paths: Vec<&str> = node
        .children
        .iter()
        .map(|child| child.path.as_str())
        .collect();
    assert_eq!(paths, ["root/a", "root/inner"]);
    assert_eq!(node.children[1].children[0].status, Status::Running);
    for missing in ["", "rooot", "root/", "root/a/b", "root/inner/c"] {
        assert!(tree.snapshot_under(missing).is_none(), "{missing}");
    }
}

#[tokio::test(start_paused = true)]
async fn slots_follow_restarts() {
    let world = World::default();
    let slot = AddressSlot::new();
    let args = ProbeArgs {
        world: world.clone(),
        name: "a".into(),
        manner: Manner::default(),
    };
    let child = ChildSpec::actor_in("a", &slot, || Probe, move || args.clone());
    assert!(slot.get().is_none());
    let spec = SupervisorSpec::new(Strategy::OneForOne).child(child);
    let (root, _tree) = world.start(spec).await;
    let first = slot.get().unwrap();
    first.kill();
    settle().await;
    let second = slot.get().unwrap();
    assert_ne!(first.id(), second.id());
    assert!(!first.is_alive());
    root.terminate_child("a").await.unwrap();
    assert!(slot.get().is_none());
}
