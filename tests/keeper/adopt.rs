//! Keepers that outlive their daemon, and daemons that outlive their keeper.

use super::*;

#[tokio::test]
async fn a_killed_keeper_is_a_lost_pane() {
    let place = Place::new();
    let pane = spawn(place.sh("trap '' HUP; sleep 1000 & echo ready; wait")).await;
    output_with(&pane.master, "ready").await;
    let socket = place.path("0.sock");
    kill(pane.keeper_pid);
    assert_eq!(ended(&pane.keeper).await, KeeperExit::Lost);
    assert!(!exists(pane.keeper_pid), "not reaped");
    assert!(matches!(
        pane.keeper.descendants().await,
        Err(LinkError::Closed)
    ));
    let error = Keeper::adopt(&socket, LIMIT).await.unwrap_err();
    assert!(matches!(error, AdoptError::Gone { .. }), "{error:?}");
    // Without its keeper, by what the daemon knows of it.
    let left = pane.keeper.kill_all(LIMIT).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    until("the program is gone", || !is_running(pane.pid)).await;
}

#[tokio::test]
async fn an_adopting_daemon_gets_everything_again() {
    let place = Place::new();
    let mut spec = place.sh("echo before; read line; echo \"told $line\" >&9; exit 6");
    spec.status_pipe = true;
    spec.meta = b"first".to_vec().into();
    let socket = spec.socket.clone();
    let pane_id = spec.pane_id.clone();
    let first = spawn(spec).await;
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    output_with(&first.master, "before").await;
    rustix::io::pwrite(&first.journal, b"journal", 0).unwrap();
    first.keeper.set_meta(b"second".to_vec()).await.unwrap();
    let (pid, start_time, keeper_pid) = (first.pid, first.start_time, first.keeper_pid);
    let old = first.keeper.clone();
    drop(first);

    let second = Keeper::adopt(&socket, LIMIT).await.unwrap();
    assert_eq!(
        (second.pid, second.start_time, second.keeper_pid),
        (pid, start_time, keeper_pid)
    );
    assert_eq!((second.pane_id, second.meta), (pane_id, b"second".to_vec()));
    // What nobody else of its user can see.
    let exe = second.keeper_exe.file_name().unwrap().to_str().unwrap();
    assert!(exe.starts_with("fugue"), "{exe}");
    assert!(second.keeper_pss_kib > 0);
    assert_eq!(ended(&old).await, KeeperExit::Replaced);
    let mut start = [0; 7];
    rustix::io::pread(&second.journal, &mut start, 0).unwrap();
    assert_eq!(&start, b"journal");
    rustix::io::write(&second.master, b"hello\n").unwrap();
    assert_eq!(
        report(&second.keeper).await.status,
        ProgramStatus::Exited(6)
    );
    let mut told = String::new();
    fs::File::from(second.status_pipe.unwrap())
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(told, "told hello\n");
    drop((second.keeper, second.master, second.journal));

    // Not acknowledged: told again, as often as somebody asks.
    for _ in 0..2 {
        let third = Keeper::adopt(&socket, LIMIT).await.unwrap();
        assert_eq!(report(&third.keeper).await.status, ProgramStatus::Exited(6));
    }
    let last = Keeper::adopt(&socket, LIMIT).await.unwrap();
    last.keeper.ack_exit(true).await.unwrap();
    until("the keeper leaves", || !exists(keeper_pid)).await;
    place.assert_no_sockets();
}

#[tokio::test]
async fn a_keeper_outlives_its_daemon() {
    let place = Place::new();
    let spec = place.sh("sleep 0.3; exit 9");
    let socket = spec.socket.clone();
    let keeper_pid = std::thread::spawn(move || {
        let daemon = tokio::runtime::Runtime::new().unwrap();
        let pane = daemon.block_on(spawn(spec));
        // Runtime, connection and descriptors go; the process stays.
        pane.keeper_pid
    })
    .join()
    .unwrap();
    assert!(exists(keeper_pid));
    // Long after the end, so that the time of one is not that of the other on a busy machine either.
    sleep(Duration::from_millis(3_000)).await;
    let pane = Keeper::adopt(&socket, LIMIT).await.unwrap();
    let report = report(&pane.keeper).await;
    assert_eq!(report.status, ProgramStatus::Exited(9));
    assert!((250..2_500).contains(&report.duration_ms), "{report:?}");
    assert!(pane.keeper.release(LIMIT).await.unwrap().is_empty());
    until("the keeper is reaped", || !exists(keeper_pid)).await;
    place.assert_no_sockets();
}

#[tokio::test]
async fn strangers_and_nonsense_do_not_disturb() {
    use std::io::Write;
    let place = Place::new();
    let spec = place.spec(&["sleep", "1000"]);
    let socket = spec.socket.clone();
    let pane = spawn(spec).await;
    for bytes in [
        &b""[..],
        b"\xff\xff\xff\xff",
        b"\0\0\0\x03abc",
        b"\0\0\0\x04\x81\xa1x\x01",
        b"GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut stranger = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stranger.set_read_timeout(Some(LIMIT)).unwrap();
        stranger.write_all(bytes).unwrap();
        stranger.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // Closed, perhaps with a reset, and never with descriptors or a stall.
        let _ = stranger.read_to_end(&mut answer);
        assert!(answer.len() < 200);
        assert_eq!(pane.keeper.descendants().await.unwrap().len(), 1);
    }
    // A silent one in the middle of a frame is pushed out by the next.
    let mut silent = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    silent.write_all(b"\0\0").unwrap();
    let adopted = Keeper::adopt(&socket, LIMIT).await.unwrap();
    assert_eq!(adopted.pid, pane.pid);
    drop(adopted);
    let pane = SpawnedPane {
        keeper: Keeper::adopt(&socket, LIMIT).await.unwrap().keeper,
        ..pane
    };
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_keeper_ignores_every_signal_but_one() {
    let place = Place::new();
    let pane = spawn(place.sh("read x; exit 2")).await;
    for signal in [1, 2, 3, 10, 12, 13, 14, 15, 20, 21, 22] {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(pane.keeper_pid.to_string())
            .status();
        assert!(sent.unwrap().success());
    }
    assert_eq!(pane.keeper.descendants().await.unwrap().len(), 1);
    rustix::io::write(&pane.master, b"\n").unwrap();
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(2));
    finish(pane, &place).await;
}

#[tokio::test]
async fn an_idle_keeper_uses_no_cpu() {
    let place = Place::new();
    let pane = spawn(place.sh("sleep 1000")).await;
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", pane.keeper_pid)).unwrap();
        status
            .lines()
            .filter(|line| line.contains("ctxt_switches"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    sleep(Duration::from_millis(50)).await;
    let before = switches();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(before, switches());
    finish(pane, &place).await;
}
