//! Tests without a keeper process: frames, `/proc`, and the search for programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{io::Errno, process::Signal};
use serde::Serialize;

use crate::{
    diagnose::{explain, find_program},
    procs::{self, parse_stat},
    sys,
    wire::{
        Event, ExitReport, FailureClass, KeeperFrame, KeeperSpec, MAX_FRAME_BYTES, ProgramStatus,
        Reply, Request, RequestFrame, SignalScope, SpawnFailure, Taken, encode, take,
    },
};

fn encoded<T: Serialize>(frame: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(frame, &mut bytes).unwrap();
    bytes
}

/// A process of this test that is ended with it.
struct Started(Child);

impl Started {
    fn new(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for process in procs::descendants(self.pid()) {
            let _ = procs::signal_exactly(process.pid, process.start_time, Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that another one of this test has started.
struct Adopted(i32);

impl Drop for Adopted {
    fn drop(&mut self) {
        if let Some(stat) = procs::stat(self.0) {
            let _ = procs::signal_exactly(stat.pid, stat.start_time, Signal::KILL);
        }
    }
}

/// A directory that is removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("fugue-keeper-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn file(&self, name: &str, text: &[u8], mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn frames_survive_any_split() {
    let spec = KeeperSpec {
        pane_id: "p".into(),
        argv: vec!["sh".into(), "-c".into(), "é".into()],
        cwd: "/tmp".into(),
        env: vec![("A".into(), "b".into())],
        meta: vec![0, 255].into(),
        ..KeeperSpec::default()
    };
    let request = Request::Spawn(Box::new(spec));
    let mut bytes = encoded(&RequestFrame { id: 7, request });
    let next = Request::AckExit {
        leave_when_empty: true,
    };
    bytes.extend(encoded(&RequestFrame {
        id: 8,
        request: next,
    }));
    for split in 0..bytes.len() {
        let mut input = bytes[..split].to_vec();
        let mut frames = Vec::new();
        for rest in [&bytes[split..], &[]] {
            while let Taken::Frame(frame) = take::<RequestFrame>(&mut input).unwrap() {
                frames.push(frame);
            }
            input.extend_from_slice(rest);
        }
        assert_eq!(frames.len(), 2, "split at {split}");
        let Request::Spawn(spec) = &frames[0].request else {
            panic!("{frames:?}")
        };
        assert_eq!(spec.argv[2], "é");
        assert_eq!(
            (spec.cwd.as_path(), &spec.meta[..]),
            (Path::new("/tmp"), &[0, 255][..])
        );
        assert!(matches!(
            frames[1].request,
            Request::AckExit {
                leave_when_empty: true
            }
        ));
    }
}

#[test]
fn paths_need_not_be_utf8() {
    use std::os::unix::ffi::OsStringExt;
    let cwd = PathBuf::from(std::ffi::OsString::from_vec(b"/a\xffb".to_vec()));
    let spec = KeeperSpec {
        cwd: cwd.clone(),
        ..KeeperSpec::default()
    };
    let bytes = rmp_serde::to_vec_named(&spec).unwrap();
    assert_eq!(
        rmp_serde::from_slice::<KeeperSpec>(&bytes).unwrap().cwd,
        cwd
    );
}

#[test]
fn other_versions_are_understood() {
    #[derive(Serialize)]
    struct Newer {
        id: u64,
        request: Later,
        extra: Vec<u32>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Later {
        AckExit { colour: String },
        Teleport { to: u8 },
        Signal { signal: i32, scope: &'static str },
    }
    let frame = |request| {
        let extra = vec![1, 2];
        let mut bytes = encoded(&Newer {
            id: 5,
            request,
            extra,
        });
        take::<RequestFrame>(&mut bytes).unwrap()
    };
    let colour = "red".to_owned();
    assert!(matches!(
        frame(Later::AckExit { colour }),
        Taken::Frame(RequestFrame {
            id: 5,
            request: Request::AckExit {
                leave_when_empty: false
            }
        })
    ));
    assert!(
        matches!(frame(Later::Teleport { to: 3 }), Taken::Unknown(5, text) if text.contains("teleport"))
    );
    let later = Later::Signal {
        signal: 1,
        scope: "friends",
    };
    assert!(matches!(frame(later), Taken::Unknown(5, _)));
    let spec: KeeperSpec = rmp_serde::from_slice(&[0x80]).unwrap();
    assert_eq!((spec.rows, spec.argv.len()), (0, 0));
}

#[test]
fn replies_and_events_round_trip() {
    let report = ExitReport {
        status: ProgramStatus::Signaled {
            signal: 11,
            core_dumped: true,
        },
        at_unix_ms: 1,
        duration_ms: 2,
        user_ms: 3,
        sys_ms: 4,
        max_rss_kib: 5,
        out_of_memory: true,
    };
    let mut bytes = encoded(&KeeperFrame::event(Event::Exited(report)));
    let Taken::Frame(frame) = take::<KeeperFrame>(&mut bytes).unwrap() else {
        panic!("no frame")
    };
    assert!(
        matches!(frame, KeeperFrame { id: 0, reply: None, event: Some(Event::Exited(r)) } if r == report)
    );
    let mut bytes = encoded(&KeeperFrame::reply(9, Reply::Done {}));
    let taken = take::<KeeperFrame>(&mut bytes).unwrap();
    assert!(matches!(
        taken,
        Taken::Frame(KeeperFrame {
            id: 9,
            reply: Some(Reply::Done {}),
            event: None
        })
    ));
    assert!(bytes.is_empty());
}

#[test]
fn nonsense_is_refused_without_growing() {
    let mut huge = vec![0xff; 8];
    assert!(take::<RequestFrame>(&mut huge).is_err());
    let mut garbage = vec![0, 0, 0, 3, 0xc1, 0xc1, 0xc1];
    assert!(take::<RequestFrame>(&mut garbage).is_err());
    let mut empty = vec![0, 0, 0, 0];
    assert!(take::<RequestFrame>(&mut empty).is_err());
    let meta = vec![0; MAX_FRAME_BYTES].into();
    let mut out = vec![1];
    let frame = RequestFrame {
        id: 1,
        request: Request::SetMeta { meta },
    };
    assert!(encode(&frame, &mut out).is_err());
    assert_eq!(out, [1]);
}

#[test]
fn stat_lines_are_read_whatever_the_name() {
    let rest = "S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 12345 1 2";
    for name in ["sleep", "a b", "x) S 1 (y", "", ")"] {
        let stat = parse_stat(format!("42 ({name}) {rest}\n").as_bytes()).unwrap();
        assert_eq!((stat.pid, stat.parent, stat.group), (42, 7, 8));
        assert_eq!(
            (stat.threads, stat.start_time, stat.comm.as_str()),
            (3, 12345, name)
        );
        assert!(stat.is_alive());
    }
    let zombie = "1 (x) Z 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2";
    assert!(!parse_stat(zombie.as_bytes()).unwrap().is_alive());
    for cut in ["", "1", "1 (x", "1 (x) S 2 3", ") 1 ("] {
        assert_eq!(parse_stat(cut.as_bytes()), None);
    }
    let own = std::process::id().cast_signed();
    assert_eq!(procs::stat(own).unwrap().pid, own);
    assert_eq!(procs::stat(i32::MAX), None);
}

#[test]
fn both_ways_find_the_same_descendants() {
    let tree = Started::new("sh", &["-c", "sleep 1000 & (sleep 1001; :) & wait"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    let names = |stats: Vec<procs::Stat>| {
        let mut all: Vec<_> = stats.into_iter().map(|s| (s.pid, s.comm)).collect();
        all.sort();
        all
    };
    loop {
        let (walked, scanned) = (
            names(procs::walk(tree.pid())),
            names(procs::scan(tree.pid())),
        );
        let sleeping = walked.iter().filter(|(_, comm)| comm == "sleep").count();
        if sleeping == 2 && walked.len() == 3 && walked == scanned {
            break;
        }
        assert!(Instant::now() < deadline, "{walked:?} {scanned:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_process_that_lives_is_found_while_those_above_it_end() {
    // Its descendants come to this process when those between end.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let script =
        "n=$1; if [ $n -gt 0 ]; then sh -c \"$0\" \"$0\" $((n - 1)); else sleep 1000; fi; :";
    let own = std::process::id().cast_signed();
    for round in 0..5 {
        let chain = Started::new("sh", &["-c", script, script, "40"]);
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut above = loop {
            let found = procs::list(chain.pid());
            if found.iter().any(|stat| stat.comm == "sleep") {
                break found;
            }
            assert!(Instant::now() < deadline, "{found:?}");
        };
        let sleeps = above.iter().position(|stat| stat.comm == "sleep").unwrap();
        let sleeping = Adopted(above.remove(sleeps).pid);
        let killer = std::thread::spawn(move || {
            for stat in above {
                let _ = procs::signal_exactly(stat.pid, stat.start_time, Signal::KILL);
                std::thread::yield_now();
            }
        });
        while !killer.is_finished() {
            let found = procs::list(own);
            let lives = found.iter().any(|stat| stat.pid == sleeping.0);
            assert!(lives, "round {round}: {found:?}");
        }
        killer.join().unwrap();
    }
}

#[test]
fn a_signal_is_not_sent_to_another_process_of_that_pid() {
    let mut child = Started::new("sleep", &["1000"]);
    let start_time = procs::stat(child.pid()).unwrap().start_time;
    let kill = |start| procs::signal_exactly(child.pid(), start, Signal::KILL);
    assert_eq!(kill(start_time + 1), Err(Errno::SRCH));
    assert_eq!(kill(start_time), Ok(()));
    assert!(!child.0.wait().unwrap().success());
    assert_eq!(sys::signal(0), None);
    assert_eq!(sys::signal(65), None);
    assert_eq!(sys::signal(9), Some(Signal::KILL));
}

/// A program that leads a session of its own, as every pane's does.
fn leader(script: &str) -> Started {
    Started::new("setsid", &["sh", "-c", script])
}

fn family(program: &Started) -> procs::Family {
    procs::Family {
        program: procs::Identity::now(program.pid()),
        ..procs::Family::default()
    }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn without_its_keeper_a_program_is_ended_with_its_session_and_nobody_else() {
    // The child leaves its parent, not its session; nothing of it has a variable by which it could be found.
    let mut program = leader("(env -i sleep 1000 &); exec env -i sleep 1001");
    let marker = format!("x{}", std::process::id());
    let mut command = Command::new("sleep");
    let bystander = command.arg("1000").env("FUGUE_PANE_ID", &marker).spawn();
    let mut bystander = Started(bystander.unwrap());
    let family = family(&program);
    let session = |pid| procs::stat(pid).map(|stat| stat.session);
    until("the program is there", || {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let sleeps = |pid: i32| procs::stat(pid).is_some_and(|stat| stat.comm == "sleep");
        let members = pids.filter(|pid| session(*pid) == Some(program.pid()) && sleeps(*pid));
        members.count() == 2
    });
    assert_eq!(family.kill(Duration::from_secs(20)), []);
    assert!(!program.0.wait().unwrap().success());
    assert!(bystander.0.try_wait().unwrap().is_none());
    let left = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        let stat = pid.and_then(procs::stat);
        stat.is_some_and(|stat| stat.session == program.pid() && stat.is_alive())
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn another_process_with_the_pid_of_a_program_is_left_alone_with_its_session() {
    let mut other = leader("sleep 1000 & wait");
    let mut family = family(&other);
    if let Some(program) = &mut family.program {
        program.start_time -= 1;
    }
    assert!(!family.program_lives());
    assert_eq!(family.kill(Duration::from_secs(20)), []);
    assert!(other.0.try_wait().unwrap().is_none());
}

#[test]
fn a_stopped_process_is_known_as_one() {
    let child = Started::new("sleep", &["1000"]);
    let identity = procs::Identity::now(child.pid()).unwrap();
    assert!(identity.is_alive() && !identity.is_stopped());
    procs::signal_exactly(identity.pid, identity.start_time, Signal::STOP).unwrap();
    until("it is stopped", || identity.is_stopped());
    assert!(identity.is_alive());
}

#[test]
fn programs_are_found_as_a_shell_finds_them() {
    let dir = Dir::new("path");
    let first = dir.0.join("first");
    fs::create_dir_all(first.join("tool")).unwrap();
    dir.file("tool", b"#!/bin/sh\n", 0o755);
    dir.file("data", b"", 0o644);
    let search = format!("{}:/no/such:{}", first.display(), dir.0.display());
    let find = |name: &str| find_program(name.as_ref(), Some(search.as_ref()));
    assert_eq!(find("tool").unwrap(), dir.0.join("tool"));
    assert_eq!(find("./x").unwrap(), Path::new("./x"));
    assert_eq!(
        find_program("sh".as_ref(), None).unwrap(),
        Path::new("/bin/sh")
    );
    let data = find("data").unwrap_err();
    assert_eq!(data.errno, Errno::ACCESS.raw_os_error());
    assert!(data.text.contains("not executable"), "{data:?}");
    let missing = find("missing").unwrap_err();
    assert!(
        missing.text.contains(&search) && missing.text.contains("missing"),
        "{missing:?}"
    );
    assert!(find("").is_err());
}

#[test]
fn failures_are_put_into_words_and_classes() {
    let dir = Dir::new("words");
    let perl = dir.file("perl", b"#! /no/perl -w\nprint", 0o755);
    let text = explain(Errno::NOENT, &perl).text;
    assert!(
        text.contains("interpreter /no/perl in the first line"),
        "{text}"
    );
    let elf = dir.file("elf", b"\x7fELF", 0o755);
    assert!(explain(Errno::NOENT, &elf).text.contains("loader"));
    let blocked = dir.file("blocked", b"", 0o755);
    assert!(
        explain(Errno::ACCESS, &blocked)
            .text
            .contains("from where it lies")
    );
    for (errno, class) in [
        (Errno::AGAIN, FailureClass::Limit),
        (Errno::NOSPC, FailureClass::Limit),
        (Errno::MFILE, FailureClass::Limit),
        (Errno::NOENT, FailureClass::SpawnFailed),
        (Errno::TOOBIG, FailureClass::SpawnFailed),
    ] {
        let failure = explain(errno, Path::new("/bin/sh"));
        assert_eq!(
            (failure.class, failure.errno),
            (class, errno.raw_os_error())
        );
        assert!(!failure.text.is_empty());
    }
    let bytes = rmp_serde::to_vec_named(&SpawnFailure::new(Errno::NFILE, "x".into())).unwrap();
    let back: SpawnFailure = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(back.class, FailureClass::Limit);
    assert_eq!(
        rmp_serde::to_vec_named(&SignalScope::ForegroundGroup).unwrap()[1..],
        *b"foreground_group"
    );
}
