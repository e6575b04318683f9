//! A day of a busy daemon on a clock that jumps: what is held in memory and in the database stays within its bounds.
//!
//! Everything is real but the programs: the tree of actors, the registry, the database.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::config::DaemonConfig;
use protocol::paths::Paths;
use protocol::reply::ExitStatus;
use protocol::terminal::TerminalFacts;
use protocol::{Name, PaneUuid, Size};
use pty::Io;
use rusqlite::Connection;
use supervisor::{SupervisorRef, TreeNode};

use crate::clock::epoch_ms;
use crate::orchestration::sample;
use crate::pane::{self, PaneEntry, Process};
use crate::registry::Claim;
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::SessionMsg;
use crate::session::life;
use crate::tree;
use keeper_link::Keeper;
use model::pane::{Ended, Next, PaneRecord};
use model::session::change::{Place, Placement};
use store::ENDED_PANES;

/// Steps of the day.
const STEPS: usize = 240;

/// Length of a step: all of them are a day.
const STEP: Duration = Duration::from_secs(360);

/// Sessions made and ended in each step, each with [`PANES`].
const SESSIONS: usize = 3;

/// Panes of each session.
const PANES: usize = 2;

/// Orchestrations that end in each step.
const JOBS: usize = 4;

/// Idempotency keys used in each step.
const KEYS: usize = 30;

pub(crate) struct Day {
    pub(crate) server: Arc<Server>,
    root: SupervisorRef,
    dir: tempfile::TempDir,
}

impl Day {
    pub(crate) async fn begin() -> Self {
        Self::begin_in(tempfile::tempdir().unwrap()).await
    }

    /// The same with what lies in a state directory.
    pub(crate) async fn begin_in(dir: tempfile::TempDir) -> Self {
        let paths = Paths {
            runtime: dir.path().join("r"),
            state: dir.path().to_owned(),
            config: dir.path().join("config.toml"),
        };
        let config = DaemonConfig {
            journal_bytes: 16_384,
            history_lines: 0,
            ..DaemonConfig::default()
        };
        let server = Server::new(config, paths, std::path::Path::new("/nonexistent/fugued"));
        server.store.open().await;
        let root = supervisor::start("fugued", tree::root_spec(&server), &server.tree)
            .await
            .unwrap();
        Self { server, root, dir }
    }

    pub(crate) async fn session(&self, name: &str) -> Arc<SessionEntry> {
        let name = Name::new(name).unwrap();
        let snapshot = self
            .server
            .new_session(name, None, "/".to_owned(), Size::default());
        let Claim::Ours(entry) = self.server.registry.claim(snapshot) else {
            panic!("the name is free");
        };
        life::start(&self.server, &entry).await.unwrap();
        self.server.store.save(&entry).wait().await.unwrap();
        entry
    }

    /// A pane whose program has ended, in a window of its own.
    pub(crate) async fn pane(&self, session: &Arc<SessionEntry>) -> Arc<PaneEntry> {
        let record = PaneRecord {
            command: "true".to_owned(),
            env: vec![("A_VARIABLE".to_owned(), "x".repeat(500))],
            ..PaneRecord::default()
        };
        self.pane_as(session, record).await
    }

    /// The same of a pane that was made so.
    pub(crate) async fn pane_as(
        &self,
        session: &Arc<SessionEntry>,
        record: PaneRecord,
    ) -> Arc<PaneEntry> {
        let server = &self.server;
        let setup = pane::setup_of(
            &PaneRecord::default(),
            &server.config,
            TerminalFacts::default(),
        );
        let io = Io::without_program(16_384, Size::default(), setup, None).unwrap();
        let process = Process {
            keeper: Keeper::gone(),
            pid: 0,
            start_time: 0,
            keeper_pid: 0,
            keeper_start_time: 0,
            started: crate::clock::now(),
            life: 0,
            secret: None,
        };
        let entry = PaneEntry::new(PaneUuid::new(), session.id, None, record, process, io);
        let entry = Arc::new(entry);
        entry.change(|state| {
            let exit = ExitStatus::Exited { code: 0 };
            state.note_end(Ended::unseen(exit, 1, epoch_ms()));
            state.decide(Next::Kept);
        });
        let slot = server.registry.pane_slots().take(10_000).unwrap();
        server.registry.insert_pane(Arc::clone(&entry), slot);
        let panes = session.panes.get().unwrap();
        let started = panes.start_child(pane::child::spec(server, &entry)).await;
        started.unwrap();
        let placement = Placement {
            pane: entry.id,
            place: Place::NewWindow { name: None },
            select: true,
        };
        let placed = life::ask(session, |reply| SessionMsg::Place(placement, reply)).await;
        placed.unwrap().unwrap();
        server.store.save(&entry).wait().await.unwrap();
        entry
    }

