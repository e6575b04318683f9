//! Pastes arrive whole, in order and in one piece, however large they are and whenever the program reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use protocol::Event;
use protocol::frame::PastePart;
use protocol::id::PaneUuid;
use protocol::request::SendInput;

use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::pane::{input, pattern};
use crate::support::view::{attach, named};
use crate::support::{eventually, run_within};

const START: &str = "\x1b[200~";
const END: &str = "\x1b[201~";

/// What one frame holds.
const PIECE: usize = 32 * 1024;

/// A program that takes pastes, reads nothing before there is a file, and then writes what it reads into another one.
struct Sink {
    pane: PaneUuid,
    name: String,
    go: PathBuf,
    out: PathBuf,
}

impl Sink {
    async fn start(daemon: &Daemon, client: &Client, name: &str) -> Self {
        let go = daemon.runtime().join(format!("{name}.go"));
        let out = daemon.runtime().join(format!("{name}.out"));
        let line = format!(
            "stty raw -echo; printf '\\033[?2004h'; echo READY; while [ ! -e {} ]; do sleep 0.05; done; exec cat >{}",
            go.display(),
            out.display()
        );
        let pane = client.session(name, &line).await.pane_id;
        client.ok(pattern(pane, "READY")).await;
        let name = name.to_owned();
        Self {
            pane,
            name,
            go,
            out,
        }
    }

    fn reads(&self) {
        fs::write(&self.go, "").unwrap();
    }

    /// What it has read when that ends so.
    async fn read_up_to(&self, end: &str) -> String {
        eventually("what was typed", async || {
            let text = fs::read_to_string(&self.out).ok()?;
            text.ends_with(end).then_some(text)
        })
        .await
    }
}

fn lines(bytes: usize) -> String {
    let line = |n: usize| format!("line {n:06} {}\r", "x".repeat(60));
    (0..bytes / 73 + 1).map(line).collect()
}

/// Gives a view pieces of input as its window allows.
struct Paster {
    client: Client,
    window: u64,
    under_way: u64,
}

impl Paster {
    async fn attach(daemon: &Daemon, session: &str) -> Self {
        let client = daemon.client_named("paster").await;
        let window = client.attach(1, named(session)).await.input_window;
        assert!(window > 0);
        Self {
            client,
            window: u64::from(window),
            under_way: 0,
        }
    }

    async fn piece(&mut self, bytes: &[u8], part: Option<PastePart>) {
        let length = bytes.len() as u64;
        while self.under_way + length > self.window {
            match self.client.event().await {
                Event::InputTaken { bytes, .. } => self.under_way -= bytes,
                Event::Screen { .. } => self.client.connection.ready(1).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        self.under_way += length;
        let bytes = Bytes::copy_from_slice(bytes);
        let connection = &self.client.connection;
        match part {
            Some(part) => connection.paste(1, bytes, part).await.unwrap(),
            None => connection.input(1, bytes).await.unwrap(),
        }
    }

    /// A paste that is told apart from keys.
    async fn paste(&mut self, text: &str) {
        self.piece(b"", Some(PastePart::Begin)).await;
        for piece in text.as_bytes().chunks(PIECE) {
            self.piece(piece, Some(PastePart::More)).await;
        }
        self.piece(b"", Some(PastePart::End)).await;
    }

    /// A paste as an outer terminal sends it.
    async fn paste_marked(&mut self, text: &str) {
        for piece in format!("{START}{text}{END}").as_bytes().chunks(PIECE) {
            self.piece(piece, None).await;
        }
    }
}

fn assert_same(got: &str, expected: &str, what: &str) {
    let differs = got.bytes().zip(expected.bytes()).position(|(a, b)| a != b);
    assert!(
        got == expected,
        "{what}: {} bytes instead of {}, different from {differs:?} on",
        got.len(),
        expected.len()
    );
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Apart,
    Marked,
    Sent,
}

#[test]
fn a_paste_of_any_size_arrives_whole_from_a_view_and_from_a_call() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for way in [Way::Apart, Way::Marked, Way::Sent] {
            for (bytes, busy) in [(400_000, true), (400_000, false), (3_000_000, true)] {
                let name = format!("{way:?}-{bytes}-{busy}");
                let sink = Sink::start(&daemon, &client, &name).await;
                if !busy {
                    sink.reads();
                }
                let text = lines(bytes);
                let start = async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    sink.reads();
                };
                let paste = async {
                    match way {
                        Way::Apart => {
                            let mut paster = Paster::attach(&daemon, &name).await;
                            paster.paste(&text).await;
                            Some(paster)
                        }
                        Way::Marked => {
                            let mut paster = Paster::attach(&daemon, &name).await;
                            paster.paste_marked(&text).await;
                            Some(paster)
                        }
                        Way::Sent => {
                            let send = SendInput {
                                submit: false,
                                paste: Some(true),
                                ..input(sink.pane, &format!("{text}x"))
                            };
                            let sent = client.ok(send).await;
                            assert!(sent.pasted && !sent.submitted);
                            assert_eq!(sent.bytes as usize, text.len() + 13);
                            None
                        }
                    }
                };
                // The view stays until all of it was read.
                let ((), _view) = tokio::join!(start, paste);
                let got = sink.read_up_to(END).await;
                let rest = if matches!(way, Way::Sent) { "x" } else { "" };
                assert_same(&got, &format!("{START}{text}{rest}{END}"), &name);
            }
        }
    });
}

