//! What the next daemon makes of the wedges before it: panes that it leaves alone, and a careful start.

use std::time::Duration;

use protocol::reply::{ExpectOutcome, PaneInfo};
use protocol::request::{ClosePane, RetryPane, Tree};
use protocol::{ErrorCode, PaneUuid};
use rustix::process::Signal;

use super::{next_daemon, status};
use crate::support::daemon::{Client, Daemon};
use crate::support::pane::{input, pattern};
use crate::support::view::named;
use crate::support::{proc, run, run_within};

const STORY: Duration = Duration::from_secs(240);

const ECHO: &str = "echo ready; while read l; do echo got-$l; done";

async fn info(client: &Client, pane: PaneUuid) -> PaneInfo {
    let panes = client.panes().await;
    let found = panes.into_iter().find(|info| info.pane_id == pane);
    found.expect("the pane is shown")
}

async fn answers(client: &Client, pane: PaneUuid, word: &str) {
    client.ok(input(pane, word)).await;
    let shown = client.ok(pattern(pane, &format!("got-{word}"))).await;
    assert_eq!(shown.outcome, ExpectOutcome::Match);
}

/// The pane's task turns until the next daemon is there.
async fn wedge(daemon: &Daemon, client: Client, pane: &str) -> Client {
    let old = status(&client).await.pid;
    let turning = client.crash("pane_turns", named(pane));
    let _ = tokio::time::timeout(Duration::from_secs(1), turning).await;
    next_daemon(daemon, old).await.0
}

/// Writes down wedges of now, as a daemon does when it is one.
fn note(daemon: &Daemon, panes: &[Option<PaneUuid>]) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let one = |pane: &Option<PaneUuid>| {
        serde_json::json!({
            "steady_ms": now.tv_sec * 1000, "unix_ms": 0, "what": "noted by a test",
            "pane": pane.map(|pane| pane.to_string()),
        })
    };
    let wedges: Vec<_> = panes.iter().map(one).collect();
    let text = serde_json::json!({ "wedges": wedges }).to_string();
    std::fs::write(daemon.paths().wedges(), text).unwrap();
}

#[test]
fn a_pane_that_wedged_two_daemons_is_left_alone_by_the_third_until_it_is_wanted() {
    run_within(STORY, async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let bad = client.session("bad", ECHO).await;
        let other = client.session("other", ECHO).await;
        let client = wedge(&daemon, client, "bad").await;
        assert_eq!(info(&client, bad.pane_id).await.status.unreachable, None);
        let client = wedge(&daemon, client, "bad").await;
        let shown = info(&client, bad.pane_id).await;
        let why = shown.status.unreachable.expect("it is left alone");
        assert!(
            why.program_lives && why.reason.contains("wedged 2 times"),
            "{why}"
        );
        assert_eq!((shown.pid, shown.status.exit), (bad.pid, None));
        let typed = client.call(input(bad.pane_id, "x")).await;
        assert_eq!(typed.err().map(|e| e.code), Some(ErrorCode::Unreachable));
        answers(&client, other.pane_id, "others").await;
        assert_eq!(status(&client).await.careful, None);
        // Nobody enters it by and by.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let later = info(&client, bad.pane_id).await;
        assert!(later.status.unreachable.is_some() && proc::lives(bad.pid));
        let tried = daemon.fugue(&["retry", "bad"]);
        assert!(
            tried.code == 0 && tried.out.contains("running"),
            "{tried:?}"
        );
        answers(&client, bad.pane_id, "again").await;
        assert_eq!(info(&client, bad.pane_id).await.pid, bad.pid);
    });
}

#[test]
fn a_pane_that_is_left_alone_can_be_closed_and_is_forgotten() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let bad = client.session("bad", "sleep 600 & exec sleep 601").await;
        let keeper = info(&client, bad.pane_id).await.keeper_pid;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        note(&daemon, &[Some(bad.pane_id), Some(bad.pane_id)]);
        daemon.launch();
        let client = daemon.client().await;
        let shown = info(&client, bad.pane_id).await;
        assert!(shown.status.unreachable.is_some() && proc::lives(bad.pid));
        let close = ClosePane {
            pane: bad.pane_id.into(),
            force: false,
            guarded: false,
        };
        let closed = client.ok(close).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        assert!(!proc::lives(bad.pid) && !proc::lives(keeper));
        let marker = format!("FUGUE_PANE_ID={}", bad.pane_id);
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        assert!(!daemon.paths().pane_socket(bad.pane_id).exists());
        let noted = std::fs::read_to_string(daemon.paths().wedges()).unwrap();
        assert!(!noted.contains(&bad.pane_id.to_string()), "{noted}");
    });
}

#[test]
fn after_three_wedges_that_no_pane_explains_the_next_daemon_starts_carefully_and_serves() {
    run_within(STORY, async {
        let mut daemon = Daemon::prepared("");
        daemon.launch_with(&["--http", "127.0.0.1:0"], &[]);
        let client = daemon.client().await;
        assert!(status(&client).await.http.is_some());
        let made = client.session("s", ECHO).await;
        let second = client.session("t", ECHO).await;
        note(&daemon, &[None, None]);
        let old = status(&client).await.pid;
        let sleeping = client.crash("sleep", 600_u64);
        let _ = tokio::time::timeout(Duration::from_secs(1), sleeping).await;
        let (client, now) = next_daemon(&daemon, old).await;
        let why = now.careful.expect("it says so");
        assert!(why.contains("3 wedges"), "{why}");
        assert_eq!((now.http, now.http_problem), (None, None));
        let told = daemon.fugue(&["status"]);
        assert!(told.out.contains("STARTED CAREFULLY"), "{told:?}");
        let root = client.ok(Tree { session: None }).await;
        assert!(
            root.details.iter().any(|(name, _)| name == "careful"),
            "{root:?}"
        );
        for pane in [made.pane_id, second.pane_id] {
            let away = info(&client, pane).await.status.unreachable;
            let away = away.expect("no screen is entered");
            assert!(
                away.program_lives && away.reason.contains("carefully"),
                "{away}"
            );
        }
        // It serves: what is new is usual, and what was there is had one by one or all together.
        let new = client.session("new", ECHO).await;
        answers(&client, new.pane_id, "new").await;
        let retry = RetryPane {
            pane: made.pane_id.into(),
        };
        assert_eq!(client.ok(retry).await.status.unreachable, None);
        answers(&client, made.pane_id, "one").await;
        let rest = daemon.fugue(&["retry", "--all"]);
        assert_eq!(rest.code, 0, "{rest:?}");
        answers(&client, second.pane_id, "two").await;
    });
}
