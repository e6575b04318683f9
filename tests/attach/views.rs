//! What views show, and what becomes of them.

use bytes::Bytes;
use protocol::frame::{Frame, to_bytes};
use protocol::id::PaneUuid;
use protocol::request::{
    Attach, Call, ClosePane, CreatePane, CreateSession, CreateWindow, KillSession, PaneSettings,
    UpdatePane, UpdateView,
};
use protocol::{ErrorCode, Event, Name, Size, Target};

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::raw::Raw;
use crate::support::view::{VIEW_SIZE, attach, named, shown};
use crate::support::{eventually, run};

async fn size_of(client: &Client, session: &str) -> Size {
    client
        .sessions()
        .await
        .iter()
        .find(|s| s.name.as_str() == session)
        .unwrap()
        .size
}

/// A program that prints its terminal's size, and again when that changes: `30 100`. A shell loses a signal that comes while it
/// handles the one before, so that it looks.
const TELLS_SIZE: &str = "while :; do now=$(stty size); [ \"$now\" = \"$last\" ] || echo \"$now\"; last=$now; sleep 0.05; done";

#[test]
fn a_split_pane_has_the_whole_terminal_while_it_is_looked_at() {
    run(async {
        let daemon = Daemon::start();
        let (one, two) = (daemon.client().await, daemon.client().await);
        let made = one.session("s", TELLS_SIZE).await;
        let beside = CreatePane {
            beside: Some(made.pane_id.into()),
            pane: shell(TELLS_SIZE),
            ..CreatePane::default()
        };
        let other = two.ok(beside).await.pane_id;
        let tells = async |pane, size: &str| {
            eventually(size, async || {
                two.text(pane)
                    .await
                    .trim_end()
                    .ends_with(size)
                    .then_some(())
            })
            .await;
        };
        let looks = Attach {
            size: Size::new(30, 100),
            ..attach(1, named("s"))
        };
        one.ok(looks).await;
        let focused = two
            .panes()
            .await
            .into_iter()
            .find(|pane| pane.focused)
            .unwrap();
        let (shown, hidden) = match focused.pane_id == other {
            true => (other, made.pane_id),
            false => (made.pane_id, other),
        };
        tells(shown, "30 100").await;
        tells(hidden, "30 49").await;
        // The next pane is shown: it has the terminal now, and the other one its place again.
        one.ok(UpdateView {
            view: 1,
            pane_step: 1,
            ..UpdateView::default()
        })
        .await;
        tells(hidden, "30 100").await;
        tells(shown, "30 50").await;
        drop(one);
        tells(hidden, "30 49").await;
    });
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
            scroll: 0,
            terminal: None,
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

#[test]
fn the_first_frame_has_the_size_of_who_attaches() {
    run(async {
        let daemon = Daemon::start();
        let mut client = daemon.client().await;
        client.session("s", "exec sleep 600").await;
        for view in 1..=30 {
            let size = Size::new(20 + view as u16, 60 + view as u16);
            let sized = Attach {
                size,
                ..attach(view, named("s"))
            };
            client.ok(sized).await;
            assert_eq!(client.screen(view).await.size, size);
            client.detach(view).await.unwrap();
        }
    });
}

#[test]
fn what_was_typed_before_a_client_died_is_typed() {
    run(async {
        let daemon = Daemon::start();
        let watches = daemon.client().await;
        for round in 0..10 {
            let name = format!("s{round}");
            let flood =
                "stty -echo; yes & read line; kill $!; echo got-$line >/dev/tty; exec sleep 600";
            let made = watches.session(&name, flood).await;
            let mut raw = Raw::open(&daemon, "dies");
            raw.call(Attach::METHOD, to_bytes(&attach(1, named(&name))))
                .unwrap();
            raw.send(&Frame::Input {
                view: 1,
                bytes: Bytes::from_static(b"word\r"),
                paste: None,
            });
            drop(raw);
            eventually("what was typed", async || {
                let text = watches.text(made.pane_id).await;
                text.contains("got-word").then_some(())
            })
            .await;
        }
    });
}

#[test]
fn the_size_is_that_of_who_typed_or_clicked_last() {
    run(async {
        let daemon = Daemon::start();
        let (large, small) = (daemon.client().await, daemon.client().await);
        large.session("s", "stty -echo; exec sleep 600").await;
        let sized = |size| Attach {
            size,
            ..attach(1, named("s"))
        };
        let (wide, narrow) = (Size::new(50, 120), Size::new(10, 40));
        let until = async |wanted: Size, why: &str| {
            eventually(why, async || {
                (size_of(&large, "s").await == wanted).then_some(())
            })
            .await;
        };
        large.ok(sized(wide)).await;
        small.ok(sized(narrow)).await;
        assert_eq!(
            size_of(&large, "s").await,
            wide,
            "to attach beside others is to look"
        );
        small.types(1, "\x1b[<64;1;1M").await;
        small.types(1, "\x1b[<35;1;1M").await;
        small.types(1, "\x1b[I").await;
        large.types(1, "x").await;
        assert_eq!(
            size_of(&large, "s").await,
            wide,
            "the wheel, a movement and the focus are no word"
        );
        small.types(1, "x").await;
        until(narrow, "typed").await;
        large.types(1, "\x1b[<0;1;1M").await;
        until(wide, "clicked").await;
        let tiny = daemon.client().await;
        tiny.ok(sized(Size::new(1, 2))).await;
        tiny.types(1, "x").await;
        small.types(1, "x").await;
        until(narrow, "one that is too small decides nothing").await;
        drop(small);
        until(wide, "the one before").await;
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
            ratio: None,
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
            guarded: false,
        })
        .await;
        let next = switched(&mut one).await;
        assert!([first.pane_id, second.pane_id].contains(&next));
        two.ok(ClosePane {
            pane: Target::from(next),
            force: true,
            guarded: false,
        })
        .await;
        let last = switched(&mut one).await;
        assert!(last != next && [first.pane_id, second.pane_id].contains(&last));
        assert_eq!(two.attached("s").await, 1);
        two.ok(KillSession {
            session: named("s"),
            guarded: false,
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
                settings: PaneSettings::default(),
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
                    assert!(reason.ends_with("ended: exit 7"), "{reason}");
                    break;
                }
                Event::Screen { view, .. } => one.connection.ready(view).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn screens_come_whole_first_then_as_changes_and_two_at_a_time() {
    run(async {
        let daemon = Daemon::start();
        let mut one = daemon.client().await;
        let line = "printf 'A\\nB\\nC\\n'; stty -echo; while read l; do echo $l; done";
        // Of the view's size, which a pane takes on only after the first frame.
        let create = protocol::request::CreateSession {
            name: Some(protocol::Name::new("s").unwrap()),
            size: Some(VIEW_SIZE),
            pane: crate::support::daemon::shell(line),
            ..protocol::request::CreateSession::default()
        };
        let made = one.ok(create).await;
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
        one.types(1, "ahead\r").await;
        let Event::Screen { update, .. } = one.event().await else {
            panic!("no screen")
        };
        assert!(!update.full && shown(&update).contains("ahead"));
        // Two are under way: further changes are kept back until the client has shown one.
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
            scroll: 0,
            terminal: None,
        })
        .await;
        let Event::Screen { update: again, .. } = one.event().await else {
            panic!("no screen")
        };
        assert!(again.full && shown(&again).contains('A') && shown(&again).contains("three"));
    });
}
