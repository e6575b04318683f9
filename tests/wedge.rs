//! A daemon that is wedged is followed by the next one, and one that is only stopped is not.

mod held;

use std::time::{Duration, Instant};

use protocol::reply::ServerStatus;
use protocol::request::Status;
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon};
use crate::support::view::named;
use crate::support::{proc, run_within};

/// A wedge is seen after 10 s; the next daemon serves soon after that, also on a busy machine.
const FOLLOWED: Duration = Duration::from_secs(60);

const STORY: Duration = Duration::from_secs(150);

async fn status(client: &Client) -> ServerStatus {
    client.ok(Status::default()).await
}

/// A connection to another process than `before`.
async fn next_daemon(daemon: &Daemon, before: u32) -> (Client, ServerStatus) {
    let begun = Instant::now();
    loop {
        assert!(
            begun.elapsed() < FOLLOWED,
            "no daemon follows\n{}",
            daemon.log()
        );
        let hello = protocol::transport::client_hello("test");
        let socket = daemon.socket();
        let open = protocol::transport::connect(&socket, hello);
        // A wedged daemon accepts, and never says hello.
        if let Ok(Ok((connection, events))) =
            tokio::time::timeout(Duration::from_secs(3), open).await
        {
            let client = Client { connection, events };
            if let Ok(status) = client.call(Status::default()).await
                && status.pid != before
            {
                return (client, status);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_turn_that_never_ends_is_followed_by_the_next_daemon_and_costs_no_program() {
    run_within(STORY, async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("turns", "echo ready; exec sleep 600").await;
        let other = client
            .session("other", "while read l; do echo got-$l; done")
            .await;
        let programs: Vec<_> = client.panes().await.iter().map(|pane| pane.pid).collect();
        let old = status(&client).await.pid;
        // The answer never comes: the pane's task does not go on.
        let turning = client.crash("pane_turns", named("turns"));
        let _ = tokio::time::timeout(Duration::from_secs(1), turning).await;
        let (client, new) = next_daemon(&daemon, old).await;
        assert_eq!(daemon.wait().code(), Some(70), "a status of its own");
        let log = daemon.log();
        assert!(
            log.contains("the daemon is wedged") && log.contains("serves pane"),
            "{log}"
        );
        let panes = client.panes().await;
        let after: Vec<_> = panes.iter().map(|pane| pane.pid).collect();
        assert_eq!(after, programs, "every program lives on");
        client
            .ok(crate::support::pane::input(other.pane_id, "hello"))
            .await;
        let shown = client
            .ok(crate::support::pane::pattern(other.pane_id, "got-hello"))
            .await;
        assert_eq!(shown.outcome, protocol::reply::ExpectOutcome::Match);
        assert!(proc::lives(new.pid));
    });
}

#[test]
fn a_wedge_that_holds_a_lock_is_followed_too() {
    run_within(STORY, async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("turns", "exec sleep 600").await;
        let programs: Vec<_> = client.panes().await.iter().map(|pane| pane.pid).collect();
        let old = status(&client).await.pid;
        let turning = client.crash("pane_turns_locked", named("turns"));
        let _ = tokio::time::timeout(Duration::from_secs(1), turning).await;
        let (client, _) = next_daemon(&daemon, old).await;
        assert_eq!(daemon.wait().code(), Some(70), "a status of its own");
        let after: Vec<_> = client.panes().await.iter().map(|pane| pane.pid).collect();
        assert_eq!(after, programs, "every program lives on");
    });
}

#[test]
fn a_runtime_whose_threads_all_sleep_is_followed_by_the_next_daemon() {
    run_within(STORY, async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("s", "exec sleep 600").await;
        let old = status(&client).await.pid;
        let sleeping = client.crash("sleep", 600_u64);
        let _ = tokio::time::timeout(Duration::from_secs(1), sleeping).await;
        let (client, _) = next_daemon(&daemon, old).await;
        assert_eq!(daemon.wait().code(), Some(70), "a status of its own");
        assert!(
            daemon.log().contains("nothing has gone on"),
            "{}",
            daemon.log()
        );
        assert_eq!(client.panes().await.len(), 1);
    });
}

#[test]
fn a_stopped_daemon_is_not_wedged() {
    run_within(STORY, async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("s", "exec sleep 600").await;
        let old = status(&client).await;
        daemon.signal(Signal::STOP);
        tokio::time::sleep(Duration::from_secs(30)).await;
        daemon.signal(Signal::CONT);
        // As long again as a wedge takes to be seen.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(13) {
            let client = daemon.client().await;
            let now = status(&client).await;
            assert_eq!((now.pid, now.instance), (old.pid, old.instance));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!(!daemon.paths().wedges().exists(), "nothing was noted");
    });
}
