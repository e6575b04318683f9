//! Programs that end, and all they leave behind.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_and_signals_are_exact() {
    let place = Place::new();
    let rows = [
        ("exit 0", ProgramStatus::Exited(0)),
        ("exit 3", ProgramStatus::Exited(3)),
        ("exit 255", ProgramStatus::Exited(255)),
        (
            "kill -TERM $$",
            ProgramStatus::Signaled {
                signal: 15,
                core_dumped: false,
            },
        ),
        (
            "kill -KILL $$",
            ProgramStatus::Signaled {
                signal: 9,
                core_dumped: false,
            },
        ),
        (
            "ulimit -c 0; kill -SEGV $$",
            ProgramStatus::Signaled {
                signal: 11,
                core_dumped: false,
            },
        ),
    ];
    for (script, expected) in rows {
        assert_eq!(
            run(place.sh(script), &place).await.status,
            expected,
            "{script}"
        );
    }
}

#[tokio::test]
async fn duration_and_usage_are_measured() {
    let place = Place::new();
    let report = run(
        place.sh("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 0.2"),
        &place,
    )
    .await;
    assert!((200..5000).contains(&report.duration_ms), "{report:?}");
    assert!(
        report.user_ms >= 5 && report.max_rss_kib > 100,
        "{report:?}"
    );
    assert!(report.at_unix_ms > 1_600_000_000_000);
}

#[tokio::test]
async fn a_program_without_its_terminal_goes_on() {
    let place = Place::new();
    let flag = place.path("flag");
    let script = format!(
        "exec </dev/null >/dev/null 2>&1; sleep 0.2; touch {}; exit 5",
        flag.display()
    );
    let report = run(place.sh(&script), &place).await;
    assert_eq!(report.status, ProgramStatus::Exited(5));
    assert!(flag.exists());
}

#[tokio::test]
async fn background_children_are_found_and_killed() {
    let place = Place::new();
    let pane = spawn(place.sh("trap '' HUP; sleep 1000 & (sleep 1001 &) ; setsid sh -c 'setsid sleep 1002 & exit' ; exit 4")).await;
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(4));
    let mut names = Vec::new();
    for _ in 0..1000 {
        names = pane.keeper.descendants().await.unwrap();
        if names.len() == 3 && names.iter().all(|p| p.comm == "sleep") {
            break;
        }
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(names.len(), 3, "{names:?}");
    let error = pane
        .keeper
        .signal(15, SignalScope::Program)
        .await
        .unwrap_err();
    assert!(
        matches!(error, LinkError::Refused { errno: 3, .. }),
        "{error:?}"
    );
    assert_eq!(pane.keeper.signal(15, SignalScope::All).await.unwrap(), 3);
    let left = pane.keeper.kill_all(LIMIT).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(names.iter().all(|p| !exists(p.pid)));
    finish(pane, &place).await;
}

#[tokio::test]
async fn signals_reach_the_scope_they_are_for() {
    let place = Place::new();
    // With job control the background job has a group of its own.
    let script = "set -m; sleep 500 & trap 'echo term' TERM; trap 'echo usr1' USR1; echo ready; \
                  while :; do read -t 0.05 x; done";
    let pane = spawn(place.spec(&["bash", "-c", script])).await;
    output_with(&pane.master, "ready").await;
    assert_eq!(pane.keeper.signal(15, SignalScope::Group).await.unwrap(), 1);
    output_with(&pane.master, "term").await;
    assert_eq!(
        pane.keeper
            .signal(10, SignalScope::ForegroundGroup)
            .await
            .unwrap(),
        1
    );
    output_with(&pane.master, "usr1").await;
    assert_eq!(pane.keeper.descendants().await.unwrap().len(), 2);
    let error = pane
        .keeper
        .signal(0, SignalScope::Program)
        .await
        .unwrap_err();
    assert!(
        matches!(error, LinkError::Refused { errno: 22, .. }),
        "{error:?}"
    );
    assert_eq!(
        pane.keeper.signal(9, SignalScope::Program).await.unwrap(),
        1
    );
    assert_eq!(
        report(&pane.keeper).await.status,
        ProgramStatus::Signaled {
            signal: 9,
            core_dumped: false
        }
    );
    finish(pane, &place).await;
}

