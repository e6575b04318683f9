//! Commands that nobody looks at: the shell they are written for, no pagers, wide panes, and what is told of those that go on.

use std::process::Stdio;

use protocol::reply::RunStatus;
use protocol::request::{ListOrchestrations, RunOptions, SendInput};
use protocol::{Size, Target};
use rustix::process::Signal;

use super::{cancel, now, outputs, parallel, pipeline, run_parallel, run_pipeline, with_output};
use crate::support::daemon::{fugue_exe, with_daemon};
use crate::support::{eventually, proc};

#[test]
fn command_lines_are_bash() {
    with_daemon(async |_daemon, client| {
        let rows = [
            ("source /dev/null && echo ok", "ok"),
            ("[[ a == a ]] && echo ok", "ok"),
            ("set -euo pipefail; echo ok", "ok"),
            ("a=(x y); echo ${a[1]}", "y"),
            ("diff <(echo a) <(echo a) && echo ok", "ok"),
            ("echo {1..3}", "1 2 3"),
            ("echo -e 'a\\nb'", "a\nb"),
            ("ls /nonexistent &> /dev/null || echo ok", "ok"),
        ];
        let lines = rows.map(|(line, _)| line);
        let expected = rows.map(|(_, output)| output);
        let ended = run_parallel(&client, parallel(&lines, with_output())).await;
        assert_eq!(outputs(&ended), expected, "{ended:?}");
        assert_eq!(ended.shell, "bash");
        let ended = run_pipeline(&client, pipeline(&lines, with_output())).await;
        assert_eq!(outputs(&ended), expected, "{ended:?}");
        assert_eq!(ended.shell, "bash");
        let other = RunOptions {
            shell: Some("sh".to_owned()),
            ..with_output()
        };
        let ended = run_parallel(&client, parallel(&["echo $0; [[ a ]]"], other)).await;
        assert_eq!(ended.shell, "sh");
        assert_eq!(ended.status, RunStatus::Failed);
    });
}

#[test]
fn pagers_are_off_unless_they_are_wanted() {
    with_daemon(async |_daemon, client| {
        let line =
            "echo $PAGER $GIT_PAGER $MANPAGER $SYSTEMD_PAGER $GIT_TERMINAL_PROMPT $GIT_EDITOR";
        let mut options = with_output();
        options.environment = Some(
            std::env::vars()
                .chain([("PAGER".into(), "less".into())])
                .collect(),
        );
        let ended = run_parallel(&client, parallel(&[line], options.clone())).await;
        assert_eq!(outputs(&ended), ["cat cat cat cat 0 true"]);
        options.env.insert("PAGER".into(), "more".into());
        let ended = run_pipeline(&client, pipeline(&[line], options)).await;
        assert_eq!(outputs(&ended), ["more cat cat cat 0 true"]);
    });
}

#[test]
fn panes_of_runs_are_wide() {
    with_daemon(async |_daemon, client| {
        let size = |ended: &protocol::reply::Orchestration| outputs(ended)[0].to_owned();
        let ended = run_parallel(&client, parallel(&["stty size"], with_output())).await;
        assert_eq!(size(&ended), "50 200");
        let ended = run_pipeline(&client, pipeline(&["stty size"], with_output())).await;
        assert_eq!(size(&ended), "50 200");
        let options = RunOptions {
            size: Some(Size::new(30, 90)),
            ..with_output()
        };
        let ended = run_parallel(&client, parallel(&["stty size"], options)).await;
        assert_eq!(size(&ended), "30 90");
        let pane = client.session("other", "stty size; sleep 300").await;
        eventually("its size", async || {
            client
                .text(pane.pane_id)
                .await
                .contains("40 120")
                .then_some(())
        })
        .await;
    });
}

