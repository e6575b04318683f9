//! What people are told: names, the end of what failed, sums, numbers; and what their lists leave out.

use std::process::Stdio;

use protocol::reply::RunStatus;
use protocol::request::{ListOrchestrations, RunOptions};
use rustix::process::Signal;

use super::{assert_nothing_left, cancel, end, parallel, running};
use crate::support::daemon::{Daemon, fugue_exe, with_daemon};
use crate::support::{eventually, run};

/// The columns of a table's row.
fn row(text: &str, name: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no row {name} in {text}"));
    let cells = line.split("  ").map(str::trim);
    cells
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_run_tells_names_ends_and_the_last_lines_of_what_failed() {
    with_daemon(async |daemon, client| {
        let failing = "seq 30; echo boo >&2; exit 7";
        let lines = ["true", failing, "sh -c 'kill -SEGV $$'; exit", "true"];
        let mut words = vec!["run", "--quiet"];
        words.extend(lines);
        let ran = daemon.fugue(&words);
        assert_eq!(ran.code, 139, "{ran:?}");
        let how: Vec<_> = ["true ", "seq 30", "sh -c", "true (2)"]
            .into_iter()
            .map(|name| row(&ran.out, name)[1].clone())
            .collect();
        assert_eq!(how, ["ok", "exit 7", "exit 139 (as after SIGSEGV)", "ok"]);
        let (_, failed) = ran
            .out
            .split_once("\n== seq 30 (last 20 lines) ==\n")
            .unwrap();
        let failed: Vec<_> = failed.lines().take(20).collect();
        assert_eq!((failed[0], failed[19]), ("12", "boo"), "{ran:?}");
        assert!(!ran.out.contains("== true"), "{ran:?}");
        let sum = ran.out.lines().last().unwrap();
        assert!(sum.starts_with("2 of 4 passed, 2 failed in "), "{sum}");

        // The same can be read again.
        for words in [
            &["last"][..],
            &["orchestrations", "show"],
            &["orchestrations", "show", "1"],
        ] {
            let shown = daemon.fugue(words);
            assert_eq!((shown.code, &shown.out), (0, &ran.out), "{words:?}");
        }
        let waited = daemon.fugue(&["orchestrations", "wait", "1"]);
        assert_eq!((waited.code, &waited.out), (139, &ran.out));
        let ended = client.ok(ListOrchestrations {}).await.orchestrations;
        assert_nothing_left(&daemon, &client, &ended[0]).await;
    });
}

#[test]
fn a_pipeline_leaves_nothing_that_was_not_asked_for() {
    with_daemon(async |daemon, client| {
        let steps = ["run", "--pipeline", "cd /tmp", "pwd; false", "true"];
        let ran = daemon.fugue(&steps);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(row(&ran.out, "pwd")[1], "exit 1");
        assert_eq!(row(&ran.out, "true")[1], "skipped");
        assert!(ran.out.contains("\n== pwd ==\n/tmp\n"), "{ran:?}");
        assert!(
            ran.out.contains("1 of 3 passed, 1 failed, 1 skipped in "),
            "{ran:?}"
        );
        let ended = client.ok(ListOrchestrations {}).await.orchestrations;
        assert_nothing_left(&daemon, &client, &ended[0]).await;

        let kept = daemon.fugue(&["run", "--pipeline", "--keep", "echo kept"]);
        assert!(kept.err.contains("its pane is kept"), "{kept:?}");
        let pane = client.panes().await[0].pane_id.to_string();
        assert!(daemon.fugue(&["read", &pane]).out.contains("kept"));
    });
}

#[test]
fn sessions_that_orchestrations_made_are_out_of_sight() {
    with_daemon(async |daemon, client| {
        let none = daemon.fugue(&["run", "-q", "--keep", "echo hidden"]);
        assert_eq!(none.code, 0, "{none:?}");
        let empty = daemon.fugue(&["ls"]);
        assert!(
            empty.out.is_empty() && empty.err.contains("`fugue ls -a` also lists 1 session"),
            "{empty:?}"
        );
        client.session("mine", "exec cat").await;
        daemon.fugue(&["run", "-q", "--keep", "--session", "named", "echo seen"]);
        let made = client.sessions().await;
        let hidden = made.iter().find(|s| s.is_out_of_sight()).unwrap();
        let (id, name) = (hidden.session_id.to_string(), hidden.name.as_str());
        assert!(name.starts_with("__parallel_"), "{name}");
        // Tables cut long names.
        let short = "__parallel_";
        for (words, with, text) in [
            (&["ls"][..], &["ls", "-a"][..], short),
            (&["ls", "--json"], &["ls", "--all", "--json"], name),
            (&["panes", "--all"], &["panes", "-a"], "__pa"),
            (
                &["panes", "--all", "--json"],
                &["panes", "-a", "--json"],
                name,
            ),
            (&["tree"], &["tree", "-a"], &format!("sessions/{id}")),
            (
                &["tree", "--json"],
                &["tree", "-a", "--json"],
                &format!("sessions/{id}"),
            ),
        ] {
            let text = match text.strip_prefix("sessions/") {
                // In the text of a tree a session stands with its name.
                Some(_) if !words.contains(&"--json") => format!("─ session {name} "),
                Some(_) | None => text.to_owned(),
            };
            let (less, more) = (daemon.fugue(words), daemon.fugue(with));
            assert_eq!((less.code, more.code), (0, 0), "{less:?} {more:?}");
            assert!(!less.out.contains(&text), "{words:?}: {}", less.out);
            assert!(more.out.contains(&text), "{with:?}: {}", more.out);
            let of_people = ["mine", "named"];
            let seen = of_people.iter().all(|name| less.out.contains(name));
            assert!(seen, "{words:?}: {}", less.out);
        }
        // It can be named all the same, and is not offered.
        assert_eq!(daemon.fugue(&["panes", name]).code, 0);
        let offered = daemon.fugue(&["kill", "nobody"]);
        assert_eq!(offered.code, 3);
        assert!(
            offered.err.contains("mine") && !offered.err.contains(name),
            "{offered:?}"
        );
        // A new name brings it into sight.
        daemon.fugue(&["rename", "session", name, "results"]);
        assert!(daemon.fugue(&["ls"]).out.contains("results"));
    });
}

#[test]
fn numbers_are_never_given_twice_also_after_a_kill() {
    run(async {
        let mut daemon = Daemon::start();
        assert_eq!(daemon.fugue(&["last"]).code, 3);
        let none = daemon.fugue(&["orchestrations"]);
        assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
        for line in ["exit 4", "echo second"] {
            daemon.fugue(&["run", "-q", line]);
        }
        let client = daemon.client().await;
        let begun = client
            .ok(parallel(&["sleep 300"], RunOptions::default()))
            .await;
        assert_eq!(begun.number, Some(3.into()));
        running(&client, &begun, 1).await;
        drop(client);
        let listed = daemon.fugue(&["orchestrations", "list"]).out;
        assert_eq!(row(&listed, "3")[1], "0 of 1 passed, 1 running");
        assert_eq!(row(&listed, "1")[1], "1 failed, 0 of 1 passed");

        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let shown = daemon.fugue(&["orchestrations", "show", "1"]);
        assert_eq!(row(&shown.out, "exit 4")[1], "exit 4");
        let running = daemon.fugue(&["orchestrations", "show", "3"]);
        assert_eq!(row(&running.out, "task-1")[1], "running");
        let late = daemon.fugue(&["orchestrations", "wait", "3", "--timeout", "200ms"]);
        assert_eq!(late.code, 124, "{late:?}");
        let waiting = daemon
            .command(fugue_exe())
            .args(["orchestrations", "wait", "3"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let cancelled = daemon.fugue(&["orchestrations", "cancel", "3"]);
        assert_eq!(row(&cancelled.out, "task-1")[1], "cancelled");
        assert_eq!(cancelled.code, 0);
        let waited = waiting.wait_with_output().unwrap();
        assert_eq!(waited.status.code(), Some(130));
        assert!(String::from_utf8_lossy(&waited.stdout).contains("1 cancelled in "));

        let client = daemon.client().await;
        assert_eq!(daemon.fugue(&["forget"]).code, 0);
        let fourth = client.ok(parallel(&["true"], RunOptions::default())).await;
        assert_eq!(fourth.number, Some(4.into()));
        end(&client, &fourth).await;
        drop(client);
        assert_eq!(daemon.fugue(&["forget"]).code, 0);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        daemon.fugue(&["run", "-q", "true"]);
        let gone = daemon.fugue(&["orchestrations", "show", "4"]);
        assert_eq!(gone.code, 3, "{gone:?}");
        assert!(gone.err.contains("There are: 5."), "{gone:?}");
        for (words, code) in [
            (["orchestrations", "show", "build"], 2),
            (["orchestrations", "cancel", "$3"], 2),
            (["run", "--parallel", "true"], 2),
        ] {
            let ran = daemon.fugue(&words);
            assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
        }
    });
}

#[test]
fn what_runs_can_be_cancelled_by_its_id() {
    with_daemon(async |daemon, client| {
        let begun = client
            .ok(parallel(&["sleep 300"], RunOptions::default()))
            .await;
        let id = begun.orchestration_id.to_string();
        running(&client, &begun, 1).await;
        let cancelled = daemon.fugue(&["orchestrations", "cancel", &id]);
        assert_eq!(cancelled.code, 0, "{cancelled:?}");
        let ended = cancel(&client, &begun).await;
        assert_eq!(ended.status, RunStatus::Cancelled);
        eventually("nothing is left", async || {
            client.sessions().await.is_empty().then_some(())
        })
        .await;
    });
}
