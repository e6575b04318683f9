//! A restart of the machine: everything comes back but the programs, and what they had printed too.

use std::time::Duration;

use protocol::reply::{ExitStatus, PaneInfo};
use protocol::request::{
    ClosePane, CreatePane, CreateSession, CreateWindow, PaneSettings, PaneSpec, ReadPane,
    RestartType,
};
use protocol::{Name, PaneUuid, Target};
use rusqlite::Connection;
use rustix::process::Signal;

use super::all_text;
use crate::lives::{LEAVES, assert_usual};
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::view::named;
use crate::support::{eventually, proc, run};

/// Prints coloured lines and stays.
const COLOURFUL: &str = "for n in $(seq 300); do printf '\\033[3%dmline %d\\033[0m\\n' $((n % 8)) $n; done; echo READY; exec sleep 600";

fn database(daemon: &Daemon) -> Connection {
    Connection::open(daemon.paths().state.join("state.db")).unwrap()
}

/// Panes whose text is stored.
fn stored(daemon: &Daemon) -> Vec<PaneUuid> {
    let database = database(daemon);
    let mut rows = database.prepare("SELECT pane FROM pane_texts").unwrap();
    let ids = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
    ids.map(|id| id.unwrap().parse().unwrap()).collect()
}

async fn until_stored(daemon: &Daemon, panes: &[PaneUuid]) {
    eventually("the texts", async || {
        let stored = stored(daemon);
        panes.iter().all(|pane| stored.contains(pane)).then_some(())
    })
    .await;
}

/// Ends what is left as the end of the machine does, and starts the next daemon on the next boot.
async fn restart_machine(daemon: &mut Daemon, panes: &[PaneInfo]) -> Client {
    let pids = panes.iter().flat_map(|pane| [pane.keeper_pid, pane.pid]);
    for pid in pids.filter(|pid| *pid > 0 && proc::lives(*pid)) {
        proc::signal(pid, Signal::KILL);
    }
    eventually("the programs' end", async || {
        let lives = |pane: &PaneInfo| proc::lives(pane.pid) || proc::lives(pane.keeper_pid);
        (!panes.iter().any(lives)).then_some(())
    })
    .await;
    std::fs::remove_dir_all(daemon.runtime()).unwrap();
    let sql = "UPDATE facts SET value = 'another' WHERE name = 'boot'";
    assert_eq!(database(daemon).execute(sql, []).unwrap(), 1);
    daemon.launch();
    daemon.client().await
}

async fn cut_power(daemon: &mut Daemon, panes: &[PaneInfo]) -> Client {
    daemon.signal(Signal::KILL);
    daemon.wait();
    restart_machine(daemon, panes).await
}

fn coloured_order(pane: PaneUuid) -> ReadPane {
    ReadPane {
        pane: Target::from(pane),
        lines: Some(100_000),
        since: None,
        scrollback: true,
        ansi: true,
        max_bytes: Some(8 << 20),
    }
}

async fn coloured(client: &Client, pane: PaneUuid) -> String {
    client.ok(coloured_order(pane)).await.text
}

async fn ready(client: &Client, pane: PaneUuid) {
    eventually("READY", async || {
        let text = all_text(client, pane).await;
        text.contains("READY").then_some(())
    })
    .await;
}

/// Where everything is.
async fn places(client: &Client) -> Vec<String> {
    let mut panes = client.panes().await;
    panes.sort_by_key(|pane| pane.pane_id);
    let place = |pane: &PaneInfo| {
        format!(
            "{} {} {} {} {} {:?} {:?} {} {}",
            pane.pane_id,
            pane.session_id,
            pane.session_name,
            pane.window_id,
            pane.index,
            pane.name,
            pane.size,
            pane.command,
            pane.cwd
        )
    };
    panes.iter().map(place).collect()
}

fn of_type(restart: RestartType, line: &str) -> PaneSpec {
    PaneSpec {
        settings: PaneSettings {
            restart,
            ..PaneSettings::default()
        },
        env: [("COLOUR".to_owned(), "teal".to_owned())].into(),
        cwd: Some("/usr".to_owned()),
        ..shell(line)
    }
}

