//! Tests of starts that fail.

use std::path::Path;

use protocol::Size;
use protocol::config::DaemonConfig;
use protocol::paths::Paths;
use protocol::terminal::TerminalFacts;

use super::*;

#[tokio::test]
async fn a_group_is_discarded_when_no_keeper_can_have_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        runtime: dir.path().join("taken"),
        state: dir.path().to_owned(),
        config: dir.path().join("config.toml"),
    };
    std::fs::write(&paths.runtime, "a file").unwrap();
    let exe = Path::new("/nonexistent/fugued");
    let server = Server::new(DaemonConfig::default(), paths, exe);
    let (_groups, cgroups) = cgroup::pretended();
    server.contain_in(cgroups);
    let id = PaneUuid::new();
    let group = server.cgroups().path(id).unwrap();
    let record = PaneRecord {
        cgroup: Some(group.display().to_string()),
        ..PaneRecord::default()
    };
    let kept = Kept {
        meta: Vec::new(),
        secret: Uuid::new_v4(),
    };
    let window = Window {
        size: Size::default(),
        cell: TerminalFacts::default().cell,
    };
    let started = start_program(&server, id, kept, &record, window, None).await;
    assert!(started.is_err());
    assert!(group.parent().unwrap().exists() && !group.exists());
}

#[test]
fn a_start_that_took_too_long_passes_and_no_other_failure_of_a_keeper_is_put_on_the_command() {
    let told = |error: SpawnError| spawn_error("make", &error);
    let late = told(SpawnError::Timeout(SPAWN_LIMIT));
    // A restart is put off by this code.
    assert_eq!(late.code, ErrorCode::Limit, "{late}");
    let missing = std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
    let missing = SpawnError::Keeper {
        exe: "/nonexistent/fugue-keeper".into(),
        source: missing,
    };
    let died = SpawnError::Died("it was killed".to_owned());
    let errors = [late, told(missing), told(died)];
    for error in &errors[1..] {
        assert_eq!(error.code, ErrorCode::SpawnFailed, "{error}");
    }
    for error in errors {
        assert!(!error.hint.contains("correct the command"), "{error}");
        assert!(error.hint.starts_with("no pane was made"), "{error}");
    }
    let command = told(SpawnError::TooLarge("9 MB".to_owned()));
    assert!(command.hint.contains("correct the command"), "{command}");
}
