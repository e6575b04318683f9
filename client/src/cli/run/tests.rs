//! Exit statuses, tables and command files of runs.

use protocol::reply::{CommandResult, OrchestrationKind, RunStatus, SessionContext};
use protocol::{ErrorCode, Name, PaneUuid, ServerName, SessionUuid};

use super::*;
use crate::cli::output::style::Style;

fn command(
    name: &str,
    status: RunStatus,
    exit_code: Option<i32>,
    signal: Option<i32>,
) -> CommandResult {
    CommandResult {
        name: name.into(),
        command: format!("do {name}"),
        status,
        exit_code,
        signal,
        duration_ms: Some(1_250),
        ..CommandResult::default()
    }
}

fn run(status: RunStatus, commands: Vec<CommandResult>) -> Orchestration {
    Orchestration {
        orchestration_id: OrchestrationUuid::new(),
        kind: OrchestrationKind::Parallel,
        status,
        context: SessionContext {
            session_id: SessionUuid::new(),
            session_name: Name::new("s").unwrap(),
            server: ServerName::local(),
        },
        session_created: true,
        cleanup: true,
        version: 9,
        commands,
        failed_at: None,
        pane_id: None,
        shell: "bash".into(),
        left_running: Vec::new(),
        number: None,
        started_at_ms: 0,
        duration_ms: 2_000,
    }
}

#[test]
fn the_exit_status_is_the_worst_of_the_commands() {
    use RunStatus::*;
    let ok = command("a", Completed, Some(0), None);
    let three = command("b", Failed, Some(3), None);
    let killed = command("c", Failed, None, Some(9));
    let lost = command("d", Failed, None, None);
    let late = command("e", Timeout, None, Some(15));
    for (status, commands, worst) in [
        (Completed, vec![ok.clone()], 0),
        (Partial, vec![ok.clone(), three.clone()], 3),
        (
            Partial,
            vec![ok.clone(), killed.clone(), three.clone()],
            137,
        ),
        (Failed, vec![lost], 125),
        (
            Failed,
            vec![three.clone(), command("x", Skipped, None, None)],
            3,
        ),
        (Timeout, vec![late.clone(), killed.clone()], 124),
        (Partial, vec![ok.clone(), late], 124),
        (
            Cancelled,
            vec![command("f", Cancelled, None, Some(15))],
            130,
        ),
        // Contradictions are never a success.
        (Failed, vec![ok], 1),
        (Failed, vec![], 1),
    ] {
        assert_eq!(
            result::worst(&run(status, commands.clone())),
            worst,
            "{status} {commands:?}"
        );
    }
}

#[test]
fn the_table_has_a_row_a_command_and_messages_outputs_and_the_sum_behind_it() {
    let mut first = command("one", RunStatus::Completed, Some(0), None);
    first.output = Some("hello\n".into());
    let mut second = command("two", RunStatus::Failed, None, Some(9));
    second.error = Some("out of memory".into());
    let mut third = command("three", RunStatus::Failed, Some(7), None);
    third.output = Some("line\n".repeat(20));
    let run = run(RunStatus::Partial, vec![first, second, third]);
    let text = result::text(&run, Style::new(None, false, false), |id| id.to_string());
    assert_eq!(
        text,
        format!(
            "NAME   EXIT     DURATION  COMMAND\n\
             one    ok       1.2s      do one\n\
             two    SIGKILL  1.2s      do two\n\
             three  exit 7   1.2s      do three\n\
             \ntwo: out of memory\n\
             \n== one ==\nhello\n\
             \n== three (last 20 lines) ==\n{}\
             \n1 of 3 passed, 2 failed in 2.0s\n",
            "line\n".repeat(20)
        )
    );
}

#[test]
fn a_run_that_goes_on_shows_its_panes() {
    let mut first = command("one", RunStatus::Running, None, None);
    let pane = PaneUuid::new();
    first.pane_id = Some(pane);
    let second = command("two", RunStatus::Pending, None, None);
    let run = run(RunStatus::Running, vec![first, second]);
    let text = result::text(&run, Style::new(None, false, false), |id| id.to_string());
    assert!(text.contains(&pane.to_string()), "{text}");
    assert!(
        text.ends_with("\n0 of 2 passed, 1 running, 1 waiting after 2.0s\n"),
        "{text}"
    );
}

#[test]
fn sums_in_words() {
    use RunStatus::*;
    let ok = || command("a", Completed, Some(0), None);
    let mut unknown = command("b", Failed, None, None);
    unknown.unknown = true;
    for (status, commands, words) in [
        (Completed, vec![ok(), ok()], "2 of 2 passed"),
        (
            Timeout,
            vec![ok(), command("b", Timeout, None, Some(15))],
            "1 of 2 passed, 1 timed out",
        ),
        (
            Failed,
            vec![
                ok(),
                command("b", Failed, Some(1), None),
                command("c", Skipped, None, None),
            ],
            "1 of 3 passed, 1 failed, 1 skipped",
        ),
        (Failed, vec![unknown], "0 of 1 passed, 1 unknown"),
        (Cancelled, vec![ok()], "1 of 1 passed (cancelled)"),
    ] {
        assert_eq!(result::sum(&run(status, commands)), words);
    }
}