#[test]
fn a_restart_of_the_machine_ends_the_programs_and_nothing_else() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let create = CreateSession {
            name: Some(Name::new("work").unwrap()),
            pane: of_type(RestartType::Temporary, COLOURFUL),
            ..CreateSession::default()
        };
        let passing = client.ok(create).await.pane_id;
        let split = CreatePane {
            session: Some(named("work")),
            pane: of_type(
                RestartType::Permanent,
                "echo READY $COLOUR; pwd; exec sleep 600",
            ),
            ..CreatePane::default()
        };
        let permanent = client.ok(split).await.pane_id;
        let window = CreateWindow {
            session: Some(named("work")),
            name: Some(Name::new("second").unwrap()),
            pane: of_type(
                RestartType::Transient,
                "echo READY transient; exec sleep 600",
            ),
            ..CreateWindow::default()
        };
        let transient = client.ok(window).await.pane_id;
        // Its end is known: the restart does not make it another one.
        let over = client.session("over", "echo READY; exit 7").await.pane_id;
        let all = [passing, permanent, transient, over];
        for pane in all {
            ready(&client, pane).await;
        }
        assert!(client.exit(over).await.exit.is_some());
        until_stored(&daemon, &all).await;
        let (before, panes) = (places(&client).await, client.panes().await);
        let text = coloured(&client, passing).await;
        assert!(text.contains("\x1b[") && text.lines().count() > 300);
        drop(client);

        let client = cut_power(&mut daemon, &panes).await;
        assert_eq!(places(&client).await, before);
        let restarted = ExitStatus::Lost {
            reason: "the machine was restarted".to_owned(),
        };
        assert_eq!(client.exit(passing).await.exit, Some(restarted));
        assert_eq!(coloured(&client, passing).await, text);
        let seven = ExitStatus::Exited { code: 7 };
        assert_eq!(client.exit(over).await.exit, Some(seven));
        assert!(all_text(&client, over).await.contains("READY"));
        for (pane, line) in [(permanent, "READY teal"), (transient, "READY transient")] {
            let text = eventually("the next life", async || {
                let text = all_text(&client, pane).await;
                (text.matches(line).count() == 2).then_some(text)
            })
            .await;
            assert!(text.starts_with(line), "its old text is above: {text}");
        }
        eventually("its directory", async || {
            let text = all_text(&client, permanent).await;
            (text.matches("/usr").count() == 2).then_some(())
        })
        .await;
        let runs = client.panes().await;
        let runs = runs.iter().filter(|pane| pane.status.exit.is_none());
        assert_eq!(runs.count(), 2);
        // Ended by the restart, it stays until somebody closes it.
        assert_eq!(places(&client).await, before);

        // Once more: what is shown is stored no second time, and is there again.
        let panes = client.panes().await;
        drop(client);
        let client = cut_power(&mut daemon, &panes).await;
        assert_eq!(coloured(&client, passing).await, text);
        for pane in [passing, over] {
            let close = ClosePane {
                pane: pane.into(),
                force: false,
                guarded: false,
            };
            client.ok(close).await;
        }
        let left = stored(&daemon);
        assert!(!left.contains(&passing) && !left.contains(&over));
        assert!(left.contains(&permanent) && left.contains(&transient));
    });
}

#[test]
fn what_runs_again_after_a_restart_of_the_machine_finds_a_usual_terminal() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let been = daemon.dir.path().join("been");
        let line = format!(
            "if test -e {0}; then echo NEXT; else touch {0}; {LEAVES}; fi; exec sleep 600",
            been.display()
        );
        let create = CreateSession {
            name: Some(Name::new("work").unwrap()),
            pane: of_type(RestartType::Permanent, &line),
            ..CreateSession::default()
        };
        let pane = client.ok(create).await.pane_id;
        eventually("the other screen", async || {
            all_text(&client, pane).await.contains("full").then_some(())
        })
        .await;
        until_stored(&daemon, &[pane]).await;
        let panes = client.panes().await;
        drop(client);
        let mut client = cut_power(&mut daemon, &panes).await;
        let text = eventually("the next life", async || {
            let text = all_text(&client, pane).await;
            text.contains("NEXT").then_some(text)
        })
        .await;
        assert!(text.starts_with("old\n"), "{text:?}");
        assert_usual(&mut client, "work", "NEXT").await;
    });
}

