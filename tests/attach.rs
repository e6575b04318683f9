//! Attached clients are counted exactly, however they come and go; views show what they are to show.

mod active;
mod clipboard;
mod far;
mod login;
mod outer;
mod terminal;
mod views;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use protocol::connection::Connection;
use protocol::id::SessionUuid;
use protocol::request::{GetSession, Whoami};
use protocol::{ErrorCode, transport};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::random::Random;
use crate::support::view::{attach, named};
use crate::support::{eventually, proc, run, run_within};

const SESSIONS: usize = 20;
const STEPS: usize = 10_000;

/// A connection whose socket is at hand.
struct Peer {
    client: Client,
    socket: UnixStream,
    views: BTreeMap<u64, usize>,
    next_view: u64,
}

impl Peer {
    async fn new(daemon: &Daemon) -> Self {
        let stream = tokio::net::UnixStream::connect(daemon.socket())
            .await
            .unwrap();
        let stream = stream.into_std().unwrap();
        let socket = stream.try_clone().unwrap();
        let stream = tokio::net::UnixStream::from_std(stream).unwrap();
        let hello = transport::client_hello("peer");
        let opened = Connection::open(stream, hello, Duration::from_secs(20)).await;
        let (connection, events) = opened.unwrap();
        Self {
            client: Client { connection, events },
            socket,
            views: BTreeMap::new(),
            next_view: 1,
        }
    }

    fn lives(&self) -> bool {
        !self.client.connection.is_closed()
    }
}

/// Sessions `a0` … that run nothing to speak of.
async fn sessions(client: &Client) -> Vec<SessionUuid> {
    let mut ids = Vec::new();
    for index in 0..SESSIONS {
        ids.push(
            client
                .session(&format!("a{index}"), "exec sleep 600")
                .await
                .context
                .session_id,
        );
    }
    ids
}

