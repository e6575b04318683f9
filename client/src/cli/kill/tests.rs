//! Messages about panes that were closed.

use protocol::reply::{ExitStatus, PaneStatus};
use protocol::{Name, PaneUuid};

use super::*;

fn end(name: Option<&str>, exit: Option<ExitStatus>) -> PaneEnd {
    PaneEnd {
        pane_id: PaneUuid::new(),
        number: Some(12.into()),
        name: name.map(|name| Name::new(name).unwrap()),
        command: "tail -f /dev/null".into(),
        status: PaneStatus {
            exit,
            duration_ms: 1_000,
            ended_at_ms: None,
            usage: None,
            restarting: false,
            restarts: 0,
            unreachable: None,
            state: None,
        },
        survivors: Vec::new(),
    }
}

#[test]
fn a_closed_pane_is_told_by_its_name_or_its_number() {
    let hangup = ExitStatus::Signaled {
        signal: 1,
        core_dumped: false,
    };
    for (name, exit, line) in [
        (
            Some("logs"),
            Some(hangup.clone()),
            "closed web.logs (tail -f /dev/null), ended by SIGHUP",
        ),
        (
            None,
            Some(ExitStatus::Exited { code: 0 }),
            "closed %12 in web (tail -f /dev/null), exited with 0",
        ),
        (None, None, "closed %12 in web (tail -f /dev/null)"),
    ] {
        assert_eq!(closed_line("web", "%12", &end(name, exit)), line);
    }
}

#[test]
fn what_is_still_there_is_named_where_it_can_be_seen() {
    assert_eq!(
        survivor_line(4711, Some("sleep 600")),
        "not ended: pid 4711 (sleep 600) is still there"
    );
    assert_eq!(
        survivor_line(4711, None),
        "not ended: pid 4711 is still there"
    );
    let own = command_of(std::process::id()).unwrap();
    assert!(own.contains("fugue_client"), "{own}");
    assert_eq!(command_of(u32::MAX), None);
}
