//! Supervisors with fixed children, on real ractor under the paused clock.

use std::time::Duration;

use supervisor::{
    AutoShutdown, Backoff, Cause, ChildError, ChildSpec, ExitReason, Intensity, RestartType,
    Shutdown, StartChildError, StartError, StartFailure, Status, Strategy, SupervisorSlot,
    SupervisorSpec, Tree,
};
use tokio::time::Instant;

use crate::support::{Manner, ProbeMsg, World, end, settle};

const LIMIT: Duration = Duration::from_secs(60);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn plain() -> SupervisorSpec {
    SupervisorSpec::new(Strategy::OneForOne).intensity(Intensity::new(3, seconds(5)))
}

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let world = World::default();
    let tree = Tree::new();
    let spec = plain().children(["a", "b", "c"].map(|name| world.child(name)));
    let root = supervisor::start("root", spec, &tree).await.unwrap();
    assert_eq!(world.take_log(), ["start a", "start b", "start c"]);
    let reason = root.shutdown(ExitReason::Normal, LIMIT).await;
    assert_eq!(reason, Ok(ExitReason::Normal));
    assert_eq!(world.take_log(), ["stop c", "stop b", "stop a"]);
    settle().await;
    assert_eq!(tree.snapshot().unwrap().status, Status::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_start_undoes_those_before_it() {
    let world = World::default();
    let tree = Tree::new();
    world.fail("c", 1);
    let spec = plain().children(["a", "b", "c", "d"].map(|name| world.child(name)));
    let error = supervisor::start("root", spec.clone(), &tree)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "child c did not start: told to fail");
    let failure = Box::new(StartFailure::Failed(Cause::new("told to fail")));
    let id = "c".into();
    assert_eq!(
        error,
        StartError::Failed(StartFailure::Child { id, failure })
    );
    let expected = ["start a", "start b", "fail c", "stop b", "stop a"];
    assert_eq!(world.take_log(), expected);
    supervisor::start("root", spec, &tree).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_child_has_its_own_time_to_stop_and_is_then_killed() {
    let world = World::default();
    let slow = Manner {
        stop_takes: seconds(100),
        log_drop: true,
        ..Manner::default()
    };
    let child = |name, shutdown| world.child_as(name, name, slow).shutdown(shutdown);
    let spec = plain()
        .child(child("a", Shutdown::Timeout(seconds(2))))
        .child(child("b", Shutdown::BrutalKill))
        .child(child("c", Shutdown::Timeout(seconds(3))))
        .child(child("d", Shutdown::Infinity));
    let (root, _tree) = world.start(spec).await;
    let begin = Instant::now();
    root.shutdown(ExitReason::Shutdown, seconds(1000))
        .await
        .unwrap();
    assert_eq!(begin.elapsed().as_secs(), 105);
    let expected = [
        "stop d", "drop d", "stop c", "drop c", "drop b", "stop a", "drop a",
    ];
    assert_eq!(world.take_log(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_takes_too_long_says_so_and_goes_on() {
    let world = World::default();
    let slow = Manner {
        stop_takes: seconds(10),
        ..Manner::default()
    };
    let child = world.child_as("a", "a", slow).shutdown(Shutdown::Infinity);
    let (root, _tree) = world.start(plain().child(child)).await;
    let early = root.shutdown(ExitReason::Shutdown, seconds(1)).await;
    assert!(early.is_err());
    assert!(root.is_alive());
    assert_eq!(root.wait().await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn ends_are_typed_and_the_last_eight_are_kept() {
    let world = World::default();
    let spec = plain()
        .intensity(Intensity::new(100, seconds(5)))
        .child(world.child("a"));
    let (_root, tree) = world.start(spec).await;
    for how in [
        "error",
        "error",
        "error",
        "normal",
        "shutdown",
        "shutdown_for",
        "error",
        "panic",
        "kill",
    ] {
        end(&world.probe("a"), how);
        settle().await;
    }
    world.fail("a", 1);
    end(&world.probe("a"), "kill");
    settle().await;
    let node = tree.snapshot_under("root/a").unwrap();
    let reasons: Vec<ExitReason> = node.exits.iter().map(|exit| exit.reason.clone()).collect();
    let expected = [
        ExitReason::Shutdown,
        ExitReason::ShutdownFor("x".into()),
        ExitReason::Failed("boom".into()),
        ExitReason::Panicked("boom".into()),
        ExitReason::Killed,
        ExitReason::Killed,
        ExitReason::StartFailed("told to fail".into()),
    ];
    assert_eq!(reasons[1..], expected);
    assert_eq!(reasons.len(), 8);
    assert_eq!(node.restarts_total, 11);
    assert_eq!(node.restarts_in_window, 11);
    assert_eq!(tree.snapshot().unwrap().restarts_in_window, 11);
    tokio::time::sleep(seconds(6)).await;
    assert_eq!(tree.snapshot().unwrap().restarts_in_window, 0);
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_end_the_root_and_it_says_why() {
    let world = World::default();
    let spec = plain()
        .intensity(Intensity::new(1, seconds(5)))
        .child(world.child("a"))
        .child(world.child("b"));
    let (root, tree) = world.start(spec).await;
    end(&world.probe("b"), "error");
    settle().await;
    end(&world.probe("b"), "panic");
    let reason = root.wait().await;
    let expected = ExitReason::IntensityExceeded {
        child: "b".into(),
        restarts: 2,
        cause: "panicked: boom".into(),
    };
    assert_eq!(reason, expected);
    assert_eq!(world.take_log(), ["start b", "stop a"]);
    settle().await;
    assert_eq!(tree.snapshot().unwrap().status, Status::Failed);
    let refused = root.start_child(world.child("c")).await.unwrap_err();
    assert_eq!(refused, StartChildError::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn restarts_further_apart_than_the_period_go_on_for_ever() {
    let world = World::default();
    let spec = plain()
        .intensity(Intensity::new(1, seconds(5)))
        .child(world.child("a"));
    let (root, _tree) = world.start(spec).await;
    for _ in 0..20 {
        end(&world.probe("a"), "error");
        tokio::time::sleep(Duration::from_millis(5_001)).await;
    }
    assert!(root.is_alive());
    assert_eq!(world.take_log().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn failed_starts_count_as_restarts() {
    let world = World::default();
    let spec = plain().child(world.child("a"));
    let (root, _tree) = world.start(spec).await;
    world.fail("a", 2);
    end(&world.probe("a"), "error");
    settle().await;
    assert_eq!(world.take_log(), ["fail a", "fail a", "start a"]);
    assert!(root.is_alive());
    world.fail("a", 1);
    end(&world.probe("a"), "error");
    let expected = ExitReason::IntensityExceeded {
        child: "a".into(),
        restarts: 4,
        cause: "failed: boom".into(),
    };
    assert_eq!(root.wait().await, expected);
}

fn backing_off() -> Intensity {
    Intensity::new(10, seconds(60)).backoff(Backoff {
        initial: Duration::from_millis(100),
        factor: 2.0,
        max: Duration::from_millis(300),
    })
}

#[tokio::test(start_paused = true)]
async fn back_off_grows_up_to_its_limit() {
    let world = World::default();
    let spec = plain().intensity(backing_off()).child(world.child("a"));
    let (_root, tree) = world.start(spec).await;
    for pause_ms in [100, 200, 300, 300] {
        end(&world.probe("a"), "error");
        tokio::time::sleep(Duration::from_millis(pause_ms - 1)).await;
        assert!(world.take_log().is_empty(), "started before {pause_ms} ms");
        let status = tree.snapshot_under("root/a").unwrap().status;
        assert_eq!(status, Status::Restarting);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(world.take_log(), ["start a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_terminated_during_its_back_off_does_not_come_back() {
    let world = World::default();
    let spec = plain().intensity(backing_off()).child(world.child("a"));
    let (root, _tree) = world.start(spec).await;
    end(&world.probe("a"), "error");
    settle().await;
    let running = root.restart_child("a").await.unwrap_err();
    assert_eq!(running, ChildError::Restarting);
    root.terminate_child("a").await.unwrap();
    tokio::time::sleep(seconds(10)).await;
    assert!(world.take_log().is_empty());
    root.restart_child("a").await.unwrap();
    assert_eq!(world.take_log(), ["start a"]);
}

#[tokio::test(start_paused = true)]
async fn a_back_off_stops_the_group_at_once_and_starts_it_later() {
    let world = World::default();
    let spec = SupervisorSpec::new(Strategy::RestForOne)
        .intensity(backing_off())
        .children(["a", "b", "c"].map(|name| world.child(name)));
    let (root, _tree) = world.start(spec).await;
    end(&world.probe("b"), "error");
    settle().await;
    assert_eq!(world.take_log(), ["stop c"]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.take_log(), ["start b", "start c"]);
    end(&world.probe("b"), "error");
    settle().await;
    root.shutdown(ExitReason::Shutdown, LIMIT).await.unwrap();
    assert_eq!(world.take_log(), ["stop c", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_sibling_costs_one_restart() {
    let world = World::default();
    let spec = SupervisorSpec::new(Strategy::OneForAll)
        .intensity(Intensity::new(1, seconds(5)))
        .children(["a", "b", "c"].map(|name| world.child(name)));
    let (root, tree) = world.start(spec).await;
    let busy = Duration::from_millis(80);
    world.probe("a").cast(ProbeMsg::Sleep(busy)).unwrap();
    world
        .probe("c")
        .cast(ProbeMsg::Fail("late".into()))
        .unwrap();
    world
        .probe("b")
        .cast(ProbeMsg::Fail("boom".into()))
        .unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert!(root.is_alive());
    assert_eq!(tree.snapshot().unwrap().restarts_in_window, 1);
    let log = world.take_log();
    assert_eq!(log[log.len() - 3..], ["start a", "start b", "start c"]);
}

#[tokio::test(start_paused = true)]
async fn the_old_state_is_dropped_before_the_new_start() {
    for how in ["normal", "error", "panic", "kill"] {
        let world = World::default();
        let manner = Manner {
            log_drop: true,
            ..Manner::default()
        };
        let spec = plain().child(world.child_as("a", "a", manner));
        let (_root, _tree) = world.start(spec).await;
        if how == "kill" {
            let asleep = ProbeMsg::Sleep(seconds(9));
            world.probe("a").cast(asleep).unwrap();
            settle().await;
        }
        end(&world.probe("a"), how);
        settle().await;
        assert_eq!(world.take_log(), ["drop a", "start a"], "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_that_gives_up_is_restarted_by_its_parent() {
    let world = World::default();
    let slot = SupervisorSlot::new();
    let inner = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(Intensity::new(0, seconds(5)))
        .children(["b", "c"].map(|name| world.child(name)));
    let spec = plain()
        .intensity(Intensity::new(1, seconds(5)))
        .child(world.child("a"))
        .child(ChildSpec::supervisor("inner", inner).publish(&slot));
    let (root, tree) = world.start(spec).await;
    let first = slot.get().unwrap();
    end(&world.probe("b"), "error");
    settle().await;
    assert_eq!(world.take_log(), ["stop c", "start b", "start c"]);
    assert!(!first.is_alive());
    let second = slot.get().unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(second.path(), "root/inner");
    let found = root.child_supervisor("inner").unwrap();
    assert_eq!(found.id(), second.id());
    let node = tree.snapshot_under("root/inner/b").unwrap();
    assert_eq!(node.exits.len(), 1, "history outlives the supervisor");
    end(&world.probe("c"), "error");
    let reason = root.wait().await;
    let ExitReason::IntensityExceeded { child, cause, .. } = reason else {
        panic!("{reason}");
    };
    assert_eq!(child.as_str(), "inner");
    assert!(
        cause.contains("last child c ended: failed: boom"),
        "{cause}"
    );
    assert_eq!(world.take_log(), ["stop b", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_takes_its_children_and_is_restarted_after_them() {
    let world = World::default();
    let slot = SupervisorSlot::new();
    let manner = Manner {
        log_drop: true,
        ..Manner::default()
    };
    let inner = SupervisorSpec::new(Strategy::OneForOne)
        .children(["a", "b"].map(|name| world.child_as(name, name, manner)));
    let spec = plain().child(ChildSpec::supervisor("inner", inner).publish(&slot));
    let (_root, tree) = world.start(spec).await;
    slot.get().unwrap().kill();
    settle().await;
    let mut log = world.take_log();
    log[..2].sort();
    assert_eq!(log, ["drop a", "drop b", "start a", "start b"]);
    let exits = tree.snapshot_under("root/inner").unwrap().exits;
    assert_eq!(exits[0].reason, ExitReason::Killed);
}

#[tokio::test(start_paused = true)]
async fn significant_children_end_their_supervisor() {
    for (auto_shutdown, after_first) in [
        (AutoShutdown::AnySignificant, false),
        (AutoShutdown::AllSignificant, true),
    ] {
        let world = World::default();
        let significant = |name| {
            let child = world.child(name).restart(RestartType::Transient);
            child.significant(true)
        };
        let spec = plain()
            .auto_shutdown(auto_shutdown)
            .child(world.child("a"))
            .child(significant("b"))
            .child(significant("c"));
        let (root, _tree) = world.start(spec).await;
        end(&world.probe("b"), "normal");
        settle().await;
        assert_eq!(root.is_alive(), after_first, "{auto_shutdown:?}");
        end(&world.probe("c"), "normal");
        let ExitReason::ShutdownFor(why) = root.wait().await else {
            panic!("not by auto shutdown");
        };
        assert!(why.contains("significant child"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn specs_that_contradict_themselves_are_refused() {
    let world = World::default();
    let significant = world.child("a").significant(true);
    for (spec, word) in [
        (
            plain().child(world.child("a")).child(world.child("a")),
            "two children",
        ),
        (plain().child(world.child("a/b")), "not a child id"),
        (plain().child(significant.clone()), "permanent"),
        (
            plain().child(significant.restart(RestartType::Transient)),
            "auto shutdown",
        ),
    ] {
        let error = supervisor::start("root", spec, &Tree::new())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StartError::Invalid(why) if why.to_string().contains(word)),
            "{error}"
        );
    }
    assert!(world.take_log().is_empty());
    let (root, tree) = world.start(plain()).await;
    let second = supervisor::start("root", plain(), &tree).await.unwrap_err();
    assert_eq!(second, StartError::TreeTaken);
    root.shutdown(ExitReason::Normal, LIMIT).await.unwrap();
    supervisor::start("root", plain(), &tree).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn children_are_started_terminated_restarted_and_deleted_by_request() {
    let world = World::default();
    let (root, tree) = world.start(plain().child(world.child("a"))).await;
    let info = root.start_child(world.child("b")).await.unwrap();
    assert_eq!(info.status, Status::Running);
    assert_eq!(
        info.address::<ProbeMsg>().unwrap().id(),
        world.probe("b").id()
    );
    assert!(info.address::<u8>().is_none());
    let again = root.start_child(world.child("b")).await.unwrap_err();
    assert_eq!(again, StartChildError::AlreadyStarted);
    assert_eq!(root.delete_child("b").await, Err(ChildError::Running));
    root.terminate_child("b").await.unwrap();
    let present = root.start_child(world.child("b")).await.unwrap_err();
    assert_eq!(present, StartChildError::AlreadyPresent);
    let counts = root.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.actors), (2, 1, 2));
    world.fail("b", 1);
    let failed = root.restart_child("b").await.unwrap_err();
    assert_eq!(
        failed,
        ChildError::Failed(StartFailure::Failed(Cause::new("told to fail")))
    );
    root.restart_child("b").await.unwrap();
    root.terminate_child("b").await.unwrap();
    root.delete_child("b").await.unwrap();
    assert_eq!(root.terminate_child("b").await, Err(ChildError::NotFound));
    assert!(tree.snapshot_under("root/b").is_none());
    world.fail("c", 1);
    let failed = root.start_child(world.child("c")).await.unwrap_err();
    assert_eq!(
        failed,
        StartChildError::Failed(StartFailure::Failed(Cause::new("told to fail")))
    );
    assert!(tree.snapshot_under("root/c").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_ends_fails_at_its_limit() {
    let world = World::default();
    let manner = Manner {
        start_takes: seconds(1000),
        ..Manner::default()
    };
    let (root, _tree) = world.start(plain()).await;
    let child = world
        .child_as("a", "a", manner)
        .start_limit(Some(seconds(2)));
    let begin = Instant::now();
    let error = root.start_child(child).await.unwrap_err();
    assert_eq!(
        error,
        StartChildError::Failed(StartFailure::TimedOut(seconds(2)))
    );
    assert_eq!(begin.elapsed().as_secs(), 2);
}
