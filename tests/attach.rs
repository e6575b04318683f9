//! Attached clients are counted exactly, however they come and go; views show what they are to show.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use protocol::connection::Connection;
use protocol::id::{PaneUuid, SessionUuid};
use protocol::request::{
    Attach, ClosePane, CreatePane, CreateSession, CreateWindow, GetSession, KillSession, ListPanes,
    UpdatePane, UpdateSession, UpdateView, Whoami,
};
use protocol::{ErrorCode, Event, Name, Size, Target, transport};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::daemon::{Client, Daemon, fugue_exe, shell};
use crate::support::random::Random;
use crate::support::view::{VIEW_SIZE, attach, named, shown};
use crate::support::{eventually, run, run_within};

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
        let signal = |pid: u32, signal: Signal| {
            kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
        };
        count(8).await;
        for pid in &pids[..4] {
            signal(*pid, Signal::KILL);
        }
        count(4).await;
        for pid in &pids[4..6] {
            signal(*pid, Signal::STOP);
        }
        count(2).await;
        for pid in &pids[4..6] {
            signal(*pid, Signal::CONT);
        }
        count(4).await;
        signal(pids[7], Signal::TERM);
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

async fn size_of(client: &Client, session: &str) -> Size {
    client
        .sessions()
        .await
        .iter()
        .find(|s| s.name.as_str() == session)
        .unwrap()
        .size
}

#[test]
fn who_only_looks_decides_nothing() {
    run(async {
        let daemon = Daemon::start();
        let (mut one, two) = (daemon.client().await, daemon.client().await);
        let made = one
            .session("s", "stty -echo; read line; echo got-$line; sleep 600")
            .await;
        let looks = Attach {
            size: Size::new(50, 150),
            read_only: true,
            ..attach(1, named("s"))
        };
        one.ok(looks).await;
        assert_eq!(size_of(&two, "s").await, Size::DEFAULT);
        one.ok(UpdateView {
            view: 1,
            size: Some(Size::new(40, 40)),
            window_step: 0,
            pane_step: 0,
            redraw: false,
        })
        .await;
        assert_eq!(size_of(&two, "s").await, Size::DEFAULT);
        one.types(1, "secret\r").await;
        two.ok(Attach {
            size: Size::new(30, 100),
            ..attach(1, named("s"))
        })
        .await;
        assert_eq!(size_of(&two, "s").await, Size::new(30, 100));
        two.types(1, "open\r").await;
        eventually("what the second typed", async || {
            two.text(made.pane_id)
                .await
                .contains("got-open")
                .then_some(())
        })
        .await;
        assert!(!two.text(made.pane_id).await.contains("secret"));
        // The one who looks is told the size that counts.
        loop {
            if one.screen(1).await.size == Size::new(30, 100) {
                break;
            }
        }
        let panes = two.panes().await;
        assert_eq!(panes[0].size, Size::new(30, 100));
    });
}

async fn active(client: &Client) -> String {
    let sessions = client.sessions().await;
    let active: Vec<_> = sessions.iter().filter(|session| session.active).collect();
    assert_eq!(active.len(), 1, "{sessions:?}");
    active[0].name.to_string()
}