#[test]
fn a_paste_into_an_attached_terminal_arrives_whole() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let sink = Sink::start(&daemon, &client, "sink").await;
        // The outer terminal is a pane too.
        let line = format!("exec {} attach sink", fugue_exe());
        let outer = client.session("outer", &line).await.pane_id;
        client.ok(pattern(outer, "READY")).await;
        let text = lines(400_000);
        let mut paster = Paster::attach(&daemon, "outer").await;
        let start = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            sink.reads();
        };
        tokio::join!(start, paster.paste_marked(&text));
        let got = sink.read_up_to(END).await;
        assert_same(&got, &format!("{START}{text}{END}"), "attached");
    });
}

#[test]
fn nobody_else_types_into_a_paste_and_a_writer_that_goes_leaves_it_ended() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let sink = Sink::start(&daemon, &client, "sink").await;
        sink.reads();
        let mut paster = Paster::attach(&daemon, &sink.name).await;
        paster.piece(b"one", Some(PastePart::Begin)).await;
        sink.read_up_to("one").await;
        let agent = SendInput {
            submit: false,
            ..input(sink.pane, "agent")
        };
        let other = daemon.client().await;
        other.ok(attach(1, named("sink"))).await;
        other.types(1, "other").await;
        let (sent, ()) = tokio::join!(client.ok(agent), async {
            paster.piece(b"two", Some(PastePart::More)).await;
            sink.read_up_to("two").await;
            paster.piece(b"three", Some(PastePart::End)).await;
        });
        assert_eq!(sent.bytes, 5);
        let paste = format!("{START}onetwothree{END}");
        let all = paste.len() + "agentother".len();
        let got = eventually("both of them", async || {
            let text = fs::read_to_string(&sink.out).ok()?;
            (text.len() == all).then_some(text)
        })
        .await;
        let behind = got.strip_prefix(&paste).expect(&got);
        assert!(matches!(behind, "agentother" | "otheragent"), "{got:?}");
        paster.piece(b"four", Some(PastePart::Begin)).await;
        sink.read_up_to("four").await;
        drop(paster);
        sink.read_up_to(&format!("{START}four{END}")).await;
    });
}

/// A client that does not keep to its window, as older ones.
#[test]
fn what_is_dropped_of_a_paste_is_told_with_its_size_and_the_paste_is_ended() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let sink = Sink::start(&daemon, &client, "sink").await;
        let mut view = daemon.client_named("older").await;
        view.attach(1, named("sink")).await;
        let all = format!("{START}{}{END}", lines(600_000));
        for piece in all.as_bytes().chunks(16 * 1024) {
            view.types(1, std::str::from_utf8(piece).unwrap()).await;
        }
        view.types(1, "").await;
        let mut dropped = 0;
        while dropped < 300_000 {
            if let Event::InputBlocked { dropped_bytes, .. } = view.event().await {
                dropped += dropped_bytes as usize;
            }
        }
        sink.reads();
        let got = sink.read_up_to(END).await;
        assert!(got.starts_with(START));
        // The last piece brings the end mark, which is not lost with it.
        while got.len() + dropped < all.len() + END.len() {
            if let Event::InputBlocked { dropped_bytes, .. } = view.event().await {
                dropped += dropped_bytes as usize;
            }
        }
        assert_eq!(got.len() + dropped, all.len() + END.len());
        let whole = got.strip_suffix(END).unwrap();
        assert!(all.starts_with(whole));
    });
}

#[test]
fn text_comes_from_standard_input_too() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let sink = Sink::start(&daemon, &client, "sink").await;
        sink.reads();
        let text = lines(1_000_000);
        let file = daemon.runtime().join("text");
        fs::write(&file, format!("{text}x")).unwrap();
        send_file(&daemon, &sink.name, &file);
        let got = sink.read_up_to(END).await;
        assert_same(&got, &format!("{START}{text}x{END}"), "stdin");
    });
}

fn send_file(daemon: &Daemon, pane: &str, file: &Path) {
    let mut send = daemon.command(fugue_exe());
    send.args(["send", pane, "--stdin"]);
    send.stdin(fs::File::open(file).unwrap());
    let status = send.status().unwrap();
    assert!(status.success(), "{status}");
}
