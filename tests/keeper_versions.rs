//! Keepers outlive daemons: a daemon takes over keepers of other versions, and a keeper serves daemons of other versions.

use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use protocol::PaneUuid;
use protocol::reply::ExitStatus;
use protocol::request::ClosePane;
use rustix::process::Signal;
use serde::Deserialize;

use crate::support::daemon::Daemon;
use crate::support::old_keeper::{Frames, Numbers, OldKeeper, PANE, take_frame};
use crate::support::pane::input;
use crate::support::{LIMIT, eventually, proc, run};

const LINE: &str =
    "echo READY; while read word; do [ \"$word\" = end ] && exit 7; echo got $word; done";

fn adopted(version: u32) {
    run(async {
        let mut daemon = Daemon::prepared("");
        let panes = daemon.paths().panes();
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&panes).unwrap();
        let runtime = daemon.runtime();
        let keeper = OldKeeper::start(version, &panes, LINE, ("FUGUE_RUNTIME_DIR", &runtime));
        daemon.launch();
        let client = daemon.client().await;
        let pane: PaneUuid = PANE.parse().unwrap();
        let known = client.panes().await;
        assert_eq!(known.len(), 1, "{}", daemon.log());
        assert_eq!((known[0].pane_id, known[0].pid), (pane, keeper.pid));
        assert_eq!(known[0].session_name.as_str(), "of-then");
        assert_eq!(known[0].command, "a shell of then");
        assert_eq!(
            known[0].name.as_ref().map(|name| name.as_str()),
            Some("veteran")
        );
        let says = async |client: &crate::support::daemon::Client, what: &str| {
            eventually(what, async || {
                client.text(pane).await.contains(what).then_some(())
            })
            .await;
        };
        says(&client, "READY").await;
        client.ok(input(pane, "hello")).await;
        says(&client, "got hello").await;

        // Once more by the next daemon, which finds it in its database too.
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        says(&client, "got hello").await;
        client.ok(input(pane, "again")).await;
        says(&client, "got again").await;

        client.ok(input(pane, "end")).await;
        let end = client.exit(pane).await;
        assert_eq!(end.exit, Some(ExitStatus::Exited { code: 7 }));
        assert!(!keeper.has_left(), "it keeps the status until it is let go");
        let close = ClosePane {
            pane: pane.into(),
            force: false,
            guarded: false,
        };
        let closed = client.ok(close).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        eventually("the keeper's end", async || keeper.has_left().then_some(())).await;
        assert!(!keeper.socket.exists());
        assert!(!proc::lives(keeper.pid));
        drop(client);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        daemon.wait();
        let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn a_keeper_of_the_first_version_is_taken_over() {
    adopted(1);
}

#[test]
fn a_keeper_of_a_later_version_is_taken_over() {
    adopted(2);
}

#[test]
fn a_live_program_of_an_old_keeper_is_closed_with_it() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let panes = daemon.paths().panes();
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&panes).unwrap();
        let runtime = daemon.runtime();
        let keeper = OldKeeper::start(1, &panes, LINE, ("FUGUE_RUNTIME_DIR", &runtime));
        daemon.launch();
        let client = daemon.client().await;
        let pane: PaneUuid = PANE.parse().unwrap();
        let close = ClosePane {
            pane: pane.into(),
            force: true,
            guarded: false,
        };
        let closed = client.ok(close).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        eventually("the keeper's end", async || keeper.has_left().then_some(())).await;
        assert!(!proc::lives(keeper.pid) && !keeper.socket.exists());
        assert!(client.panes().await.is_empty());
    });
}

#[test]
fn a_program_of_an_old_keeper_is_asked_to_end_before_it_is_killed() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let panes = daemon.paths().panes();
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&panes).unwrap();
        let saved = daemon.dir.path().join("saved");
        let line = format!(
            "trap 'sleep 0.2; echo $$ >{}; exit 0' TERM; echo READY; while :; do sleep 0.02; done",
            saved.display()
        );
        let runtime = daemon.runtime();
        let keeper = OldKeeper::start(1, &panes, &line, ("FUGUE_RUNTIME_DIR", &runtime));
        daemon.launch();
        let client = daemon.client().await;
        let pane: PaneUuid = PANE.parse().unwrap();
        eventually("READY", async || {
            client.text(pane).await.contains("READY").then_some(())
        })
        .await;
        let close = ClosePane {
            pane: pane.into(),
            force: false,
            guarded: false,
        };
        let closed = client.ok(close).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        let text = std::fs::read_to_string(saved).unwrap();
        assert_eq!(text.trim(), keeper.pid.to_string());
        eventually("the keeper's end", async || keeper.has_left().then_some(())).await;
    });
}