/// Later than everything before: use is counted in milliseconds.
async fn next_millisecond() {
    let now = Instant::now();
    while now.elapsed() < Duration::from_millis(2) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn the_active_session_has_most_clients_then_the_latest_use_then_is_the_newest() {
    run(async {
        let daemon = Daemon::start();
        let (one, two, three) = (
            daemon.client().await,
            daemon.client().await,
            daemon.client().await,
        );
        let error = one.call(ListPanes::default()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NoSession, "{error}");
        for name in ["a", "b", "c"] {
            one.session(name, "exec sleep 600").await;
            next_millisecond().await;
        }
        assert_eq!(active(&one).await, "c", "the newest was used last");
        let told = one.ok(Whoami {}).await.active.unwrap();
        assert_eq!(told.session_name.as_str(), "c");
        let select = UpdateSession {
            session: Some(named("a")),
            select: true,
            ..UpdateSession::default()
        };
        one.ok(select).await;
        assert_eq!(active(&one).await, "a", "it was selected");
        next_millisecond().await;
        two.attach(1, named("b")).await;
        assert_eq!(active(&one).await, "b", "it alone has a client");
        next_millisecond().await;
        three.attach(1, named("c")).await;
        assert_eq!(active(&one).await, "c", "as many, used later");
        next_millisecond().await;
        two.types(1, "x").await;
        eventually("b by input", async || {
            (active(&one).await == "b").then_some(())
        })
        .await;
        two.attach(2, named("b")).await;
        next_millisecond().await;
        three.types(1, "x").await;
        eventually("two views are one client", async || {
            (active(&one).await == "c").then_some(())
        })
        .await;
        two.attach(3, named("c")).await;
        assert_eq!(active(&one).await, "c", "two against one");
        next_millisecond().await;
        two.types(1, "x").await;
        assert_eq!(active(&one).await, "c", "input does not outweigh clients");
        drop(three);
        eventually("b again", async || {
            (active(&one).await == "b").then_some(())
        })
        .await;
        two.detach(3).await.unwrap();
        two.detach(1).await.unwrap();
        two.detach(2).await.unwrap();
        one.ok(KillSession {
            session: named("b"),
        })
        .await;
        assert_eq!(active(&one).await, "c");
    });
}

#[test]
fn defaults_are_the_callers_own_session_and_then_the_active_one() {
    run(async {
        let daemon = Daemon::start();
        let one = daemon.client().await;
        let own = one.session("own", "exec sleep 600").await;
        next_millisecond().await;
        let other = one.session("other", "exec sleep 600").await;
        let inside = daemon.client_inside(own.pane_id).await;
        let whoami = inside.ok(Whoami {}).await;
        assert_eq!(whoami.session.unwrap().session_id, own.context.session_id);
        assert_eq!(
            (whoami.pane_id, whoami.window_id),
            (Some(own.pane_id), Some(own.window_id))
        );
        assert_eq!(whoami.active.unwrap().session_id, other.context.session_id);
        for (client, place) in [(&inside, &own), (&one, &other)] {
            let id = place.context.session_id;
            assert_eq!(
                client.ok(ListPanes::default()).await.context.unwrap(),
                place.context
            );
            assert_eq!(
                client.ok(GetSession::default()).await.context,
                place.context
            );
            let pane = CreatePane {
                pane: shell("exec sleep 600"),
                ..CreatePane::default()
            };
            assert_eq!(client.ok(pane).await.context, place.context);
            let window = CreateWindow {
                pane: shell("exec sleep 600"),
                ..CreateWindow::default()
            };
            assert_eq!(client.ok(window).await.context.session_id, id);
            // Creating counts as use, so the other one is to be selected for the next round.
            next_millisecond().await;
            let select = UpdateSession {
                session: Some(named("other")),
                select: true,
                ..UpdateSession::default()
            };
            one.ok(select).await;
        }
        let attached = inside
            .ok(Attach {
                session: None,
                ..attach(1, named("x"))
            })
            .await;
        assert_eq!(attached.context, own.context, "a view without a target");
        let explicit = inside
            .ok(ListPanes {
                session: Some(named("other")),
                ..ListPanes::default()
            })
            .await;
        assert_eq!(
            explicit.context.unwrap(),
            other.context,
            "a named one goes before"
        );
        inside.detach(1).await.unwrap();
        one.ok(KillSession {
            session: named("own"),
        })
        .await;
        assert_eq!(
            inside.ok(GetSession::default()).await.context,
            other.context,
            "its own is gone"
        );
    });
}

/// The view's next switch, screens left aside.
async fn switched(client: &mut Client) -> PaneUuid {
    loop {
        match client.event().await {
            Event::Switched { attached, .. } => return attached.pane_id,
            Event::Screen { view, .. } => client.connection.ready(view).await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn views_follow_a_selection_and_the_end_of_their_pane_and_of_their_session() {
    run(async {
        let daemon = Daemon::start();
        let (mut one, two) = (daemon.client().await, daemon.client().await);
        let first = two.session("s", "echo FIRST; exec sleep 600").await;
        let attached = one.attach(1, named("s")).await;
        assert_eq!(
            (attached.pane_id, attached.window_id),
            (first.pane_id, first.window_id)
        );
        let beside = CreatePane {
            session: Some(named("s")),
            pane: shell("echo SECOND; exec sleep 600"),
            ..CreatePane::default()
        };
        let second = two.ok(beside).await;
        let window = CreateWindow {
            session: Some(named("s")),
            pane: shell("echo THIRD; exec sleep 600"),
            ..CreateWindow::default()
        };
        let third = two.ok(window).await;
        // Nothing was selected so far, so the next switch is this one.
        let focus = UpdatePane {
            pane: Target::from(second.pane_id),
            name: None,
            focus: true,
            rows: None,
            cols: None,
        };
        two.ok(focus).await;
        assert_eq!(switched(&mut one).await, second.pane_id);
        let update = one.screen(1).await;
        assert!(update.full, "another pane is drawn anew");
        let select = protocol::request::UpdateWindow {
            session: None,
            window: Target::from(third.window_id),
            name: None,
            select: true,
        };
        two.ok(select).await;
        assert_eq!(switched(&mut one).await, third.pane_id);
        two.ok(ClosePane {
            pane: Target::from(third.pane_id),
            force: true,
        })
        .await;
        let next = switched(&mut one).await;
        assert!([first.pane_id, second.pane_id].contains(&next));
        two.ok(ClosePane {
            pane: Target::from(next),
            force: true,
        })
        .await;
        let last = switched(&mut one).await;
        assert!(last != next && [first.pane_id, second.pane_id].contains(&last));
        assert_eq!(two.attached("s").await, 1);
        two.ok(KillSession {
            session: named("s"),
        })
        .await;
        let reason = loop {
            match one.event().await {
                Event::Detached { view: 1, reason } => break reason,
                Event::Screen { view, .. } => one.connection.ready(view).await.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert!(reason.contains("session s ended"), "{reason}");
        assert_eq!(one.detach(1).await.unwrap_err().code, ErrorCode::NotFound);
        assert_eq!(one.sessions().await.len(), 0, "the connection goes on");
    });
}

#[test]
fn the_end_of_the_only_program_ends_session_and_view_with_its_status() {
    run(async {
        let daemon = Daemon::start();
        let mut one = daemon.client().await;
        let create = CreateSession {
            name: Some(Name::new("s").unwrap()),
            pane: protocol::request::PaneSpec {
                remain_on_exit: false,
                ..shell("read line; exit 7")
            },
            ..CreateSession::default()
        };
        one.ok(create).await;
        one.attach(1, named("s")).await;
        one.types(1, "\r").await;
        loop {
            match one.event().await {
                Event::Detached { reason, .. } => {
                    assert!(reason.contains("exited(7)"), "{reason}");
                    break;
                }
                Event::Screen { view, .. } => one.connection.ready(view).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn screens_come_whole_first_then_as_changes_and_one_at_a_time() {
    run(async {
        let daemon = Daemon::start();
        let mut one = daemon.client().await;
        let line = "printf 'A\\nB\\nC\\n'; stty -echo; while read l; do echo $l; done";
        let made = one.session("s", line).await;
        eventually("its lines", async || {
            one.text(made.pane_id).await.contains('C').then_some(())
        })
        .await;
        one.attach(1, named("s")).await;
        let Event::Screen { update, .. } = one.event().await else {
            panic!("no screen")
        };
        assert!(update.full);
        assert_eq!(update.size, VIEW_SIZE);
        assert!(shown(&update).contains('A') && shown(&update).contains('C'));
        // Not asked for: changes are kept back until the client is ready.
        for word in ["one", "two", "three"] {
            one.types(1, &format!("{word}\r")).await;
        }
        eventually("three lines", async || {
            one.text(made.pane_id).await.contains("three").then_some(())
        })
        .await;
        assert!(
            one.events.try_recv().is_err(),
            "a screen came that nobody was ready for"
        );
        one.connection.ready(1).await.unwrap();
        let Event::Screen { update: next, .. } = one.event().await else {
            panic!("no screen")
        };
        assert!(!next.full, "only what changed");
        assert!(next.generation > update.generation);
        let text = shown(&next);
        assert!(
            text.contains("one") && text.contains("two") && text.contains("three"),
            "{text}"
        );
        assert!(!text.contains('A'), "{text}");
        one.connection.ready(1).await.unwrap();
        one.ok(UpdateView {
            view: 1,
            size: None,
            window_step: 0,
            pane_step: 0,
            redraw: true,
        })
        .await;
        let Event::Screen { update: again, .. } = one.event().await else {
            panic!("no screen")
        };
        assert!(again.full && shown(&again).contains('A') && shown(&again).contains("three"));
    });
}
