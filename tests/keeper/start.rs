//! Starting programs: what they find, and why they cannot be started.

use super::*;

#[tokio::test]
async fn failures_to_start_say_why() {
    let place = Place::new();
    let no_exec = place.script("plain", b"echo hi\n", 0o644);
    let text = place.script("text", b"echo hi\n", 0o755);
    let orphan = place.script("orphan", b"#!/no/such/interpreter -x\n", 0o755);
    let dos = place.script("dos", b"#!/bin/sh\r\necho\r\n", 0o755);
    let binary = place.script("binary", b"\x7fELF\x02\x01\x01garbage", 0o755);
    let dir = place.dir.path().to_str().unwrap().to_owned();
    let rows: [(&str, i32, &[&str]); 9] = [
        (
            "no-such-program",
            2,
            &["no-such-program", "PATH", "/usr/local/bin"],
        ),
        ("/no/such/file", 2, &["/no/such/file", "does not exist"]),
        (&no_exec, 13, &["not executable", "0644"]),
        (&dir, 13, &["is a directory"]),
        (
            &orphan,
            2,
            &["interpreter /no/such/interpreter", "does not exist"],
        ),
        (&dos, 2, &["interpreter /bin/sh\\r"]),
        (&text, 8, &["exec format error"]),
        (&binary, 8, &["exec format error"]),
        ("", 22, &["empty"]),
    ];
    for (program, errno, words) in rows {
        let failure = refusal(place.spec(&[program]), &place).await;
        assert_eq!(failure.errno, errno, "{program}: {failure:?}");
        assert_eq!(failure.class, FailureClass::SpawnFailed);
        for word in words {
            assert!(failure.text.contains(word), "{program}: {failure:?}");
        }
    }
    let mut elsewhere = place.spec(&["plain"]);
    elsewhere.env = vec![("PATH".into(), dir)];
    let failure = refusal(elsewhere, &place).await;
    assert!(failure.text.contains("not executable"), "{failure:?}");
    place.assert_no_processes().await;
}

#[tokio::test]
async fn bad_directories_environment_and_paths_are_refused() {
    let place = Place::new();
    let file = place.script("file", b"", 0o644);
    for (cwd, errno, word) in [
        ("/no/such/dir", 2, "does not exist"),
        (file.as_str(), 20, "is not a directory"),
        ("relative", 22, "absolute"),
    ] {
        let spec = KeeperSpec {
            cwd: cwd.into(),
            ..place.sh("true")
        };
        let failure = refusal(spec, &place).await;
        assert_eq!(failure.errno, errno, "{failure:?}");
        assert!(
            failure.text.contains(word) && failure.text.contains(cwd),
            "{failure:?}"
        );
    }
    let spec = KeeperSpec {
        env: vec![("A=B".into(), "c".into())],
        ..place.spec(&["/bin/true"])
    };
    assert!(refusal(spec, &place).await.text.contains("A=B"));
    let failure = refusal(place.spec(&["/bin/echo", "a\0b"]), &place).await;
    assert!(failure.text.contains("argument 1"), "{failure:?}");
}

