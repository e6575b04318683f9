//! Dynamic supervisors, on real ractor under the paused clock.

use std::time::Duration;

use supervisor::{
    Cause, ChildError, ChildSpec, DynamicSpec, ExitReason, Intensity, RestartType, StartChildError,
    StartFailure, Status, Strategy, SupervisorRef, SupervisorSlot, SupervisorSpec, Tree,
};
use tokio::time::Instant;

use crate::support::{Manner, Probe, ProbeArgs, World, end, settle};

async fn start(world: &World, spec: DynamicSpec) -> (SupervisorRef, SupervisorRef, Tree) {
    let slot = SupervisorSlot::new();
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(Intensity::new(1, seconds(5)))
        .child(ChildSpec::dynamic("pool", spec).publish(&slot));
    let (root, tree) = world.start(spec).await;
    let pool = slot.get().unwrap();
    (root, pool, tree)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn slow_start() -> Manner {
    Manner {
        start_takes: seconds(10),
        ..Manner::default()
    }
}

fn slow_stop() -> Manner {
    Manner {
        stop_takes: seconds(3),
        ..Manner::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_one_refuses_and_lives_on() {
    let world = World::default();
    let (_root, pool, _tree) = start(&world, DynamicSpec::new().max_children(2)).await;
    pool.start_child(world.child("a")).await.unwrap();
    pool.start_child(world.child("b")).await.unwrap();
    let full = pool.start_child(world.child("c")).await.unwrap_err();
    assert_eq!(full, StartChildError::Full);
    pool.terminate_child("a").await.unwrap();
    pool.start_child(world.child("c")).await.unwrap();
    assert_eq!(pool.count_children().await.unwrap().active, 2);
}

#[tokio::test(start_paused = true)]
async fn slow_starts_and_stops_hold_up_nobody() {
    let world = World::default();
    let (_root, pool, tree) = start(&world, DynamicSpec::new()).await;
    let begin = Instant::now();
    let slow = world.child_as("slow", "slow", slow_start());
    let starting = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.start_child(slow).await })
    };
    settle().await;
    let status = tree.snapshot_under("root/pool/slow").unwrap().status;
    assert_eq!(status, Status::Starting);
    let twice = pool.start_child(world.child("slow")).await.unwrap_err();
    assert_eq!(twice, StartChildError::AlreadyStarted);
    let quick = world.child_as("quick", "quick", slow_stop());
    pool.start_child(quick).await.unwrap();
    let stopping = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.terminate_child("quick").await })
    };
    settle().await;
    pool.start_child(world.child("other")).await.unwrap();
    assert!(begin.elapsed() < seconds(1));
    stopping.await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), 3);
    starting.await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn terminating_cancels_a_start() {
    let world = World::default();
    let (_root, pool, tree) = start(&world, DynamicSpec::new()).await;
    let slow = world.child_as("slow", "slow", slow_start());
    let starting = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.start_child(slow).await })
    };
    settle().await;
    pool.terminate_child("slow").await.unwrap();
    let error = starting.await.unwrap().unwrap_err();
    assert_eq!(error, StartChildError::Failed(StartFailure::Terminated));
    tokio::time::sleep(seconds(20)).await;
    assert!(world.take_log().is_empty());
    assert!(tree.snapshot_under("root/pool/slow").is_none());
}

#[tokio::test(start_paused = true)]
async fn children_stop_side_by_side_also_those_half_started() {
    let world = World::default();
    let (root, pool, _tree) = start(&world, DynamicSpec::new()).await;
    for i in 0..10 {
        let name = format!("x{i}");
        pool.start_child(world.child_as(&name, &name, slow_stop()))
            .await
            .unwrap();
    }
    let slow = world.child_as("slow", "slow", slow_start());
    let starting = tokio::spawn(async move { pool.start_child(slow).await });
    settle().await;
    let begin = Instant::now();
    root.shutdown(ExitReason::Shutdown, seconds(60))
        .await
        .unwrap();
    assert_eq!(begin.elapsed().as_secs(), 3);
    assert_eq!(
        starting.await.unwrap().unwrap_err(),
        StartChildError::ShuttingDown
    );
    let log = world.take_log();
    assert_eq!(
        log.iter().filter(|line| line.starts_with("stop")).count(),
        10
    );
}