/// Waits until every session's count is that of the peers that are there.
async fn settled(client: &Client, peers: &[Peer], when: &str) {
    let mut seen = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let mut wanted = vec![0; SESSIONS];
        for peer in peers.iter().filter(|peer| peer.lives()) {
            for (index, count) in wanted.iter_mut().enumerate() {
                *count += u32::from(peer.views.values().any(|session| *session == index));
            }
        }
        let counts: Vec<u32> = client
            .sessions()
            .await
            .iter()
            .map(|s| s.attached_clients)
            .collect();
        if counts == wanted {
            return;
        }
        seen = (counts, wanted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{when}: counted {:?}, there are {:?}", seen.0, seen.1);
}

/// One random step; the sockets that were left half open are kept until the end.
async fn step(
    daemon: &Daemon,
    random: &mut Random,
    peers: &mut Vec<Peer>,
    half_open: &mut Vec<UnixStream>,
    ids: &[SessionUuid],
) {
    if peers.len() < 8 || (peers.len() < 40 && random.one_in(4)) {
        peers.push(Peer::new(daemon).await);
    }
    let at = random.below(peers.len());
    let session = random.below(SESSIONS);
    let peer = &mut peers[at];
    while peer.client.events.try_recv().is_ok() {}
    match random.below(12) {
        0..=4 if peer.views.len() < 60 => {
            let view = peer.next_view;
            peer.next_view += 1;
            // A peer that was too slow on a busy machine is closed, and counts as gone.
            if peer.client.call(attach(view, ids[session])).await.is_ok() {
                peer.views.insert(view, session);
            }
        }
        0..=8 => {
            if let Some(view) = peer
                .views
                .keys()
                .nth(random.below(peer.views.len().max(1)))
                .copied()
                && peer.client.detach(view).await.is_ok()
            {
                peer.views.remove(&view);
            }
        }
        9 => drop(peers.swap_remove(at)),
        10 => {
            // In the middle of a frame, or with an attach on its way whose answer nobody takes.
            let mut gone = peers.swap_remove(at);
            drop(gone.client);
            let bytes: &[u8] = if random.one_in(2) {
                &[0, 0, 1, 0, 0x81]
            } else {
                &attach_bytes(ids[session])
            };
            let _ = gone.socket.write_all(bytes);
            let _ = gone.socket.shutdown(Shutdown::Both);
        }
        _ => {
            // Open and silent: no pong comes any more.
            let gone = peers.swap_remove(at);
            drop(gone.client);
            half_open.push(gone.socket);
        }
    }
}

fn attach_bytes(session: SessionUuid) -> Vec<u8> {
    use protocol::frame::{Frame, RequestFrame, to_bytes};
    crate::support::raw::Raw::framed(&Frame::Request(RequestFrame {
        id: 999_999,
        method: "attach".to_owned(),
        idempotency_key: None,
        params: to_bytes(&attach(999_999, session)),
    }))
}

#[test]
fn ten_thousand_attaches_detaches_and_deaths_leave_the_counts_right() {
    run_within(Duration::from_secs(420), async {
        let daemon = Daemon::start_with("[daemon]\nheartbeat_ms = 100\n");
        let client = daemon.client().await;
        let ids = sessions(&client).await;
        let mut random = Random::new(7);
        let (mut peers, mut half_open) = (Vec::new(), Vec::new());
        for count in 0..STEPS {
            step(&daemon, &mut random, &mut peers, &mut half_open, &ids).await;
            if count % 500 == 499 {
                settled(&client, &peers, &format!("after {count} steps")).await;
                peers.retain(Peer::lives);
                half_open.clear();
            }
        }
        peers.clear();
        settled(&client, &peers, "at the end").await;
        let clients = || async { client.ok(protocol::request::Status {}).await.clients };
        eventually("one client", async || (clients().await == 1).then_some(())).await;
    });
}

#[test]
fn killed_stopped_and_continued_clients_are_counted() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start_with("[daemon]\nheartbeat_ms = 100\n");
        let client = daemon.client().await;
        client.session("target", "exec sleep 600").await;
        let mut pids = Vec::new();
        for index in 0..8 {
            // Inside panes, because attaching needs a terminal.
            let line = format!("exec {} attach target", fugue_exe());
            pids.push(client.session(&format!("h{index}"), &line).await.pid);
        }
        let count = |wanted: u32| {
            let client = &client;
            async move {
                eventually(&format!("{wanted} attached"), async || {
                    (client.attached("target").await == wanted).then_some(())
                })
                .await;
            }
        };
        count(8).await;
        for pid in &pids[..4] {
            proc::signal(*pid, Signal::KILL);
        }
        count(4).await;
        for pid in &pids[4..6] {
            proc::signal(*pid, Signal::STOP);
        }
        count(2).await;
        for pid in &pids[4..6] {
            proc::signal(*pid, Signal::CONT);
        }
        count(4).await;
        proc::signal(pids[7], Signal::TERM);
        count(3).await;
    });
}

#[test]
fn a_connection_with_several_views_is_one_client_and_a_detach_is_counted_when_it_is_answered() {
    run(async {
        let daemon = Daemon::start();
        let (one, two) = (daemon.client().await, daemon.client().await);
        one.session("s", "exec sleep 600").await;
        one.session("other", "exec sleep 600").await;
        assert_eq!(one.attach(1, named("s")).await.attached_clients, 1);
        assert_eq!(one.attach(2, named("s")).await.attached_clients, 1);
        assert_eq!(two.attach(1, named("s")).await.attached_clients, 2);
        assert_eq!(two.attach(2, named("other")).await.attached_clients, 1);
        let error = one.call(attach(2, named("s"))).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        assert_eq!(two.attached("s").await, 2);
        let detail = two
            .ok(GetSession {
                session: Some(named("s")),
            })
            .await;
        assert_eq!(detail.clients.len(), 2);
        one.detach(1).await.unwrap();
        assert_eq!(two.attached("s").await, 2, "its second view is still there");
        one.detach(2).await.unwrap();
        assert_eq!(two.attached("s").await, 1);
        assert_eq!(one.detach(2).await.unwrap_err().code, ErrorCode::NotFound);
        for round in 0..200 {
            one.attach(3, named("s")).await;
            assert_eq!(two.attached("s").await, 2, "round {round}");
            one.detach(3).await.unwrap();
            assert_eq!(two.attached("s").await, 1, "round {round}");
        }
        drop(two);
        eventually("nobody", async || {
            (one.attached("s").await == 0).then_some(())
        })
        .await;
        assert_eq!(one.ok(Whoami {}).await.attached_clients, 0);
    });
}