/// Replies as version 1 knows them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Hello {
        version: u32,
        pane_id: String,
        descriptors: u32,
    },
    Done {},
    Signaled {
        processes: u32,
    },
    Processes {
        processes: Vec<Process>,
    },
    Unsupported {
        text: String,
    },
}

#[derive(Debug, Deserialize)]
struct Process {
    pid: u32,
    comm: String,
}

#[derive(Debug, Deserialize)]
struct KeeperFrame {
    id: u64,
    reply: Option<Reply>,
}

/// A daemon of version 1: frozen requests out, frozen replies in.
struct OldDaemon {
    socket: UnixStream,
    frames: Frames,
    input: Vec<u8>,
    request: u64,
}

impl OldDaemon {
    fn ask(&mut self, name: &str) -> Reply {
        self.request += 1;
        let numbers = Numbers {
            request: self.request,
            ..Numbers::default()
        };
        let frame = self.frames.with(name, &numbers).unwrap();
        self.send(&frame)
    }

    fn send(&mut self, frame: &[u8]) -> Reply {
        self.socket.write_all(frame).unwrap();
        let begun = Instant::now();
        loop {
            if let Some(body) = take_frame(&mut self.input) {
                let frame: KeeperFrame = protocol::frame::from_bytes(&body).unwrap();
                // An event, such as the program's end, may come between.
                if frame.id != 0 {
                    assert_eq!(frame.id, self.request);
                    return frame.reply.unwrap();
                }
                continue;
            }
            assert!(begun.elapsed() < LIMIT);
            let mut buffer = [0; 4096];
            let count = self.socket.read(&mut buffer).unwrap();
            assert!(count > 0, "the keeper has hung up");
            self.input.extend_from_slice(&buffer[..count]);
        }
    }
}

#[test]
fn a_keeper_serves_a_daemon_of_the_first_version() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("s", "echo READY; exec sleep 600").await;
        let id = made.pane_id;
        eventually("it executes sleep", async || {
            let comm = std::fs::read_to_string(format!("/proc/{}/comm", made.pid));
            comm.is_ok_and(|comm| comm.trim() == "sleep").then_some(())
        })
        .await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let socket = UnixStream::connect(daemon.paths().pane_socket(id)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut old = OldDaemon {
            socket,
            frames: Frames::of(1),
            input: Vec::new(),
            request: 20,
        };
        let hello = old.ask("ask_hello");
        let Reply::Hello {
            version,
            pane_id,
            descriptors,
        } = hello
        else {
            panic!("{hello:?}")
        };
        assert!(version >= 1);
        assert_eq!((pane_id, descriptors), (id.to_string(), 2));
        let below = old.ask("ask_descendants");
        let Reply::Processes { processes } = below else {
            panic!("{below:?}")
        };
        assert_eq!(
            (processes[0].pid, processes[0].comm.as_str()),
            (made.pid, "sleep")
        );
        // SIGWINCH, which nobody minds.
        let signaled = old.ask("ask_signal");
        assert!(
            matches!(signaled, Reply::Signaled { processes: 1 }),
            "{signaled:?}"
        );
        // {"id": 24, "request": {"levitate": {}}}
        old.request += 1;
        let unknown =
            [&b"\x00\x00\x00\x18\x82\xa2id\x18\xa7request\x81\xa8levitate\x80"[..]].concat();
        assert_eq!(unknown.len(), 4 + 0x18);
        let refused = old.send(&unknown);
        assert!(
            matches!(&refused, Reply::Unsupported { text } if !text.is_empty()),
            "{refused:?}"
        );
        // It leaves it to a newer daemon, and that one to another old one.
        drop(old);
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(client.panes().await[0].pid, made.pid);
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let socket = UnixStream::connect(daemon.paths().pane_socket(id)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut old = OldDaemon {
            socket,
            frames: Frames::of(1),
            input: Vec::new(),
            request: 40,
        };
        assert!(matches!(old.ask("ask_hello"), Reply::Hello { .. }));
        assert!(matches!(old.ask("ask_set_meta"), Reply::Done {}));
        let left = old.ask("ask_release");
        assert!(
            matches!(&left, Reply::Processes { processes } if processes.is_empty()),
            "{left:?}"
        );
        assert!(!proc::lives(made.pid));
        eventually("the socket's end", async || {
            (!daemon.paths().pane_socket(id).exists()).then_some(())
        })
        .await;
    });
}