#[test]
fn what_failed_comes_first_where_the_sum_may_be_cut() {
    use RunStatus::*;
    let ok = || command("a", Completed, Some(0), None);
    let bad = |status| command("b", status, Some(1), None);
    for (status, commands, words) in [
        (
            Failed,
            vec![ok(), bad(Failed), bad(Timeout)],
            "1 failed, 1 timed out, 1 of 3 passed",
        ),
        (
            Running,
            vec![ok(), bad(Failed), bad(Running), bad(Pending)],
            "1 failed, 1 of 4 passed, 1 running, 1 waiting",
        ),
        (Completed, vec![ok(), ok()], "2 of 2 passed"),
        (Cancelled, vec![ok()], "1 of 1 passed (cancelled)"),
    ] {
        assert_eq!(result::sum_failed_first(&run(status, commands)), words);
    }
}

#[test]
fn progress_and_table_tell_the_same_time() {
    let mut short = command("a", RunStatus::Completed, Some(0), None);
    short.duration_ms = Some(0);
    assert_eq!(result::took(&short, 5_000), "0ms");
    let running = command("a", RunStatus::Running, None, None);
    assert_eq!(result::took(&running, 700), "1.9s");
    let mut waiting = command("a", RunStatus::Pending, None, None);
    waiting.duration_ms = None;
    assert_eq!(result::took(&waiting, 700), "");
    for one in [&short, &waiting] {
        let line = progress::phrase(one, 0);
        let told = line.split_whitespace().nth(1);
        let shown = result::took(one, 0);
        assert_eq!(
            told.filter(|told| told.ends_with('s')).unwrap_or_default(),
            shown
        );
    }
}

#[test]
fn a_kept_pipeline_says_how_to_look_at_it() {
    let mut pipeline = run(RunStatus::Completed, vec![]);
    pipeline.kind = OrchestrationKind::Pipeline;
    assert_eq!(result::hint(&pipeline, "s", |id| id.to_string()), None);
    pipeline.cleanup = false;
    let pane = PaneUuid::new();
    pipeline.pane_id = Some(pane);
    let hint = result::hint(&pipeline, "s", |id| format!("far:{id}")).unwrap();
    assert!(hint.contains(&format!("`fugue read far:{pane}`")), "{hint}");
}

#[test]
fn kept_panes_are_named_as_somebody_can_type_them() {
    let pane = PaneUuid::new();
    let mut one = command("a", RunStatus::Completed, Some(0), None);
    one.pane_id = Some(pane);
    let mut kept = run(RunStatus::Completed, vec![one]);
    kept.cleanup = false;
    let hint = |run: &Orchestration| result::hint(run, "build", |_| "%25".to_owned());
    assert_eq!(
        hint(&kept).as_deref(),
        Some("the panes are kept: `fugue read %25` shows one, `fugue close %25` ends it")
    );
    kept.session_created = false;
    assert_eq!(
        hint(&kept).as_deref(),
        Some("the panes are kept in session build: `fugue read PANE` shows one")
    );
    kept.session_created = true;
    kept.commands.clear();
    assert_eq!(hint(&kept), None);
}

#[test]
fn outcomes_in_words() {
    use RunStatus::*;
    let mut unknown = command("a", Failed, None, None);
    unknown.unknown = true;
    let mut waits = command("a", Running, None, None);
    waits.waits_for_keys = true;
    for (command, words) in [
        (command("a", Completed, Some(0), None), "ok"),
        (command("a", Failed, Some(7), None), "exit 7"),
        (command("a", Failed, Some(127), None), "exit 127"),
        (command("a", Failed, Some(128), None), "exit 128"),
        (
            command("a", Failed, Some(139), None),
            "exit 139 (as after SIGSEGV)",
        ),
        (command("a", Failed, Some(200), None), "exit 200"),
        (command("a", Failed, None, Some(9)), "SIGKILL"),
        (command("a", Failed, None, None), "not started"),
        (command("a", Timeout, None, Some(15)), "timed out"),
        (command("a", Cancelled, Some(0), None), "cancelled"),
        (command("a", Skipped, None, None), "skipped"),
        (command("a", Pending, None, None), "waiting"),
        (waits, "waits for keys"),
        (unknown, "unknown"),
    ] {
        assert_eq!(crate::cli::states::command(&command).words, words);
    }
}

#[test]
fn command_files_have_one_command_a_line() {
    let lines: Vec<_> = commands::lines("# first\nmake all\n\n  ls -l | wc -l  \n#x\n").collect();
    assert_eq!(lines, ["make all", "ls -l | wc -l"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("commands");
    std::fs::write(&file, "b\nc\n").unwrap();
    assert_eq!(
        commands::gather(&["a".into()], Some(&file)).unwrap(),
        ["a", "b", "c"]
    );
    std::fs::write(&file, "#\n").unwrap();
    let error = commands::gather(&[], Some(&file)).unwrap_err();
    let error = error.downcast::<Error>().unwrap();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}