#[test]
fn what_goes_on_tells_its_last_lines_and_whether_it_waits_for_keys() {
    with_daemon(async |_daemon, client| {
        let lines = [
            "echo asks; read answer; echo \"got $answer\"",
            "seq 1 50; exec sleep 300",
            "stty -icanon; echo editor; exec python3 -c 'import select; select.select([0], [], [])'",
        ];
        let begun = client.ok(parallel(&lines, with_output())).await;
        let told = eventually("they wait", async || {
            let now = now(&client, begun.orchestration_id).await;
            let waits: Vec<_> = now.commands.iter().map(|c| c.waits_for_keys).collect();
            (waits == [true, false, true]).then_some(now)
        })
        .await;
        let last: Vec<_> = told
            .commands
            .iter()
            .map(|c| c.output.as_deref().unwrap_or(""))
            .collect();
        assert_eq!(last, ["asks", "46\n47\n48\n49\n50", "editor"]);
        assert!(
            told.commands.iter().all(|c| c.idle_ms.is_some()),
            "{told:?}"
        );
        let pane = told.commands[0].pane_id.unwrap();
        client
            .ok(SendInput {
                pane: Target::from(pane),
                text: "yes".to_owned(),
                keys: Vec::new(),
                submit: true,
                paste: None,
                timeout_ms: None,
            })
            .await;
        let first = eventually("the first ends", async || {
            let now = now(&client, begun.orchestration_id).await;
            let first = now.commands.into_iter().next()?;
            first.status.is_final().then_some(first)
        })
        .await;
        assert!(first.output.unwrap().ends_with("got yes"));
        assert_eq!((first.idle_ms, first.waits_for_keys), (None, false));
        cancel(&client, &begun).await;
    });
}

#[test]
fn failed_commands_show_their_end_and_what_is_cut_is_counted() {
    with_daemon(async |_daemon, client| {
        let lines = ["seq 1 40", "seq 1 40; (exit 3)", "seq -s ' ' 1 60000"];
        let options = |output_lines, failed_output_lines| RunOptions {
            output_lines,
            failed_output_lines,
            ..RunOptions::default()
        };
        let shown = |count: usize| -> String {
            let lines: Vec<_> = (41 - count..41).map(|n| n.to_string()).collect();
            lines.join("\n")
        };
        for kind in ["parallel", "pipeline"] {
            let ended = match kind {
                "parallel" => run_parallel(&client, parallel(&lines, options(0, 20))).await,
                _ => {
                    let mut params = pipeline(&lines, options(0, 20));
                    params.stop_on_error = Some(false);
                    run_pipeline(&client, params).await
                }
            };
            let told: Vec<_> = ended.commands.iter().map(|c| c.output.clone()).collect();
            assert_eq!(told, [None, Some(shown(20)), None], "{kind}");
            let ended = match kind {
                "parallel" => run_parallel(&client, parallel(&lines[2..], options(5, 0))).await,
                _ => run_pipeline(&client, pipeline(&lines[2..], options(5, 0))).await,
            };
            let cut = &ended.commands[0];
            let output = cut.output.as_deref().unwrap();
            assert!(output.ends_with("59999 60000"), "{kind}");
            assert_eq!(output.len(), 64 * 1024, "{kind}");
            assert_eq!(cut.omitted_bytes, 348_893 - 64 * 1024, "{kind}");
        }
    });
}

#[test]
fn commands_go_on_when_the_terminal_of_their_run_is_closed() {
    with_daemon(async |daemon, client| {
        let file = |name: &str| daemon.dir.path().join(name).display().to_string();
        let (began, go, done) = (file("began"), file("go"), file("done"));
        let line =
            format!("touch {began}; until [ -e {go} ]; do sleep 0.05; done; touch {done}; exit 3");
        let mut run = daemon
            .command(fugue_exe())
            .args(["run", &line])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let exists = async |path: &str| std::fs::exists(path).unwrap().then_some(());
        eventually("the command", async || exists(&began).await).await;
        proc::signal(run.id(), Signal::HUP);
        eventually("the end of the client", async || run.try_wait().unwrap()).await;
        std::fs::write(&go, "").unwrap();
        eventually("the command's end", async || exists(&done).await).await;
        let status = eventually("the run's end", async || {
            let runs = client
                .ok(ListOrchestrations::default())
                .await
                .orchestrations;
            runs.iter()
                .map(|run| run.status)
                .find(|status| *status != RunStatus::Running)
        })
        .await;
        assert_eq!(status, RunStatus::Failed);
    });
}