#[tokio::test(start_paused = true)]
async fn children_that_end_for_good_are_forgotten() {
    let world = World::default();
    let (_root, pool, tree) = start(&world, DynamicSpec::new()).await;
    for (restart, how) in [
        (RestartType::Temporary, "error"),
        (RestartType::Transient, "normal"),
        (RestartType::Transient, "shutdown"),
    ] {
        pool.start_child(world.child("a").restart(restart))
            .await
            .unwrap();
        end(&world.probe("a"), how);
        settle().await;
        assert_eq!(pool.count_children().await.unwrap().specs, 0);
        assert!(
            tree.snapshot_under("root/pool")
                .unwrap()
                .children
                .is_empty()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_of_all_children_together_count() {
    let world = World::default();
    let intensity = Intensity::new(1, seconds(5));
    let (root, pool, tree) = start(&world, DynamicSpec::new().intensity(intensity)).await;
    pool.start_child(world.child("a")).await.unwrap();
    pool.start_child(world.child("b")).await.unwrap();
    end(&world.probe("a"), "error");
    settle().await;
    end(&world.probe("b"), "error");
    settle().await;
    assert!(!pool.is_alive());
    assert!(root.is_alive());
    let node = tree.snapshot_under("root/pool").unwrap();
    assert_eq!((node.status, node.restarts_total), (Status::Running, 1));
    assert!(node.children.is_empty(), "it is restarted empty");
    assert_eq!(world.take_log()[2..], ["start a", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn with_quarantine_one_child_is_given_up_alone() {
    let world = World::default();
    let spec = DynamicSpec::new()
        .intensity(Intensity::new(0, seconds(5)))
        .quarantine(Intensity::new(2, seconds(5)));
    let (_root, pool, tree) = start(&world, spec).await;
    pool.start_child(world.child("a")).await.unwrap();
    pool.start_child(world.child("b")).await.unwrap();
    for _ in 0..3 {
        end(&world.probe("a"), "error");
        settle().await;
    }
    end(&world.probe("b"), "error");
    settle().await;
    assert!(pool.is_alive());
    let node = tree.snapshot_under("root/pool/a").unwrap();
    assert_eq!(node.status, Status::Quarantined);
    assert_eq!(
        node.exits.last().unwrap().reason,
        ExitReason::Failed("boom".into())
    );
    let b = tree.snapshot_under("root/pool/b").unwrap();
    assert_eq!((b.status, b.restarts_total), (Status::Running, 1));
    let present = pool.start_child(world.child("a")).await.unwrap_err();
    assert_eq!(present, StartChildError::AlreadyPresent);
    pool.restart_child("a").await.unwrap();
    end(&world.probe("a"), "error");
    settle().await;
    let status = tree.snapshot_under("root/pool/a").unwrap().status;
    assert_eq!(status, Status::Running, "its window begins anew");
    for _ in 0..2 {
        end(&world.probe("a"), "error");
        settle().await;
    }
    pool.delete_child("a").await.unwrap();
    assert!(tree.snapshot_under("root/pool/a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failing_restart_is_quarantined_too() {
    let world = World::default();
    let spec = DynamicSpec::new().quarantine(Intensity::new(3, seconds(5)));
    let (_root, pool, tree) = start(&world, spec).await;
    pool.start_child(world.child("a")).await.unwrap();
    world.fail("a", 100);
    end(&world.probe("a"), "error");
    settle().await;
    let node = tree.snapshot_under("root/pool/a").unwrap();
    assert_eq!(node.status, Status::Quarantined);
    assert_eq!(node.exits.len(), 4);
    assert_eq!(
        pool.restart_child("a").await.unwrap_err(),
        ChildError::Failed(StartFailure::Failed(Cause::new("told to fail")))
    );
    pool.terminate_child("a").await.unwrap();
    assert_eq!(pool.count_children().await.unwrap().specs, 0);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_while_its_start_is_reported_is_restarted() {
    let world = World::default();
    let (_root, pool, _tree) = start(&world, DynamicSpec::new()).await;
    let manner = Manner {
        start_takes: Duration::from_millis(10),
        ..Manner::default()
    };
    let starting = {
        let (pool, child) = (pool.clone(), world.child_as("a", "a", manner));
        tokio::spawn(async move { pool.start_child(child).await })
    };
    while world.try_probe("a").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.probe("a").kill();
    starting.await.unwrap().unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(world.take_log(), ["start a", "start a"]);
}

#[tokio::test(start_paused = true)]
async fn a_once_child_takes_its_arguments_with_it() {
    let world = World::default();
    let (_root, pool, _tree) = start(&world, DynamicSpec::new()).await;
    let args = ProbeArgs {
        world: world.clone(),
        name: "a".into(),
        manner: Manner::default(),
    };
    pool.start_child(ChildSpec::once("a", Probe, args))
        .await
        .unwrap();
    end(&world.probe("a"), "panic");
    settle().await;
    assert_eq!(pool.count_children().await.unwrap().specs, 0);
    assert_eq!(world.take_log(), ["start a"]);
}
