//! What programs tell of themselves reaches those who ask, wait or look: states (OSC 7501), progress and notifications.

use protocol::reply::{ExpectOutcome, PaneInfo, ProgramState, Progress};
use protocol::request::{Expect, SendInput, Watch};
use protocol::{PaneUuid, Target};
use rustix::process::Signal;
use serde_json::json;

use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::pane::{input, pattern};
use crate::support::stdio::Mcp;
use crate::support::{eventually, proc, run};

/// A program that prints each line it gets with its escapes, and ends at the end of input.
const TELLS: &str = "stty -echo; while read -r line; do printf \"$line\"; done";

async fn tell(client: &Client, pane: PaneUuid, what: &str) {
    client.ok(input(pane, what)).await;
}

async fn info(client: &Client, pane: PaneUuid) -> PaneInfo {
    let panes = client.panes().await;
    let found = panes.into_iter().find(|info| info.pane_id == pane);
    found.expect("the pane")
}

fn waits_for(pane: PaneUuid, states: &[ProgramState]) -> Expect {
    Expect {
        pattern: None,
        states: states.to_vec(),
        ..pattern(pane, "")
    }
}

async fn state(client: &Client, pane: PaneUuid, wanted: Option<ProgramState>) {
    eventually("the state", async || {
        let state = info(client, pane).await.status.state;
        (state.map(|state| state.value) == wanted).then_some(())
    })
    .await;
}

#[test]
fn a_state_is_shown_waited_for_and_watched() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("agent", TELLS).await.pane_id;
        let nothing = Expect {
            timeout_ms: 100,
            ..waits_for(pane, &[ProgramState::Idle, ProgramState::Done])
        };
        let waited = client.ok(nothing).await;
        assert_eq!(
            waited.outcome,
            ExpectOutcome::Timeout,
            "unknown is no state"
        );
        let watch = |after| Watch {
            pane: Some(Target::from(pane)),
            after,
            timeout_ms: 10_000,
        };
        let before = client.ok(watch(None)).await.version;
        let ask =
            r"\033]7501;state=blocked:kind=auth:app=claude-code:msg=UGxlYXNlIHJ1biAvbG9naW4=\007";
        let (waited, watched, ()) = tokio::join!(
            client.ok(waits_for(pane, &[ProgramState::NeedsInput])),
            client.ok(watch(Some(before.clone()))),
            tell(&client, pane, ask),
        );
        assert_eq!(waited.outcome, ExpectOutcome::State);
        assert_ne!(watched.version, before);
        let state = info(&client, pane).await.status.state.expect("a state");
        assert_eq!(waited.status.state, Some(state.clone()));
        assert!(state.since_ms.is_some());
        assert_eq!(state.to_string(), "needs_input(login)");
        assert_eq!(state.app.as_deref(), Some("claude-code"));
        assert_eq!(state.message.as_deref(), Some("Please run /login"));

        // Whoever comes later is answered at once.
        let ran = daemon.fugue(&["wait", "agent", "--state", "failed,needs_input"]);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, "needs_input(login)\n"),
            "{ran:?}"
        );
        let ran = daemon.fugue(&["wait", "agent", "--state", "idle", "--timeout", "100ms"]);
        assert_eq!(ran.code, 124, "{ran:?}");
        let ran = daemon.fugue(&["wait", "agent", "--state", "sleeping"]);
        assert!(
            ran.err.contains("needs_input, idle, done, working, failed"),
            "{ran:?}"
        );
        let ran = daemon.fugue(&["panes", "agent"]);
        assert!(ran.out.contains(", needs_input(login)"), "{ran:?}");

        let mcp = Mcp::start(&daemon).await;
        let found = mcp
            .ok(
                "fugue_expect",
                json!({"pane_id": "agent", "states": ["needs_input"]}),
            )
            .await;
        assert_eq!(found["outcome"], "state", "{found}");
        assert_eq!(found["state"]["kind"], "login", "{found}");
        let read = mcp.ok("fugue_read_pane", json!({"pane_id": "agent"})).await;
        assert_eq!(read["state"]["value"], "needs_input", "{read}");
        let list = mcp.ok("fugue_list_panes", json!({})).await;
        assert_eq!(list["panes"][0]["state"]["app"], "claude-code", "{list}");
        mcp.end().await;

        tell(&client, pane, r"\033]7501;state=clear\007").await;
        self::state(&client, pane, None).await;
    });
}