#[tokio::test]
async fn a_tree_that_ignores_signals_is_killed() {
    let place = Place::new();
    let script = "trap '' HUP TERM INT QUIT; for i in 1 2 3; do (trap '' HUP TERM; while :; do sleep 1; done) & done; \
                  setsid sh -c 'trap \"\" HUP TERM; while :; do sleep 1; done' & echo ready; wait";
    let pane = spawn(place.sh(script)).await;
    output_with(&pane.master, "ready").await;
    pane.keeper.signal(15, SignalScope::All).await.unwrap();
    let all = pane.keeper.descendants().await.unwrap();
    assert!(all.len() >= 5, "{all:?}");
    let left = pane.keeper.kill_all(LIMIT).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(pane.keeper.descendants().await.unwrap().is_empty());
    assert_eq!(
        report(&pane.keeper).await.status,
        ProgramStatus::Signaled {
            signal: 9,
            core_dumped: false
        }
    );
    finish(pane, &place).await;
}

#[tokio::test]
async fn a_storm_of_forks_is_killed() {
    let place = Place::new();
    // Each process starts the next one in a new session and ends: there is always a new pid.
    let chain = place.script("chain", b"#!/bin/sh\nsetsid \"$0\" & exit\n", 0o755);
    let script = format!("for i in 1 2 3 4; do {chain} & done; while :; do (sleep 0.001 &) ; done");
    let pane = spawn(place.sh(&script)).await;
    sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let left = pane.keeper.kill_all(LIMIT).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(began.elapsed() < LIMIT);
    assert!(crate::support::proc::marked(&place.marker(0)).is_empty());
    finish(pane, &place).await;
}

#[tokio::test]
async fn other_requests_are_served_while_killing() {
    let place = Place::new();
    // A stopped keeper child cannot resist; so hold the kill open with a storm.
    let chain = place.script("chain", b"#!/bin/sh\nsetsid \"$0\" & exit\n", 0o755);
    let pane = spawn(place.sh(&format!("for i in 1 2 3; do {chain} & done; wait"))).await;
    let (killed, meta) = tokio::join!(
        pane.keeper.kill_all(LIMIT),
        pane.keeper.set_meta(b"still here".to_vec())
    );
    assert!(killed.unwrap().is_empty());
    meta.unwrap();
    finish(pane, &place).await;
}

#[tokio::test]
async fn leaving_when_empty_waits_for_the_last_child() {
    let place = Place::new();
    let go = place.path("go");
    let script = format!(
        "trap '' HUP; (until [ -e {} ]; do sleep 0.02; done) & exit 0",
        go.display()
    );
    let pane = spawn(place.sh(&script)).await;
    report(&pane.keeper).await;
    pane.keeper.ack_exit(true).await.unwrap();
    assert!(!pane.keeper.descendants().await.unwrap().is_empty());
    let keeper_pid = pane.keeper_pid;
    fs::write(&go, "").unwrap();
    until("the keeper leaves", || !exists(keeper_pid)).await;
    place.assert_no_sockets();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_released_keeper_takes_nothing_from_the_next_one_in_its_place() {
    let place = Place::new();
    for _ in 0..100 {
        let spec = place.spec(&["sleep", "1000"]);
        let socket = spec.socket.clone();
        let pane = spawn(spec).await;
        let keeper_pid = pane.keeper_pid;
        assert!(pane.keeper.release(LIMIT).await.unwrap().is_empty());
        // At once, as a restart does.
        let next = std::os::unix::net::UnixListener::bind(&socket);
        drop(pane);
        until("the keeper is gone", || !exists(keeper_pid)).await;
        assert!(next.is_ok() && socket.exists(), "{next:?}");
        fs::remove_file(&socket).unwrap();
    }
    place.assert_no_processes().await;
}
