//! Control groups of panes: in a real cgroup v2 where the machine has one, limits of memory in a directory that looks like one.

use std::path::PathBuf;
use std::time::Duration;

use protocol::reply::ExitStatus;
use protocol::request::{
    ClosePane, CreatePane, CreateSession, PaneSettings, PaneSpec, RestartType, RunOptions,
    RunParallel, Status,
};
use protocol::{ErrorCode, Target};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, kept, shell};
use crate::support::view::named;
use crate::support::{eventually, proc, run};

/// A group of cgroup v2 for one test.
struct Group(PathBuf);

impl Group {
    /// `None` where the machine has none, which is said.
    fn new() -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let Some(point) = mount.and_then(|line| line.split(' ').nth(4)) else {
            eprintln!("skipped: no cgroup v2 is mounted");
            return None;
        };
        let path = PathBuf::from(point).join(format!("fugue-daemon-test-{}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                eprintln!("skipped: {} cannot be made: {error}", path.display());
                None
            }
        }
    }

    fn config(&self) -> String {
        format!("[daemon]\ncgroup = \"{}\"\n", self.0.display())
    }

    fn pane(&self, id: impl std::fmt::Display) -> PathBuf {
        self.0.join(format!("fugue-local/pane-{id}"))
    }

    fn processes(&self, group: &str) -> Vec<u32> {
        let text = std::fs::read_to_string(self.0.join(group).join("cgroup.procs"));
        text.unwrap_or_default()
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::write(self.0.join("cgroup.kill"), "1");
        for _ in 0..200 {
            for below in ["fugue-local", "fugued", ""] {
                let path = self.0.join(below);
                for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                    let _ = std::fs::remove_dir(entry.path());
                }
                let _ = std::fs::remove_dir(path);
            }
            if !self.0.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn close(client: &Client, pane: protocol::PaneUuid) -> Vec<u32> {
    let close = ClosePane {
        pane: Target::from(pane),
        force: false,
        guarded: false,
    };
    let killed = client.ok(close).await;
    killed
        .panes
        .into_iter()
        .flat_map(|end| end.survivors)
        .collect()
}

#[test]
fn each_pane_has_a_real_group_that_goes_with_it() {
    let Some(group) = Group::new() else { return };
    run(async {
        let mut daemon = Daemon::start_with(&group.config());
        let client = daemon.client().await;
        let status = client.ok(Status {}).await.containment.unwrap();
        assert!(status.on, "{status:?}");
        assert!(
            daemon
                .fugue(&["status"])
                .out
                .contains("containment: a control group for each pane")
        );
        // Its programs and theirs are in the group; the keeper, which has to tell the end, is not.
        let made = client.session("one", "sleep 601 & exec sleep 602").await;
        let path = group.pane(made.pane_id);
        let in_group = format!("fugue-local/pane-{}", made.pane_id);
        eventually("both programs in the group", async || {
            let inside = group.processes(&in_group);
            (inside.len() == 2 && inside.contains(&made.pid)).then_some(())
        })
        .await;
        let keeper = client.panes().await[0].keeper_pid;
        let home = group.processes("fugued");
        assert!(
            home.contains(&keeper) && home.contains(&daemon.pid),
            "{home:?}"
        );
        // A program that could not be started leaves no group.
        let bad = CreatePane {
            session: Some(named("one")),
            pane: PaneSpec {
                program: protocol::request::Program::Argv(vec!["/no/such/program".into()]),
                ..PaneSpec::default()
            },
            ..CreatePane::default()
        };
        assert_eq!(
            client.call(bad).await.unwrap_err().code,
            ErrorCode::SpawnFailed
        );
        assert_eq!(
            std::fs::read_dir(group.0.join("fugue-local"))
                .unwrap()
                .flatten()
                .filter(|e| e.path().is_dir())
                .count(),
            1
        );
        // The next daemon knows the group of a pane that it has taken over.
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(group.processes(&in_group).len(), 2);
        assert_eq!(close(&client, made.pane_id).await, Vec::<u32>::new());
        assert!(!path.exists());
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        assert!(!group.0.join("fugue-local").exists());
    });
}

#[test]
fn what_hides_from_a_dead_keeper_does_not_survive_its_group() {
    let Some(group) = Group::new() else { return };
    run(async {
        let daemon = Daemon::start_with(&group.config());
        let client = daemon.client().await;
        // Without the environment by which a sweep would find it, and in a session of its own.
        let hidden = "env -i setsid sh -c 'trap \"\" HUP TERM; echo READY; while :; do sleep 0.1; done' & exec sleep 600";
        let made = client.session("one", hidden).await;
        eventually("the program", async || {
            client
                .text(made.pane_id)
                .await
                .contains("READY")
                .then_some(())
        })
        .await;
        let in_group = format!("fugue-local/pane-{}", made.pane_id);
        let inside = group.processes(&in_group);
        assert!(!inside.is_empty());
        proc::signal(client.panes().await[0].keeper_pid, Signal::KILL);
        eventually("the loss of the keeper", async || {
            let panes = client.panes().await;
            matches!(panes[0].status.exit, Some(ExitStatus::Lost { .. })).then_some(())
        })
        .await;
        assert_eq!(close(&client, made.pane_id).await, Vec::<u32>::new());
        assert!(!inside.iter().any(|pid| proc::lives(*pid)));
        assert!(!group.pane(made.pane_id).exists());
    });
}

#[test]
fn a_limit_where_there_can_be_none_is_refused_and_nothing_is_started() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\ncgroup = \"off\"\n");
        let client = daemon.client().await;
        let limited = PaneSpec {
            settings: PaneSettings {
                memory_max: Some(64 << 20),
                ..PaneSettings::default()
            },
            ..shell("sleep 600")
        };
        let create = CreateSession {
            pane: limited,
            ..CreateSession::default()
        };
        let error = client.call(create).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Unsupported, "{error}");
        assert!(
            error.message.contains("it is off in the configuration"),
            "{error}"
        );
        assert!(client.sessions().await.is_empty());
        let ran = daemon.fugue(&["new", "-d", "--memory-max", "512M", "--", "sleep", "600"]);
        assert!(
            ran.code == 1 && ran.err.contains("delegated cgroup v2"),
            "{}",
            ran.err
        );
        let ran = daemon.fugue(&["new", "-d", "--memory-max", "lots"]);
        assert!(ran.code == 2 && ran.err.contains("512M"), "{}", ran.err);
        assert!(
            daemon
                .fugue(&["status"])
                .out
                .contains("containment: off, it is off")
        );
        // Panes without a limit are as ever.
        client.session("free", "sleep 600").await;
    });
}

