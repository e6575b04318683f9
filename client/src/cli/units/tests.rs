//! Times and states in words.

use protocol::reply::{ExitStatus, Unreachable};

use super::*;

#[test]
fn spans() {
    for (ms, text) in [
        (0, "0ms"),
        (830, "830ms"),
        (12_400, "12.4s"),
        (185_000, "3m05s"),
        (7_800_000, "2h10m"),
        (356_400_000, "4d03h"),
    ] {
        assert_eq!(span(ms), text);
    }
    assert_eq!(micros(12), "12µs");
    assert_eq!(micros(1_390), "1.3ms");
    assert_eq!(micros(2_000_000), "2.0s");
    assert_eq!(ago(5_000, 4_000), "0ms ago");
}

#[test]
fn states() {
    let mut status = PaneStatus {
        exit: None,
        duration_ms: 1_000,
        ended_at_ms: None,
        usage: None,
        restarting: false,
        restarts: 0,
        unreachable: None,
        state: None,
    };
    assert_eq!(program_status(&status), "running 1.0s");
    status.restarts = 2;
    assert_eq!(program_status(&status), "running 1.0s (restarts 2)");
    status.exit = Some(ExitStatus::Exited { code: 3 });
    assert_eq!(program_status(&status), "exited(3) (after 2 restarts)");
    status.restarting = true;
    assert_eq!(program_status(&status), "restarting after exited(3)");
    status.unreachable = Some(Unreachable {
        since_ms: 1,
        reason: "the keeper is stopped".to_owned(),
        program_lives: true,
    });
    assert_eq!(
        program_status(&status),
        "unreachable(the keeper is stopped; its program lives)"
    );
}

#[test]
fn brief_text_is_one_line() {
    assert_eq!(brief("a\nb\tc", 5), "a b c");
    assert_eq!(brief("123456", 5), "1234…");
    assert_eq!(brief("éééééé", 6), "éééééé");
}
