//! Tests of `shape`.

use protocol::ServerName;
use protocol::reply::{RunStatus, Unreachable};

use super::*;
use crate::fake;

fn place(foreign: bool) -> Place {
    let dir = tempfile::TempDir::new().unwrap();
    let config = "[servers.far]\nsocket = \"/nowhere/far.sock\"\n";
    let front = fake::front(&fake::paths(dir.path(), config));
    let name = if foreign { "far" } else { "local" };
    Place::new(&front.fleet, &ServerName::new(name).unwrap()).unwrap()
}

#[test]
fn a_status_is_one_word_with_what_goes_with_it() {
    let ended = |exit| {
        status(&PaneStatus {
            exit: Some(exit),
            ..fake::running()
        })
    };
    let cases = [
        (
            status(&fake::running()),
            json!({"status": "running", "duration_ms": 5}),
        ),
        (
            ended(ExitStatus::Exited { code: 2 }),
            json!({"status": "exited", "exit_code": 2, "duration_ms": 5}),
        ),
        (
            ended(ExitStatus::Signaled {
                signal: 9,
                core_dumped: false,
            }),
            json!({"status": "signaled", "signal": 9, "signal_name": "SIGKILL", "duration_ms": 5}),
        ),
        (
            ended(ExitStatus::Lost {
                reason: "gone".into(),
            }),
            json!({"status": "lost", "reason": "gone", "duration_ms": 5}),
        ),
    ];
    for (is, expected) in cases {
        assert_eq!(Value::Object(is), expected);
    }
    let restarting = PaneStatus {
        restarting: true,
        restarts: 2,
        ..fake::running()
    };
    assert_eq!(status_words(&restarting), "running, restarting");
    assert_eq!(status(&restarting)["restarts"], 2);
    let unreachable = PaneStatus {
        unreachable: Some(Unreachable {
            since_ms: 7,
            reason: "the keeper is stopped".into(),
            program_lives: true,
        }),
        ..fake::running()
    };
    let expected = json!({
        "status": "unreachable", "reason": "the keeper is stopped", "since_ms": 7, "program": "lives", "duration_ms": 5,
    });
    assert_eq!(Value::Object(status(&unreachable)), expected);
}

#[test]
fn outputs_of_a_run_are_plain_text_beside_its_object() {
    let id = protocol::OrchestrationUuid::new();
    let mut state = fake::orchestration(id, 2);
    state.commands[0].output = Some("a\nb\n".into());
    state.commands[1].status = RunStatus::Failed;
    state.commands[1].exit_code = None;
    state.commands[1].signal = Some(15);
    state.commands[1].output = Some("c".into());
    let place = place(true);
    let parts = orchestration_parts(&place, &state);
    assert!(!parts[0].contains("output") && parts[0].contains(&format!("far:{id}")));
    assert_eq!(
        parts[1..],
        [
            "--- task-1 (completed, exit 0) ---\na\nb",
            "--- task-2 (failed, SIGTERM) ---\nc"
        ]
    );
    let full = orchestration(&place, &state);
    assert_eq!(full["commands"][0]["output"], "a\nb\n");
    assert!(full.get("hint").is_none());
    state.kind = OrchestrationKind::Pipeline;
    state.status = RunStatus::Running;
    let full = orchestration(&place, &state);
    assert!(full["hint"].as_str().unwrap().contains("wait=true"));
    assert_eq!(full["steps"].as_array().unwrap().len(), 2);
}

#[test]
fn what_to_do_next_about_a_run_is_said() {
    let place = place(false);
    let id = protocol::OrchestrationUuid::new();
    let hint = |state: &Orchestration| {
        orchestration(&place, state)["hint"]
            .as_str()
            .map(str::to_owned)
    };
    let mut state = fake::orchestration(id, 2);
    let whole = orchestration(&place, &state);
    assert!(!whole.contains_key("hint"), "{whole:?}");
    state.commands[0].output = Some("the end".into());
    state.commands[0].omitted_bytes = 70;
    let told = orchestration(&place, &state)["commands"][0].clone();
    assert_eq!(
        (&told["truncated"], &told["omitted_bytes"]),
        (&json!(true), &json!(70))
    );
    assert!(hint(&state).unwrap().contains("run with cleanup=false"));
    state.cleanup = false;
    let pane = protocol::PaneUuid::new();
    state.commands[0].pane_id = Some(pane);
    assert!(
        hint(&state)
            .unwrap()
            .contains(&format!("fugue_read_pane pane_id={pane}"))
    );

    let mut state = fake::orchestration(id, 0);
    assert!(hint(&state).unwrap().contains("wait=true"));
    state.commands[1].pane_id = Some(pane);
    state.commands[1].idle_ms = Some(900);
    state.commands[1].waits_for_keys = true;
    let told = orchestration(&place, &state)["commands"][1].clone();
    assert_eq!(
        (&told["idle_ms"], &told["waits_for_keys"]),
        (&json!(900), &json!(true))
    );
    assert!(
        hint(&state)
            .unwrap()
            .contains(&format!("fugue_send_input pane_id={pane}"))
    );

    let mut state = fake::orchestration(id, 1);
    state.commands[0].status = RunStatus::Failed;
    state.commands[0].unknown = true;
    assert_eq!(
        orchestration(&place, &state)["commands"][0]["status"],
        "unknown"
    );
}

#[test]
fn blank_rows_at_the_end_are_left_out() {
    for (text, shown) in [
        ("", ""),
        ("\n  \n", ""),
        ("$ ", "$ "),
        ("$ \n\n   \n", "$ "),
        ("a\n\nb\n", "a\n\nb"),
        ("  indented\n", "  indented"),
    ] {
        assert_eq!(without_blank_end(text), shown, "{text:?}");
    }
}
