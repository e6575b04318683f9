//! Waits see what a program answers, and never the echo of what was typed.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::stdio::Mcp;
use crate::support::{eventually, run};

/// An interactive bash that reads no file but `rc`, with the prompt `me$ `.
async fn bash(mcp: &Mcp, rc: Option<&str>) -> Value {
    let mut args = vec!["--noprofile"];
    match rc {
        Some(rc) => args.extend(["--rcfile", rc]),
        None => args.push("--norc"),
    }
    args.push("-i");
    let shell = json!({"command": "bash", "args": args, "env": {"PS1": "me$ "}});
    mcp.ok("fugue_create_session", shell).await["pane_id"].clone()
}

async fn expect(mcp: &Mcp, pane: &Value, pattern: &str, since: Option<&Value>) -> Value {
    let wait = json!({"pane_id": pane, "pattern": pattern, "since": since, "timeout_ms": 20_000});
    mcp.ok("fugue_expect", wait).await
}

async fn prompted(mcp: &Mcp) -> Value {
    let pane = bash(mcp, None).await;
    expect(mcp, &pane, r"me\$ $", None).await;
    pane
}

/// Types, waits for DONE since the cursor of that, and shows the line it was seen in.
async fn answered(mcp: &Mcp, pane: &Value, mut typed: Value) -> Value {
    typed["pane_id"] = pane.clone();
    let sent = mcp.ok("fugue_send_input", typed).await;
    expect(mcp, pane, "DONE", Some(&sent["cursor"])).await["line"].clone()
}

#[test]
fn a_wait_since_the_send_sees_output_only() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let slow = daemon.dir.path().join("slow");
        std::fs::write(&slow, "echo welcome; sleep 1\nPS1='me$ '\n").unwrap();
        let starting = bash(&mcp, slow.to_str()).await;
        let line = json!({"input": "sleep 0.3; echo DONE", "submit": true});
        assert_eq!(answered(&mcp, &starting, line.clone()).await, "DONE");
        for typed in [
            line.clone(),
            json!({"input": "sleep 0.2\nsleep 0.2; echo DONE", "submit": true}),
            json!({"input": "sleep 0.3; echo DONE", "keys": ["C-m"]}),
        ] {
            let pane = prompted(&mcp).await;
            assert_eq!(
                answered(&mcp, &pane, typed.clone()).await,
                "DONE",
                "{typed}"
            );
        }
        let busy = prompted(&mcp).await;
        let work = json!({"pane_id": busy, "input": "sleep 1", "submit": true});
        mcp.ok("fugue_send_input", work).await;
        assert_eq!(answered(&mcp, &busy, line).await, "DONE");
    });
}

#[test]
fn an_answer_that_is_what_was_typed_is_seen() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let cat = json!({"command": "cat", "args": []});
        let pane = mcp.ok("fugue_create_session", cat).await["pane_id"].clone();
        for _ in 0..3 {
            let typed = json!({"input": "DONE", "submit": true});
            assert_eq!(answered(&mcp, &pane, typed).await, "DONE");
        }
    });
}

#[test]
fn one_call_types_and_waits() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let pane = prompted(&mcp).await;
        let typed = json!({"pane_id": pane, "input": "sleep 0.3; echo DO''NE", "submit": true, "expect": "D(O)NE"});
        let seen = mcp.ok("fugue_send_input", typed).await;
        assert_eq!(
            [&seen["outcome"], &seen["line"]],
            ["match", "DONE"],
            "{seen}"
        );
        assert_eq!(seen["groups"], json!(["O"]));
        assert!(seen["bytes"].as_u64().unwrap() > 20, "{seen}");
        let late = json!({"pane_id": pane, "input": "sleep 30", "submit": true, "expect": "never", "timeout_ms": 300});
        let seen = mcp.ok("fugue_send_input", late).await;
        assert_eq!(seen["outcome"], "timeout", "{seen}");
        let both = json!({"pane_id": pane, "submit": true, "expect": "x", "read_after_ms": 100});
        let refused = mcp.call("fugue_send_input", both).await;
        assert_eq!(refused["isError"], true, "{refused}");
    });
}

#[test]
fn the_command_line_waits_for_output_too() {
    run(async {
        let daemon = Daemon::start();
        let shell = ["new", "-d", "-n", "work", "--env", "PS1=me$ ", "--"];
        let made = daemon.fugue(&[&shell[..], &["bash", "--norc", "--noprofile", "-i"]].concat());
        assert_eq!(made.code, 0, "{made:?}");
        let prompt = daemon.fugue(&["expect", "work", r"\$ $", "--timeout", "20s"]);
        assert_eq!(prompt.code, 0, "{prompt:?}");
        let sent = daemon.fugue(&["send", "work", "sleep 0.3; echo DO''NE; echo over", "-e"]);
        assert_eq!(sent.code, 0, "{sent:?}");
        // Without a cursor what is on the screen counts, but not what was typed.
        let seen = daemon.fugue(&["expect", "work", "^.*over.*$", "--timeout", "20s"]);
        assert_eq!([seen.out.as_str(), seen.err.as_str()], ["over\n", ""]);
        let typed = [
            "send",
            "work",
            "sleep 0.3; echo AGA''IN",
            "-e",
            "--expect",
            "^AGAIN$",
        ];
        let seen = daemon.fugue(&typed);
        assert_eq!((seen.code, seen.out.as_str()), (0, "AGAIN\n"), "{seen:?}");
        let typed = [
            "send", "work", "true", "-e", "--expect", "never", "--within", "200ms",
        ];
        let seen = daemon.fugue(&typed);
        assert!(seen.code == 1 && seen.err.contains("not seen"), "{seen:?}");
    });
}

