//! Many at once, too few descriptors, too little time: nothing is left behind.

use super::*;

#[tokio::test]
async fn running_out_of_descriptors_is_a_limit() {
    let place = Place::new();
    for open_files in 5..9 {
        let script = format!("ulimit -n {open_files}; exec \"$0\" keeper");
        let exe = fugued_exe().to_str().unwrap().to_owned();
        let short = KeeperLaunch {
            exe: "/bin/sh".into(),
            args: vec!["-c".into(), script, exe],
        };
        match Keeper::spawn(&short, place.sh("true"), LIMIT).await {
            Err(error) => assert!(
                error.is_limit() || matches!(error, SpawnError::Died(_)),
                "{open_files}: {error:?}"
            ),
            Ok(pane) => panic!("started with {open_files} descriptors: {pane:?}"),
        }
        place.assert_no_sockets();
    }
    place.assert_no_processes().await;
}

/// Runs the test at `path` in a process of its own, because it counts or limits what belongs to the
/// whole process. Returns `false` in that process.
async fn ran_alone(path: &str) -> bool {
    const ALONE: &str = "FUGUE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let (_, name) = path.split_once("::").unwrap();
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--nocapture"])
        .env(ALONE, "1");
    let output = timeout(LIMIT * 2, command.kill_on_drop(true).output()).await;
    let output = output.expect("it ends in time").unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    true
}

#[tokio::test]
async fn a_daemon_without_descriptors_fails_cleanly() {
    let path = concat!(
        module_path!(),
        "::a_daemon_without_descriptors_fails_cleanly"
    );
    if ran_alone(path).await {
        return;
    }
    let place = Place::new();
    run(place.sh("exit 0"), &place).await;
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let before = own_fds();
    let (mut refused, mut started) = (0, 0);
    for spare in 0..8 {
        let current = Some(u64::try_from(before).unwrap() - 1 + spare);
        let limit = rustix::process::Rlimit { current, ..own };
        let mut spec = place.sh("trap '' HUP; sleep 1000 & wait");
        spec.open_files = Some(512);
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        let spawned = Keeper::spawn(&launch(&spec), spec, LIMIT).await;
        rustix::process::setrlimit(rustix::process::Resource::Nofile, own).unwrap();
        match spawned {
            Ok(pane) => {
                started += 1;
                finish(pane, &place).await;
            }
            Err(error) => {
                refused += 1;
                assert!(
                    error.is_limit() && !error.was_started(),
                    "{spare}: {error:?}"
                );
            }
        }
        place.assert_no_processes().await;
        until("no descriptor is left", || own_fds() == before).await;
    }
    assert!(refused >= 3 && started >= 1, "{refused} {started}");
}

/// Descriptors run out between the look at them and their coming: nobody but the keeper can end the program then, which ignores
/// the end of its terminal or has none.
#[tokio::test]
async fn a_program_whose_descriptors_cannot_be_received_is_ended_at_once() {
    let path = concat!(
        module_path!(),
        "::a_program_whose_descriptors_cannot_be_received_is_ended_at_once"
    );
    if ran_alone(path).await {
        return;
    }
    let place = Place::new();
    run(place.sh("exit 0"), &place).await;
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let before = own_fds();
    for streams in [::keeper::Streams::Terminal, ::keeper::Streams::Pipes] {
        let late = KeeperLaunch {
            exe: "/bin/sh".into(),
            args: vec![
                "-c".into(),
                "sleep 0.3; exec \"$0\" keeper \"$1\"".into(),
                fugued_exe().to_str().unwrap().into(),
                place.tag().to_owned(),
            ],
        };
        let file = place.path("side");
        let script = format!("trap '' HUP; echo side >> {}; sleep 1000", file.display());
        let spec = KeeperSpec {
            streams,
            open_files: Some(512),
            ..place.sh(&script)
        };
        let spawned = Keeper::spawn(&late, spec, LIMIT);
        tokio::pin!(spawned);
        // It has looked, and its keeper has not started anything yet.
        assert!(futures_util::poll!(&mut spawned).is_pending());
        let short = rustix::process::Rlimit {
            current: Some(3),
            ..own
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, short).unwrap();
        let error = spawned.await.unwrap_err();
        let written = fs::metadata(&file).map_or(0, |meta| meta.len());
        rustix::process::setrlimit(rustix::process::Resource::Nofile, own).unwrap();
        assert!(error.is_limit() && error.was_started(), "{error:?}");
        place.assert_no_processes().await;
        assert_eq!(fs::metadata(&file).map_or(0, |meta| meta.len()), written);
        until("no descriptor is left", || own_fds() == before).await;
    }
}

#[tokio::test]
async fn dropping_or_timing_out_a_spawn_leaves_nothing() {
    let place = Place::new();
    // A stopped keeper never answers.
    let stopped = KeeperLaunch {
        exe: "/bin/sh".into(),
        args: vec![
            "-c".into(),
            "kill -STOP $$; exec \"$0\" keeper".into(),
            fugued_exe().to_str().unwrap().into(),
        ],
    };
    let error = Keeper::spawn(&stopped, place.sh("sleep 1000"), Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(matches!(error, SpawnError::Timeout(_)), "{error:?}");
    place.assert_no_processes().await;
    for microseconds in (0..4000).step_by(200) {
        let limit = Duration::from_micros(microseconds);
        let spec = place.sh("trap '' HUP; sleep 1000 & wait");
        if let Ok(Ok(pane)) = timeout(limit, Keeper::spawn(&launch(&spec), spec, LIMIT)).await {
            finish(pane, &place).await;
        }
    }
    place.assert_no_processes().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_share_no_descriptor_and_leave_none() {
    let path = concat!(
        module_path!(),
        "::fifty_at_once_share_no_descriptor_and_leave_none"
    );
    if ran_alone(path).await {
        return;
    }
    let place = std::sync::Arc::new(Place::new());
    // The first one makes the runtime open what it needs.
    run(place.sh("exit 0"), &place).await;
    let before = own_fds();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..50 {
        let place = place.clone();
        all.spawn(async move {
            let mut spec = place.sh("exec sleep 1000");
            spec.status_pipe = number % 2 == 1;
            (number % 2 == 1, spawn(spec).await)
        });
    }
    let panes = all.join_all().await;
    for (status_pipe, pane) in &panes {
        let mut expected = BTreeSet::from([0, 1, 2]);
        if *status_pipe {
            expected.insert(STATUS_PIPE_FD);
        }
        // The loader of a program that has just been executed has its libraries open.
        until("only its own are open", || fds_of(pane.pid) == expected).await;
        assert_eq!(pane.status_pipe.is_some(), *status_pipe);
        if crate::support::proc::sees_all() {
            let open = fds_of(pane.keeper_pid);
            assert!(open.len() <= 9, "{open:?}");
        }
        assert!(
            rustix::io::fcntl_getfd(&pane.master)
                .unwrap()
                .contains(rustix::io::FdFlags::CLOEXEC)
        );
        assert!(pane.master.as_raw_fd() > 2);
    }
    let releases = panes
        .iter()
        .map(|(_, pane)| pane.keeper.clone())
        .collect::<Vec<_>>();
    for keeper in &releases {
        assert!(keeper.release(LIMIT).await.unwrap().is_empty());
    }
    for (_, pane) in panes {
        until("gone", || !exists(pane.pid) && !exists(pane.keeper_pid)).await;
    }
    until("no descriptor is left", || own_fds() == before).await;
    place.assert_no_sockets();
}
