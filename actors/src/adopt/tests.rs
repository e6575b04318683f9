//! Tests of what is not taken over.

use std::time::Duration;

use protocol::config::DaemonConfig;
use protocol::paths::Paths;

use super::*;

#[tokio::test]
async fn the_daemon_waits_for_the_end_of_a_keeper_that_no_pane_has() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        runtime: dir.path().join("r"),
        state: dir.path().to_owned(),
        config: dir.path().join("config.toml"),
    };
    let exe = std::path::Path::new("/nonexistent/fugued");
    let server = Server::new(DaemonConfig::default(), paths, exe);
    end_keeper(&server, PaneUuid::new(), Keeper::gone());
    assert_eq!(server.endings.len(), 1);
    server.endings.close();
    let ended = tokio::time::timeout(Duration::from_secs(10), server.endings.wait());
    ended.await.unwrap();
}