#[test]
fn an_orderly_stop_stores_what_was_printed_last() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let mut made = Vec::new();
        for name in ["one", "two", "three"] {
            made.push(client.session(name, COLOURFUL).await.pane_id);
        }
        let mut texts = Vec::new();
        for pane in &made {
            ready(&client, *pane).await;
            texts.push(coloured(&client, *pane).await);
        }
        let panes = client.panes().await;
        assert_eq!(daemon.fugue(&["stop", "--keep-panes"]).code, 0);
        daemon.wait();
        assert_eq!(stored(&daemon).len(), 3);
        let client = restart_machine(&mut daemon, &panes).await;
        for (pane, text) in made.iter().zip(&texts) {
            assert_eq!(coloured(&client, *pane).await, *text);
        }
    });
}

#[test]
fn a_machine_that_goes_down_in_order_loses_no_text() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let create = |name: &str| CreateSession {
            name: Some(Name::new(name).unwrap()),
            pane: of_type(RestartType::Temporary, COLOURFUL),
            ..CreateSession::default()
        };
        let early = client.ok(create("early")).await;
        ready(&client, early.pane_id).await;
        until_stored(&daemon, &[early.pane_id]).await;
        let late = client.ok(create("late")).await;
        ready(&client, late.pane_id).await;
        let panes = client.panes().await;
        let text = coloured(&client, early.pane_id).await;
        assert_eq!(coloured(&client, late.pane_id).await, text);
        // One program gets the signal of the machine's end before the daemon does, and its pane is taken away.
        proc::signal(early.pid, Signal::TERM);
        eventually("the other pane alone", async || {
            (client.panes().await.len() == 1).then_some(())
        })
        .await;
        drop(client);
        daemon.signal(Signal::TERM);
        daemon.wait();
        let client = restart_machine(&mut daemon, &panes).await;
        assert_eq!(client.panes().await.len(), 2);
        for pane in [early.pane_id, late.pane_id] {
            assert_eq!(coloured(&client, pane).await, text);
        }
    });
}

#[test]
fn a_pane_whose_keeper_died_unseen_keeps_its_text() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let lost = client.session("lost", COLOURFUL).await;
        ready(&client, lost.pane_id).await;
        until_stored(&daemon, &[lost.pane_id]).await;
        let text = coloured(&client, lost.pane_id).await;
        let keeper = client.panes().await[0].keeper_pid;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        proc::signal(keeper, Signal::KILL);
        daemon.launch();
        let client = daemon.client().await;
        let end = client.exit(lost.pane_id).await.exit;
        assert!(matches!(end, Some(ExitStatus::Lost { .. })), "{end:?}");
        assert_eq!(coloured(&client, lost.pane_id).await, text);
        // Its screen's task can fail and has it again.
        client
            .crash("pane_io", lost.pane_id.to_string())
            .await
            .unwrap();
        eventually("the screen", async || {
            let again = client.call(coloured_order(lost.pane_id)).await;
            (again.ok()?.text == text).then_some(())
        })
        .await;
    });
}

#[test]
fn an_idle_pane_is_not_stored_again_by_the_next_daemon() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let idle = client.session("idle", COLOURFUL).await.pane_id;
        let silent = client.session("silent", "exec sleep 600").await.pane_id;
        ready(&client, idle).await;
        drop(client);
        assert_eq!(daemon.fugue(&["stop", "--keep-panes"]).code, 0);
        daemon.wait();
        assert_eq!(stored(&daemon), [idle]);
        let marked = database(&daemon).execute("UPDATE pane_texts SET text = x'00'", []);
        assert_eq!(marked.unwrap(), 1);
        daemon.launch();
        let client = daemon.client().await;
        let busy = client.session("busy", "echo READY; exec sleep 600").await;
        until_stored(&daemon, &[busy.pane_id]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let untouched = "SELECT count(*) FROM pane_texts WHERE text = x'00'";
        let count = database(&daemon).query_row(untouched, [], |row| row.get(0));
        assert_eq!(count, Ok(1));
        assert!(!stored(&daemon).contains(&silent));
    });
}
