//! States in words.

use protocol::reply::{Need, ProgramStatus};

use super::*;

fn running() -> PaneStatus {
    PaneStatus {
        exit: None,
        duration_ms: 185_000,
        ended_at_ms: None,
        usage: None,
        restarting: false,
        restarts: 0,
        unreachable: None,
        state: None,
    }
}

fn ended(exit: ExitStatus) -> State {
    program(&PaneStatus {
        exit: Some(exit),
        ..running()
    })
}

#[test]
fn ends_in_words_and_tones() {
    let signaled = |signal, core_dumped| ExitStatus::Signaled {
        signal,
        core_dumped,
    };
    for (exit, words, tone) in [
        (ExitStatus::Exited { code: 0 }, "ok", Tone::Good),
        (ExitStatus::Exited { code: 7 }, "exit 7", Tone::Bad),
        (signaled(9, false), "SIGKILL", Tone::Bad),
        (signaled(11, true), "SIGSEGV, core dumped", Tone::Bad),
        (signaled(40, false), "signal 40", Tone::Bad),
        (
            ExitStatus::OutOfMemory {
                memory_max: Some(1),
            },
            "out of memory",
            Tone::Bad,
        ),
        (
            ExitStatus::SpawnFailed {
                reason: "no such file".into(),
            },
            "cannot start: no such file",
            Tone::Bad,
        ),
        (
            ExitStatus::Lost {
                reason: "the keeper is gone".into(),
            },
            "lost",
            Tone::Bad,
        ),
    ] {
        assert_eq!(ended(exit), State::new(words, tone));
    }
}

#[test]
fn what_runs_and_what_was_restarted() {
    let mut status = running();
    assert_eq!(program(&status), State::new("running 3m", Tone::Good));
    status.restarts = 2;
    assert_eq!(program(&status).words, "running 3m, 2 restarts");
    status.exit = Some(ExitStatus::Exited { code: 3 });
    status.restarts = 1;
    assert_eq!(program(&status).words, "exit 3, 1 restart");
    status.restarting = true;
    assert_eq!(
        program(&status),
        State::new("restarting after exit 3", Tone::Warning)
    );
    status.unreachable = Some(Unreachable {
        since_ms: 1,
        reason: "the keeper is stopped".to_owned(),
        program_lives: true,
    });
    assert_eq!(
        program(&status),
        State::new(
            "unreachable: the keeper is stopped; its program lives",
            Tone::Warning
        )
    );
}

#[test]
fn a_program_that_needs_somebody_stands_out() {
    let mut status = running();
    status.state = Some(ProgramStatus {
        value: ProgramState::NeedsInput,
        since_ms: None,
        app: None,
        part: None,
        kind: Some(Need::Login),
        message: None,
        title: None,
        percent: None,
    });
    assert_eq!(
        program(&status),
        State::new("running 3m, needs_input(login)", Tone::Warning)
    );
}

#[test]
fn commands_of_runs() {
    let of = |status, exit_code, signal, error: Option<&str>, unknown| {
        command(&CommandResult {
            status,
            exit_code,
            signal,
            error: error.map(str::to_owned),
            unknown,
            ..CommandResult::default()
        })
        .words
    };
    use RunStatus::*;
    assert_eq!(of(Completed, Some(0), None, None, false), "ok");
    assert_eq!(of(Failed, Some(3), None, None, false), "exit 3");
    assert_eq!(of(Failed, None, Some(9), None, false), "SIGKILL");
    assert_eq!(
        of(Failed, None, None, Some("no place"), false),
        "not started"
    );
    assert_eq!(of(Failed, None, None, Some("keeper lost"), true), "unknown");
    assert_eq!(of(Timeout, None, Some(15), None, false), "timed out");
    assert_eq!(of(Cancelled, None, Some(15), None, false), "cancelled");
    assert_eq!(of(Skipped, None, None, None, false), "skipped");
    assert_eq!(of(Pending, None, None, None, false), "waiting");
}