#[test]
fn what_a_program_told_outlives_the_daemon_and_not_the_program() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("agent", TELLS).await.pane_id;
        let all =
            r"\033]7501;state=done:app=codex\007\033]9;4;2;30\007\033]777;notify;T;finished\007";
        tell(&client, pane, all).await;
        state(&client, pane, Some(ProgramState::Done)).await;
        let told = |info: PaneInfo| (info.status.state, info.progress, info.notification);
        let before = told(info(&client, pane).await);
        assert_eq!(before.1, Progress::Error { percent: Some(30) });
        let note = before.2.clone().expect("a notification");
        assert_eq!(
            (note.title.as_deref(), note.body.as_str()),
            (Some("T"), "finished")
        );
        assert!(note.at_ms.is_some());
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        let found = client.ok(waits_for(pane, &[ProgramState::Done])).await;
        assert_eq!(found.outcome, ExpectOutcome::State);
        assert_eq!(told(info(&client, pane).await), before);

        let waits = waits_for(pane, &[ProgramState::Failed]);
        let end = SendInput {
            keys: vec!["C-d".to_owned()],
            submit: false,
            ..input(pane, "")
        };
        let (waited, _) = tokio::join!(client.ok(waits), client.ok(end));
        assert_eq!(waited.outcome, ExpectOutcome::Exit);
        let ended = info(&client, pane).await;
        assert_eq!((ended.status.state, ended.progress), (None, Progress::None));
        assert!(ended.notification.is_some());
        let ran = daemon.fugue(&["wait", "agent", "--state", "done"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("ended first"), "{ran:?}");
    });
}

/// The terminal of an attached view is a pane, which tells what it was told.
#[test]
fn notifications_and_progress_reach_those_who_look() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = client.session("target", TELLS).await.pane_id;
        tell(&client, target, r"\033]9;from before\007").await;
        eventually("the first one", async || {
            info(&client, target).await.notification
        })
        .await;
        let line = format!("{} attach target; exec sleep 600", fugue_exe());
        let outer = client.session("outer", &line).await;
        eventually("the view", async || {
            (client.attached("target").await == 1 && info(&client, outer.pane_id).await.alternate)
                .then_some(())
        })
        .await;
        assert_eq!(info(&client, outer.pane_id).await.notification, None);
        for (told, wanted) in [
            (r"\033]9;done now\007", (None, "target: done now")),
            (
                r"\033]777;notify;T;done 777\007",
                (Some("target: T"), "done 777"),
            ),
            (r"\033]99;;done 99\033\\", (Some("target: done 99"), "")),
        ] {
            tell(&client, target, told).await;
            eventually(told, async || {
                let note = info(&client, outer.pane_id).await.notification?;
                ((note.title.as_deref(), note.body.as_str()) == wanted).then_some(())
            })
            .await;
        }
        let shows = async |wanted: Progress| {
            eventually("the progress", async || {
                (info(&client, outer.pane_id).await.progress == wanted).then_some(())
            })
            .await;
        };
        tell(&client, target, r"\033]9;4;1;40\007").await;
        shows(Progress::Value { percent: 40 }).await;
        // A view that is killed leaves nothing either.
        let view = proc::all()
            .into_iter()
            .find(|pid| proc::ancestors(*pid).first() == Some(&outer.pid))
            .expect("the view");
        proc::signal(view, Signal::KILL);
        shows(Progress::None).await;
    });
}

#[test]
fn a_view_that_is_left_takes_the_progress_with_it() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = client.session("target", TELLS).await.pane_id;
        tell(&client, target, r"\033]9;4;3\007").await;
        let line = format!("{} attach target; exec sleep 600", fugue_exe());
        let outer = client.session("outer", &line).await.pane_id;
        let shows = async |wanted: Progress| {
            eventually("the progress", async || {
                (info(&client, outer).await.progress == wanted).then_some(())
            })
            .await;
        };
        shows(Progress::Indeterminate).await;
        let leave = SendInput {
            keys: vec!["C-b".to_owned(), "d".to_owned()],
            submit: false,
            ..input(outer, "")
        };
        client.ok(leave).await;
        shows(Progress::None).await;
        assert!(info(&client, outer).await.status.exit.is_none());
    });
}