    async fn step(&self, number: usize) {
        let server = &self.server;
        for index in 0..SESSIONS {
            let session = self.session(&format!("s{number}-{index}")).await;
            let mut panes = Vec::new();
            for _ in 0..PANES {
                panes.push(self.pane(&session).await);
            }
            let jobs = if index == 0 { JOBS } else { 0 };
            for _ in 0..jobs {
                sample::ended(server, &session);
            }
            // By its panes one by one, and all at once.
            if index == 0 {
                for pane in &panes {
                    pane::close(server, pane, true).await;
                }
            }
            life::end(server, &session).await;
        }
        for index in 0..KEYS {
            let key = format!("key-{number}-{index}");
            let work = async { Ok(Bytes::from(vec![b'r'; 300])) };
            let done = server
                .idempotency
                .once(&key, "create", b"", &server.store, work);
            done.await.unwrap();
        }
        tokio::time::sleep(STEP).await;
    }

    pub(crate) fn state(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The database, as another process sees it.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.dir.path().join("state.db")).unwrap()
    }

    /// Rows of a table, as another process sees them.
    pub(crate) fn rows(&self, table: &str) -> usize {
        let database = self.database();
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = database.query_row(&sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }

    fn bytes(&self, file: &str) -> u64 {
        std::fs::metadata(self.dir.path().join(file)).map_or(0, |meta| meta.len())
    }
}

fn nodes(node: &TreeNode) -> usize {
    1 + node.children.iter().map(nodes).sum::<usize>()
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Checks what is held while nobody has anything open. Bounds are those that are documented.
fn assert_bounded(day: &Day, nodes_before: usize, files_before: usize) {
    let registry = &day.server.registry;
    assert_eq!(registry.session_count(), 0);
    assert_eq!(registry.pane_count(), 0);
    assert!(registry.ended_panes().len() <= ENDED_PANES);
    // An hour of them, and those of the minute until they are forgotten.
    let hour = 3600 / STEP.as_secs() as usize + 2;
    assert!(registry.orchestrations().len() <= hour * JOBS);
    // Ten minutes.
    let ten_minutes = 600 / STEP.as_secs() as usize + 2;
    assert!(day.server.idempotency.len() <= ten_minutes * KEYS);
    let tree = day.server.tree.snapshot().unwrap();
    assert_eq!(nodes(&tree), nodes_before, "{tree:?}");
    assert!(open_files() <= files_before + 5, "{}", open_files());
    for table in [
        "sessions",
        "windows",
        "environments",
        "panes",
        "pane_records",
        "mirrors",
    ] {
        assert_eq!(day.rows(table), 0, "{table}");
    }
    assert!(day.rows("ended_panes") <= ENDED_PANES);
    assert!(day.rows("orchestrations") <= hour * JOBS);
    assert!(day.rows("orchestration_facts") <= hour * JOBS * 8);
    assert!(day.rows("idempotency") <= ten_minutes * KEYS);
    assert!(day.rows("facts") <= 8);
    assert!(day.bytes("state.db-wal") <= 9 << 20, "the log");
    assert!(
        day.bytes("state.db") <= 8 << 20,
        "{}",
        day.bytes("state.db")
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_of_creates_and_ends_leaves_bounded_memory_and_a_bounded_database() {
    let day = Day::begin().await;
    let begun = epoch_ms();
    day.step(0).await;
    let nodes_before = nodes(&day.server.tree.snapshot().unwrap());
    let files_before = open_files();
    for number in 1..STEPS {
        day.step(number).await;
        if number % 40 == 0 {
            assert_bounded(&day, nodes_before, files_before);
        }
    }
    assert!(epoch_ms() - begun >= 24 * 3_600_000, "a day has passed");
    // Two hours of silence later only the ends of panes are left.
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    assert_bounded(&day, nodes_before, files_before);
    assert_eq!(day.server.registry.orchestrations().len(), 0);
    assert_eq!(day.server.idempotency.len(), 0);
    assert_eq!(day.rows("orchestrations") + day.rows("idempotency"), 0);
    assert_eq!(day.rows("ended_panes"), ENDED_PANES);
    let limit = Duration::from_secs(5);
    day.root
        .shutdown(supervisor::ExitReason::Shutdown, limit)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn marks_are_bounded_while_nothing_can_be_written_and_all_is_written_anew_then() {
    let day = Day::begin().await;
    let store = &day.server.store;
    let gone = day.session("gone").await;
    let kept = day.session("kept").await;
    let away = day.dir.path().with_extension("away");
    std::fs::rename(day.dir.path(), &away).unwrap();
    life::end(&day.server, &gone).await;
    for _ in 0..30 {
        for _ in 0..10_000 {
            let _ = store.forget_pane(PaneUuid::new(), None);
        }
        // A try, which fails.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(store.unwritten() <= 60_000, "{}", store.unwritten());
    }
    std::fs::rename(&away, day.dir.path()).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    store.flush().await.unwrap();
    assert_eq!(store.unwritten(), 0);
    let database = day.database();
    let ids: String = database
        .query_row("SELECT group_concat(id) FROM sessions", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(ids, kept.id.to_string());
}