#[test]
fn a_reply_is_the_answer_and_not_the_greeting() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let slow = daemon.dir.path().join("slow");
        std::fs::write(&slow, "echo welcome; sleep 1\nPS1='me$ '\n").unwrap();
        let pane = bash(&mcp, slow.to_str()).await;
        let typed = json!({"pane_id": pane, "input": "echo an''swer", "submit": true, "read_after_ms": 20_000});
        let reply = mcp.ok("fugue_send_input", typed).await;
        let text = reply["text"].as_str().unwrap();
        assert!(
            text.contains("answer") && !text.contains("welcome"),
            "{reply}"
        );
        // Nothing was typed before the prompt: it would have been echoed twice.
        let all = mcp.ok("fugue_read_pane", json!({"pane_id": pane})).await;
        let typed = all["text"].as_str().unwrap().matches("an''swer").count();
        assert_eq!(typed, 1, "{all}");
    });
}

#[test]
fn a_beginning_of_many_short_programs_gets_its_input_at_its_prompt() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let rc = daemon.dir.path().join("rc");
        let many = "sleep 0.4; for i in 1 2 3 4 5 6 7 8 9 10; do bash -c 'cat < /etc/passwd' >/dev/null; done; sleep 0.4\nPS1='me$ '\n";
        std::fs::write(&rc, many).unwrap();
        let pane = bash(&mcp, rc.to_str()).await;
        let typed = json!({"pane_id": pane, "input": "echo an''swer", "submit": true, "read_after_ms": 20_000});
        mcp.ok("fugue_send_input", typed).await;
        expect(&mcp, &pane, "answer", None).await;
        let all = mcp.ok("fugue_read_pane", json!({"pane_id": pane})).await;
        let typed = all["text"].as_str().unwrap().matches("an''swer").count();
        assert_eq!(typed, 1, "{all}");
    });
}

#[test]
fn quiet_is_of_the_text_and_not_of_a_title() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let blinks = r"printf 'work done'; while :; do printf '\033]0;* busy\007\033[1;1Hwork done'; sleep 0.05; done";
        let made = mcp
            .ok("fugue_create_session", json!({"command": blinks}))
            .await;
        let pane = &made["pane_id"];
        expect(&mcp, pane, "done", None).await;
        let wait = json!({"pane_id": pane, "until": "idle", "idle_ms": 700, "timeout_ms": 20_000});
        let quiet = mcp.ok("fugue_expect", wait).await;
        assert_eq!(quiet["outcome"], "idle", "{quiet}");
        eventually("a pane that is quiet though it prints", async || {
            let list = mcp.ok("fugue_list_panes", json!({"all": true})).await;
            let info = &list["panes"][0];
            let (text, bytes) = (info["idle_ms"].as_u64(), info["output_idle_ms"].as_u64());
            (text? >= 1_000 && bytes? < 1_000).then_some(())
        })
        .await;
    });
}

#[test]
fn the_alternate_screen_is_marked_everywhere() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let full = r"read go; printf '\033[?1049h\033[H'; i=0; while [ $i -lt 120 ]; do echo line $i; i=$((i+1)); done; read end";
        let made = mcp
            .ok(
                "fugue_create_session",
                json!({"command": full, "name": "full"}),
            )
            .await;
        let pane = &made["pane_id"];
        let sent = mcp
            .ok("fugue_send_input", json!({"pane_id": pane, "submit": true}))
            .await;
        let seen = expect(&mcp, pane, "line 119", Some(&sent["cursor"])).await;
        assert_eq!(
            [&seen["outcome"], &seen["alternate"]],
            [&json!("match"), &json!(true)]
        );
        let since = json!({"pane_id": pane, "since": sent["cursor"]});
        for asked in [since, json!({"pane_id": pane})] {
            let read = mcp.ok("fugue_read_pane", asked).await;
            assert_eq!(
                [&read["alternate"], &read["dropped_lines"]],
                [&json!(true), &Value::Null],
                "{read}"
            );
        }
        let list = mcp.ok("fugue_list_panes", json!({"all": true})).await;
        assert_eq!(list["panes"][0]["alternate"], true, "{list}");
        let read = daemon.fugue(&["--json", "read", "full"]);
        let read: Value = serde_json::from_str(&read.out).unwrap();
        assert_eq!(
            [&read["alternate"], &read["dropped_lines"]],
            [&json!(true), &Value::Null],
            "{read}"
        );
    });
}
