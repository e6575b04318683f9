//! Which ends are abnormal, and how reasons read.

use super::*;

fn all() -> [(ExitReason, bool, &'static str); 9] {
    let exceeded = ExitReason::IntensityExceeded {
        child: "a".into(),
        restarts: 4,
        cause: "killed".into(),
    };
    [
        (ExitReason::Normal, false, "normal"),
        (ExitReason::Shutdown, false, "shutdown"),
        (ExitReason::ShutdownFor("x".into()), false, "shutdown: x"),
        (ExitReason::Killed, true, "killed"),
        (ExitReason::Failed("x".into()), true, "failed: x"),
        (ExitReason::Panicked("x".into()), true, "panicked: x"),
        (ExitReason::StartFailed("x".into()), true, "start failed: x"),
        (
            exceeded,
            false,
            "gave up: 4 restarts are too many, last child a ended: killed",
        ),
        (ExitReason::Unkillable, true, "unkillable"),
    ]
}

#[test]
fn only_ends_that_nobody_wanted_are_abnormal() {
    for (reason, abnormal, _) in all() {
        assert_eq!(reason.is_abnormal(), abnormal, "{reason}");
    }
}

#[test]
fn reasons_read_well_and_survive_json() {
    for (reason, _, text) in all() {
        assert_eq!(reason.to_string(), text);
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<ExitReason>(&json).unwrap(), reason);
    }
}

#[test]
fn errors_keep_their_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the journal")]
    struct Outer(#[source] std::io::Error);
    let outer = Outer(std::io::Error::other("disk full"));
    let expected = ExitReason::Failed("cannot open the journal: disk full".into());
    assert_eq!(ExitReason::failed(&outer), expected);
}

#[test]
fn panics_of_any_type_have_a_text() {
    assert_eq!(describe_panic(&"str"), "str");
    assert_eq!(describe_panic(&"string".to_owned()), "string");
    assert_eq!(describe_panic(&7), "a panic that carries no text");
}
