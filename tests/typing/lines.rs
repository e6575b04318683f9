//! Lines that programs send: a last newline is Enter, Enter is a key of its own, a tab is a tab, and no line is cut.

use std::fs;
use std::process::Command;

use protocol::id::PaneUuid;
use protocol::reply::ExpectOutcome;
use protocol::request::{CreateSession, PaneSpec, Program, SendInput};
use protocol::{ErrorCode, Name};

use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::pane::{input, pattern};
use crate::support::run;

/// A program without a line editor or history files of its own, at its first prompt.
async fn shell(client: &Client, name: &str, argv: &[&str]) -> PaneUuid {
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane: PaneSpec {
            program: Program::Argv(argv.iter().map(|word| (*word).to_owned()).collect()),
            env: [("PS1".to_owned(), "me> ".to_owned())].into(),
            ..PaneSpec::default()
        },
        ..CreateSession::default()
    };
    let pane = client.ok(create).await.pane_id;
    seen(client, pane, "me> ").await;
    pane
}

async fn seen(client: &Client, pane: PaneUuid, text: &str) {
    let found = client.ok(pattern(pane, text)).await;
    if found.outcome != ExpectOutcome::Match {
        panic!("no {text:?} in {:?}", client.text(pane).await);
    }
}

const BASH: [&str; 4] = ["bash", "--norc", "--noprofile", "-i"];

#[test]
fn a_line_with_its_newline_is_run_in_every_shell_and_the_answer_says_so() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for (name, argv) in [("sh", &["sh", "-i"][..]), ("bash", &BASH[..])] {
            if Command::new(argv[0]).args(["-c", ":"]).status().is_err() {
                continue;
            }
            let pane = shell(&client, name, argv).await;
            let line = |text: &str| SendInput {
                submit: false,
                ..input(pane, text)
            };
            let sent = client.ok(line("echo RAN$((40+2))\n")).await;
            assert!(sent.submitted && !sent.pasted, "{name}: {sent:?}");
            seen(&client, pane, "RAN42").await;
            let sent = client
                .ok(line("echo ONE$((40+3))\necho TWO$((40+4))\n"))
                .await;
            assert!(
                sent.submitted && (sent.pasted || name != "bash"),
                "{sent:?}"
            );
            seen(&client, pane, "ONE43(?s:.*)TWO44").await;
            let sent = client.ok(line("echo THREE")).await;
            assert!(!sent.submitted && !sent.pasted, "{name}: {sent:?}");
            let mut send = daemon.command(fugue_exe());
            let status = send.args(["send", name, "$((40+5))\n"]).status().unwrap();
            assert!(status.success());
            seen(&client, pane, "THREE45").await;
        }
    });
}

#[test]
fn a_program_that_reads_bursts_gets_enter_apart_from_the_text() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "stty raw -echo; printf 'READY\\r\\n'; while :; do b=$(dd bs=4096 count=1 2>/dev/null | od -An -tx1); printf '<%s>\\r\\n' \"$b\"; done";
        let pane = client.session("tui", line).await.pane_id;
        seen(&client, pane, "READY").await;
        for (text, read) in [("hello", "68 65 6c 6c 6f"), ("yes", "79 65 73")] {
            let sent = client.ok(input(pane, text)).await;
            assert!(sent.submitted);
            seen(&client, pane, &format!("< {read}>\\s+< 0d>")).await;
        }
    });
}

#[test]
fn a_tab_in_text_arrives_as_a_tab_where_tabs_are_keys_of_a_line_editor() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        if Command::new("bash").args(["-c", ":"]).status().is_err() {
            return;
        }
        let pane = shell(&client, "bash", &BASH).await;
        let out = daemon.runtime().join("out");
        let text = format!("printf %s 'a\tb\t\tc' >{}; echo DO''NE", out.display());
        client.ok(input(pane, &text)).await;
        seen(&client, pane, "DONE").await;
        assert_eq!(fs::read_to_string(out).unwrap(), "a\tb\t\tc");
    });
}

#[test]
fn a_line_longer_than_line_mode_takes_is_held_for_a_program_that_will_read_keys_or_refused() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let out = daemon.runtime().join("out");
        let long = "x".repeat(6_000);
        let starts = format!(
            "echo STARTS; sleep 1; stty raw -echo; head -c 6001 >{}; stty sane; echo DONE; exec cat",
            out.display()
        );
        let pane = client.session("starts", &starts).await.pane_id;
        seen(&client, pane, "STARTS").await;
        let sent = client.ok(input(pane, &long)).await;
        assert_eq!(sent.bytes, 6_001);
        seen(&client, pane, "DONE").await;
        assert_eq!(fs::read_to_string(out).unwrap(), format!("{long}\r"));
        let send = SendInput {
            timeout_ms: Some(300),
            ..input(pane, &long)
        };
        let error = client.call(send).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InputBlocked, "{error}");
        assert!(error.message.contains("(0 bytes went in)"), "{error}");
        client.ok(input(pane, "short")).await;
        seen(&client, pane, "^short$").await;
        assert!(!client.text(pane).await.contains("xxx"));
    });
}
