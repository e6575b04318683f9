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