#[tokio::test]
async fn paths_and_commands_that_cannot_be_used_are_refused() {
    let place = Place::new();
    let long = KeeperSpec {
        socket: place.path(&"x".repeat(110)),
        ..place.sh("true")
    };
    let error = Keeper::spawn(&launch(&long), long, LIMIT)
        .await
        .unwrap_err();
    assert!(matches!(error, SpawnError::SocketPath { .. }), "{error:?}");
    assert!(error.to_string().contains("107"), "{error}");

    let missing = KeeperSpec {
        socket: place.path("no/dir/x.sock"),
        ..place.sh("true")
    };
    assert!(
        refusal(missing, &place)
            .await
            .text
            .contains("cannot listen")
    );

    let big = KeeperSpec {
        argv: vec!["x".repeat(2 << 20)],
        ..place.sh("true")
    };
    let error = Keeper::spawn(&launch(&big), big, LIMIT).await.unwrap_err();
    assert!(matches!(error, SpawnError::TooLarge(_)), "{error:?}");

    let nowhere = KeeperLaunch {
        exe: "/no/such/fugued".into(),
        args: vec![],
    };
    let error = Keeper::spawn(&nowhere, place.sh("true"), LIMIT)
        .await
        .unwrap_err();
    assert!(
        matches!(error, SpawnError::Keeper { .. }) && !error.is_limit(),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_program_leads_its_session_on_its_terminal() {
    let place = Place::new();
    let script = "stty size; tty; ps -o sid=,pgid=,tpgid=,pid= -p $$ | tr -s ' '; \
                  echo dev >/dev/tty; stty -a | grep -o '.iutf8\\|iutf8'; pwd; trap; \
                  echo \"$0 $FUGUE_X\"; sleep 100";
    let mut spec = place.spec(&["-login", "-c", script]);
    spec.program = Some("bash".into());
    spec.cwd = place.dir.path().into();
    spec.env.push(("FUGUE_X".into(), "é=1".into()));
    // A login shell runs what the user has in the home directory.
    let home = place.dir.path().to_str().unwrap();
    spec.env.push(("HOME".into(), home.into()));
    spec.rows = 33;
    (spec.width, spec.height) = (800, 660);
    spec.cols = 101;
    let pane = spawn(spec).await;
    let text = output_with(&pane.master, "-login é=1").await;
    assert!(
        text.contains("33 101") && text.contains("/dev/pts/"),
        "{text}"
    );
    let pid = pane.pid;
    assert!(text.contains(&format!("{pid} {pid} {pid} {pid}")), "{text}");
    assert!(
        text.contains("dev\r\n") && text.contains(place.dir.path().to_str().unwrap()),
        "{text}"
    );
    assert!(text.contains("\n iutf8"), "{text}");
    let size = rustix::termios::tcgetwinsize(&pane.master).unwrap();
    assert_eq!((size.ws_xpixel, size.ws_ypixel), (800, 660));
    if crate::support::proc::sees_all() {
        assert_eq!(
            fs::read_link(format!("/proc/{}/cwd", pane.keeper_pid)).unwrap(),
            Path::new("/")
        );
    }
    assert_eq!(
        fs::read_to_string(format!("/proc/{}/comm", pane.keeper_pid)).unwrap(),
        "fugue-keeper\n"
    );
    finish(pane, &place).await;
}

#[tokio::test]
async fn signals_are_as_for_a_new_login() {
    let place = Place::new();
    let pane = spawn(place.spec(&["cat", "/proc/self/status"])).await;
    let text = output_with(&pane.master, "ctxt_switches").await;
    let mask = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    // glibc leaves its two internal signals, 32 and 33, ignored in whatever it spawns.
    assert_eq!(mask("SigIgn") & !0x1_8000_0000, 0, "{text}");
    assert_eq!((mask("SigBlk"), mask("SigPnd")), (0, 0), "{text}");
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_terminals_keys_reach_the_foreground() {
    let place = Place::new();
    let pane = spawn(
        place.sh("trap 'echo got-int; exit 7' INT; echo ready; while :; do sleep 0.05; done"),
    )
    .await;
    output_with(&pane.master, "ready").await;
    rustix::io::write(&pane.master, b"\x03").unwrap();
    output_with(&pane.master, "got-int").await;
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(7));
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_status_pipe_carries_what_the_screen_does_not() {
    let place = Place::new();
    let mut spec = place.sh(&format!(
        "echo secret >&{STATUS_PIPE_FD}; echo shown; exec {STATUS_PIPE_FD}>&-; sleep 100"
    ));
    spec.status_pipe = true;
    let mut pane = spawn(spec).await;
    let text = output_with(&pane.master, "shown").await;
    assert!(!text.contains("secret"));
    let mut told = String::new();
    fs::File::from(pane.status_pipe.take().unwrap())
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(told, "secret\n");
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_journal_has_its_size_and_cannot_shrink() {
    let place = Place::new();
    let pane = spawn(place.sh("sleep 100")).await;
    let size = keeper::JOURNAL_BYTES + keeper::JOURNAL_HEADER_BYTES;
    assert_eq!(
        u64::try_from(rustix::fs::fstat(&pane.journal).unwrap().st_size).unwrap(),
        size
    );
    assert!(rustix::fs::ftruncate(&pane.journal, 4096).is_err());
    assert!(rustix::fs::ftruncate(&pane.journal, size * 2).is_ok());
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_program_has_the_limits_it_was_given() {
    let place = Place::new();
    let mut spec = place.sh("ulimit -Sn; sleep 1000");
    spec.open_files = Some(77);
    let pane = spawn(spec).await;
    output_with(&pane.master, "77").await;
    finish(pane, &place).await;
}

#[tokio::test]
async fn a_stock_has_a_keeper_ready() {
    let place = Place::new();
    let args = vec!["keeper".into(), format!("{}-stock", place.tag())];
    let pool = KeeperPool::new(KeeperLaunch {
        exe: fugued_exe(),
        args,
    });
    for _ in 0..3 {
        let pane = pool.spawn(place.sh("exit 3"), LIMIT).await.unwrap();
        assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(3));
        finish(pane, &place).await;
    }
    // The ready one is killed: the next call does not notice.
    let ready = || {
        keeper::descendants(std::process::id().cast_signed())
            .into_iter()
            .find(|child| {
                fs::read_to_string(format!("/proc/{}/cmdline", child.pid))
                    .is_ok_and(|line| line.contains(place.tag()))
            })
    };
    until("a keeper is ready", || ready().is_some()).await;
    let pid = ready().unwrap().pid;
    kill(pid);
    until("it has died", || !is_running(pid)).await;
    let pane = pool.spawn(place.sh("exit 4"), LIMIT).await.unwrap();
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(4));
    finish(pane, &place).await;
    let error = pool
        .spawn(place.spec(&["/no/such"]), LIMIT)
        .await
        .unwrap_err();
    assert!(matches!(error, SpawnError::Program(_)), "{error:?}");
    drop(pool);
    place.assert_no_processes().await;
}

#[tokio::test]
async fn a_deleted_directory_of_sockets_is_told_apart_from_a_missing_program() {
    let place = Place::new();
    let spec = KeeperSpec {
        socket: place.path("gone/1.sock"),
        ..place.sh("true")
    };
    let error = Keeper::spawn(&launch(&spec), spec, LIMIT)
        .await
        .unwrap_err();
    assert!(error.is_place_gone(), "{error}");
    let missing = place.spec(&["/no/such/program"]);
    let error = Keeper::spawn(&launch(&missing), missing, LIMIT)
        .await
        .unwrap_err();
    assert!(!error.is_place_gone(), "{error}");
    place.assert_no_processes().await;
}
