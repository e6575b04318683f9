//! What there should be: the users' own account of everything they made.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use protocol::frame::ViewId;
use protocol::reply::PaneCreated;
use protocol::request::Call;
use protocol::{Error, ErrorCode, OrchestrationUuid, PaneUuid, SessionUuid};

use crate::support::LIMIT;
use crate::support::daemon::{Client, Daemon};
use crate::support::random::Random;

/// What a pane's program does.
pub enum Kind {
    /// Prints so many numbered lines and exits with this code.
    Writer { lines: usize, code: i32 },
    /// Repeats the numbers that are typed. False: whether it was typed is not known, since the
    /// daemon died before it answered.
    Typist { typed: Vec<(usize, bool)> },
    /// Reads nothing of what is typed.
    Deaf,
}

/// A pane.
pub struct Pane {
    pub id: PaneUuid,
    pub number: usize,
    pub kind: Kind,
    /// Its keeper was killed.
    pub lost: bool,
}

/// A session.
pub struct Session {
    pub id: SessionUuid,
    pub name: String,
    pub panes: Vec<Pane>,
}

/// A connection with a view of a session.
pub struct View {
    pub session: SessionUuid,
    pub name: String,
    /// Dropped, it is a client that died.
    pub connection: protocol::connection::Connection,
    pub drain: tokio::task::JoinHandle<()>,
}

impl Drop for View {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

/// A `fugue attach` in a terminal, which is a pane of another daemon.
pub struct Terminal {
    pub session: SessionUuid,
    pub desk: PaneCreated,
}

/// An orchestration with the codes that its commands exit with.
pub struct Run {
    pub id: OrchestrationUuid,
    pub codes: Vec<i32>,
}

/// Everything.
pub struct World {
    pub seed: u64,
    pub random: Random,
    pub daemon: Daemon,
    pub desk: Daemon,
    pub sessions: Vec<Session>,
    pub views: Vec<View>,
    pub terminals: Vec<Terminal>,
    pub runs: Vec<Run>,
    pub steps: usize,
    pub checks: usize,
    pub faults: BTreeMap<&'static str, usize>,
    /// When each actor was made to fail.
    pub crashes: HashMap<String, Vec<Instant>>,
    pub keepers: HashSet<u32>,
    pub next: usize,
    pub fds_at_start: usize,
    client: Option<Client>,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let daemon = Daemon::start();
        let desk = Daemon::start();
        let mut world = Self {
            seed,
            random: Random::new(seed),
            daemon,
            desk,
            sessions: Vec::new(),
            views: Vec::new(),
            terminals: Vec::new(),
            runs: Vec::new(),
            steps: 0,
            checks: 0,
            faults: BTreeMap::new(),
            crashes: HashMap::new(),
            keepers: HashSet::new(),
            next: 0,
            fds_at_start: 0,
            client: None,
        };
        world.client().await;
        world.fds_at_start = world.daemon.fds();
        world
    }

    /// Says what is done now.
    pub fn step(&mut self, what: &str) {
        self.steps += 1;
        eprintln!("soak: step {}: {what}", self.steps);
    }

    /// Says what goes wrong now.
    pub fn fault(&mut self, kind: &'static str, what: &str) {
        *self.faults.entry(kind).or_default() += 1;
        self.step(&format!("fault: {kind} {what}"));
    }

    /// A number that nobody else has.
    pub fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// A connection that works.
    pub async fn client(&mut self) -> &Client {
        let usable = self
            .client
            .as_ref()
            .is_some_and(|client| !client.connection.is_closed());
        if !usable {
            self.client = Some(self.daemon.client_named("user").await);
        }
        self.client.as_ref().expect("it was just made")
    }

    /// A call that is made again, with the same key, until somebody answers it.
    pub async fn keyed<C: Call>(&mut self, call: &C) -> Result<C::Reply, Error> {
        let number = self.number();
        let key = format!("{}-{number}", self.seed);
        let begun = Instant::now();
        loop {
            let client = self.client().await;
            let answer = client
                .connection
                .call_with_key(call, Some(key.clone()), LIMIT)
                .await;
            match answer {
                Ok(reply) => return Ok(reply),
                Err(error) if is_gone(&error) && begun.elapsed() < LIMIT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`Self::keyed`], for what must succeed.
    pub async fn ok<C: Call>(&mut self, call: &C) -> C::Reply {
        match self.keyed(call).await {
            Ok(reply) => reply,
            Err(error) => panic!("{}: {} {error}", C::METHOD, error.code),
        }
    }

    pub fn pane_count(&self) -> usize {
        self.sessions
            .iter()
            .map(|session| session.panes.len())
            .sum()
    }

    /// Any pane that fits: indices of its session and in it.
    pub fn any_pane(&mut self, fits: impl Fn(&Pane) -> bool) -> Option<(usize, usize)> {
        let places: Vec<(usize, usize)> = self
            .sessions
            .iter()
            .enumerate()
            .flat_map(|(s, session)| (0..session.panes.len()).map(move |p| (s, p)))
            .filter(|&(s, p)| fits(&self.sessions[s].panes[p]))
            .collect();
        (!places.is_empty()).then(|| *self.random.of(&places))
    }

    pub fn any_session(&mut self) -> Option<usize> {
        let count = self.sessions.len();
        (count > 0).then(|| self.random.below(count))
    }

    /// Whether this actor may fail once more without being given up by its supervisor.
    pub fn may_crash(&mut self, actor: &str) -> bool {
        let past = self.crashes.entry(actor.to_owned()).or_default();
        past.retain(|at| at.elapsed() < Duration::from_secs(61));
        let may = past.len() < 3;
        if may {
            past.push(Instant::now());
        }
        may
    }

    /// All connections are gone with the daemon; terminals connect again by themselves.
    pub fn daemon_died(&mut self) {
        self.views.clear();
        self.client = None;
    }

    /// What is in a session goes with it.
    pub async fn session_ended(&mut self, index: usize) {
        let session = self.sessions.remove(index);
        self.views.retain(|view| view.session != session.id);
        let (gone, left) = self
            .terminals
            .drain(..)
            .partition(|terminal| terminal.session == session.id);
        self.terminals = left;
        for terminal in gone {
            self.close_terminal(terminal).await;
        }
    }

    pub async fn close_terminal(&mut self, terminal: Terminal) {
        let desk = self.desk.client().await;
        let kill = protocol::request::KillSession {
            session: terminal.desk.context.session_id.into(),
            guarded: false,
        };
        // Its program may have ended, and the session with it.
        let _ = desk.call(kill).await;
    }

    /// A view's number; one is enough for each connection.
    pub fn view_id() -> ViewId {
        1
    }
}

/// Whether the answer did not come from a server that works.
pub fn is_gone(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::ServerUnreachable | ErrorCode::Busy | ErrorCode::Timeout
    )
}