/// A directory that looks like a delegated group with a memory controller.
fn pretended() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let panes = dir.path().join("fugue-local");
    std::fs::create_dir(&panes).unwrap();
    for group in [dir.path(), &panes] {
        std::fs::write(group.join("cgroup.controllers"), "memory").unwrap();
    }
    let config = format!("[daemon]\ncgroup = \"{}\"\n", dir.path().display());
    (dir, config)
}

#[test]
fn a_program_that_used_too_much_memory_ends_so_and_everybody_says_it() {
    run(async {
        let (dir, config) = pretended();
        let mut daemon = Daemon::prepared(&config);
        daemon.launch_with(&[], &[("FUGUE_TEST_CGROUP", "1")]);
        let client = daemon.client().await;
        assert!(client.ok(Status {}).await.containment.unwrap().memory);
        let group = format!("{}/fugue-local/pane-$FUGUE_PANE_ID", dir.path().display());
        // As the kernel does it: it counts, and kills.
        let greedy = format!("echo oom_kill 1 > {group}/memory.events; kill -9 $$");
        let limited = PaneSpec {
            settings: PaneSettings {
                memory_max: Some(64 << 20),
                ..kept(RestartType::Temporary)
            },
            ..shell(&greedy)
        };
        let create = CreateSession {
            pane: limited,
            ..CreateSession::default()
        };
        let made = client.ok(create).await;
        let ended = ExitStatus::OutOfMemory {
            memory_max: Some(64 << 20),
        };
        assert_eq!(client.exit(made.pane_id).await.exit, Some(ended.clone()));
        let limit = dir
            .path()
            .join(format!("fugue-local/pane-{}/memory.max", made.pane_id));
        assert_eq!(
            std::fs::read_to_string(limit).unwrap(),
            (64 << 20).to_string()
        );
        let id = made.pane_id.to_string();
        let words = "out of memory";
        for arguments in [vec!["panes"], vec!["tree"]] {
            let ran = daemon.fugue(&arguments);
            assert!(ran.out.contains(words), "{arguments:?} {}", ran.out);
        }
        let ran = daemon.fugue(&["--json", "wait", &id]);
        assert_eq!(ran.code, 137);
        assert!(
            ran.out.contains("\"kind\":\"out_of_memory\""),
            "{}",
            ran.out
        );
        // One that is killed by somebody is not one that used too much.
        let killed = client.session("killed", "kill -9 $$").await;
        let signal = ExitStatus::Signaled {
            signal: 9,
            core_dumped: false,
        };
        assert_eq!(client.exit(killed.pane_id).await.exit, Some(signal));
        let job = client
            .ok(RunParallel {
                commands: vec![protocol::request::ParallelCommand {
                    command: greedy,
                    ..Default::default()
                }],
                options: RunOptions {
                    memory_max: Some(32 << 20),
                    ..RunOptions::default()
                },
                ..RunParallel::default()
            })
            .await;
        let done = client
            .ok(protocol::request::GetOrchestration {
                orchestration_id: job.orchestration_id,
                after_version: None,
                wait: true,
                timeout_ms: 15_000,
            })
            .await;
        let command = &done.commands[0];
        assert_eq!(command.signal, Some(9), "{command:?}");
        assert!(
            command.error.as_ref().unwrap().contains("33554432 bytes"),
            "{command:?}"
        );
        // It is known for good, whoever asks.
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch_with(&[], &[("FUGUE_TEST_CGROUP", "1")]);
        let client = daemon.client().await;
        assert_eq!(client.exit(made.pane_id).await.exit, Some(ended));
    });
}
