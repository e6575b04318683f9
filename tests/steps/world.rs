//! A daemon with what an operation needs, and its end.

use std::path::PathBuf;

use protocol::reply::PaneInfo;
use protocol::request::{CreateSession, KillSession, PaneSettings, PaneSpec, RestartType};
use protocol::{Error, Name, Target};

use super::table::Operation;
use crate::support::daemon::{Client, Daemon, kept, shell};
use crate::support::left::{Owned, left_over, slots};
use crate::support::{eventually, proc};

/// Panes that the daemon allows.
const MOST: usize = 5;

/// What the operation finds.
pub struct World {
    pub daemon: Daemon,
    pub client: Client,
    /// The one pane of the session `base`, which is called `pane`.
    pub before: PaneInfo,
}

impl World {
    pub async fn begin(operation: Operation) -> Self {
        let config =
            format!("[daemon]\nmax_panes = {MOST}\n[daemon.stop]\nterm_ms = 300\nhup_ms = 300\n");
        let daemon = Daemon::start_with(&config);
        let client = daemon.client().await;
        let settings = match operation {
            Operation::Restart => kept(RestartType::Permanent),
            // One that would be closed when its program ends by itself.
            Operation::Ask => PaneSettings::default(),
            _ => kept(RestartType::Temporary),
        };
        let pane = PaneSpec {
            name: Some(Name::new("pane").unwrap()),
            settings,
            ..shell("exec sleep 600")
        };
        let create = CreateSession {
            name: Some(Name::new("base").unwrap()),
            window_name: Some(Name::new("window").unwrap()),
            pane,
            ..CreateSession::default()
        };
        client.ok(create).await;
        let before = client.panes().await.remove(0);
        Self {
            daemon,
            client,
            before,
        }
    }

    /// The daemon does this at its next step of this name.
    pub async fn arm(&self, fault: &str) {
        // What is marked so far is written first: its commit is not the one that is meant.
        let barrier = protocol::request::UpdateSession {
            session: Some(crate::support::view::named("base")),
            tags: Some(vec!["armed".to_owned()]),
            ..Default::default()
        };
        self.client.ok(barrier).await;
        self.client.crash("step", fault).await.unwrap();
    }

    /// A panic, a failure or a pause has happened where it was wanted.
    pub async fn was_met(&self, step: &str) {
        eventually("the step is reached", async || {
            self.client.crash("step_met", step).await.ok()
        })
        .await;
    }

    /// The daemon was killed where it was wanted, and the next one serves.
    pub async fn next_daemon(&mut self) {
        let status = self.daemon.wait();
        assert_eq!(status.code(), None, "it was killed:\n{}", self.daemon.log());
        self.daemon.launch();
        self.client = self.daemon.client().await;
    }

    pub async fn owned(&self) -> Option<Owned> {
        Owned::by(&self.client).await.ok()
    }

    /// Nothing is left over now, nor after everything was ended.
    pub async fn end(mut self) {
        let mut found = String::new();
        let deadline = std::time::Instant::now() + crate::support::LIMIT;
        while let Err(left) = left_over(&self.daemon, &self.client).await {
            found = left;
            assert!(
                std::time::Instant::now() < deadline,
                "{found}\n{}",
                self.daemon.log()
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        drop(found);
        if let Err(wrong) = slots(&self.client, MOST).await {
            panic!("{wrong}\n{}", self.daemon.log());
        }
        for session in self.client.sessions().await {
            let kill = KillSession {
                session: Target::from(session.session_id),
                guarded: false,
            };
            let killed: Result<_, Error> = self.client.call(kill).await;
            drop(killed);
        }
        eventually("the end of all sessions", async || {
            self.client.sessions().await.is_empty().then_some(())
        })
        .await;
        let ran = self.daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(self.daemon.wait().code(), Some(0));
        let marker = format!("FUGUE_RUNTIME_DIR={}", self.daemon.runtime().display());
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        assert_eq!(self.daemon.leftovers(), Vec::<PathBuf>::new());
        assert!(!self.daemon.paths().unfinished().exists());
    }
}
