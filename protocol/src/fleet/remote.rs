//! One server and its connection, opened when first needed and again after it was lost.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use super::reach::{Act, Happened, Pace, Reach, Way, heals};
use crate::address::Address;
use crate::connection::Connection;
use crate::error::{Error, ErrorCode};
use crate::frame::Hello;
use crate::id::InstanceUuid;
use crate::name::ServerName;
use crate::peer::NO_HELLO;
use crate::request::{Again, Call};
use crate::transport::{self, Dialled, Left, Route, ssh::Asking};

/// The time for which a call waits for a server of this machine that is being restarted.
const RECONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The pause before a server that is being replaced is asked again.
const REPLACED_PAUSE: Duration = Duration::from_millis(20);

/// A call that looks is made again so often at most.
const LOST_MOST: u32 = 3;

/// The time for which a key is used again. The server remembers it for 10 minutes, from the moment that it has heard it.
const KEY_LIMIT: Duration = Duration::from_secs(8 * 60);

/// One server and its connection, opened when first needed and again after it was lost.
pub struct Remote {
    name: ServerName,
    address: Address,
    route: Route,
    client_name: String,
    /// The caller may run inside a pane of this server.
    inside: bool,
    /// Start the daemon when nothing listens.
    start: bool,
    /// Of the server of this environment's directories, which is started when it has left something behind: the file that tells.
    own: Option<PathBuf>,
    pub(super) current: Mutex<Current>,
    reach: watch::Sender<Reach>,
    trouble: std::sync::Mutex<Option<Error>>,
}

/// The facts by which a server is known before it is reached.
pub(super) struct Known {
    pub(super) name: ServerName,
    pub(super) address: Address,
    pub(super) route: Route,
    pub(super) client_name: String,
    pub(super) inside: bool,
    pub(super) start: bool,
    pub(super) own: Option<PathBuf>,
}

pub(super) struct Current {
    connection: Option<Arc<Connection>>,
    /// It was reached before: when it is away now it is probably being restarted.
    was_reached: bool,
    way: Way,
}

impl Remote {
    pub(super) fn new(known: Known) -> Self {
        let pace = match known.route {
            Route::Unix { .. } => Pace::NEAR,
            Route::Ssh(_) => Pace::FAR,
        };
        let (chance, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self {
            name: known.name,
            address: known.address,
            route: known.route,
            client_name: known.client_name,
            inside: known.inside,
            start: known.start,
            own: known.own,
            current: Mutex::new(Current {
                connection: None,
                was_reached: false,
                way: Way::new(pace, chance),
            }),
            reach: watch::Sender::new(Reach::Idle),
            trouble: std::sync::Mutex::default(),
        }
    }

    /// The server's name.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its socket, of a server on this machine.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.route.socket()
    }

    /// True if `other` is reached at the same place.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        self.route == other.route
    }

    /// Its states, as they change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }

    /// The reason for which it was not reached the last time.
    #[must_use]
    pub fn trouble(&self) -> Option<Error> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    /// Our hello to it: only a server on this machine is told of the pane that the caller runs in.
    #[must_use]
    pub fn hello(&self) -> Hello {
        let mut hello = transport::client_hello(&self.client_name);
        match self.socket().filter(|_| self.inside) {
            Some(socket) => hello.token = transport::pane_token(socket),
            None => hello.caller_pane = None,
        }
        hello
    }

    /// Opens a stream for a caller with a poll loop of its own, blocking.
    ///
    /// # Errors
    /// As [`Route::dial`], with what the server has left behind.
    pub fn dial(&self, asking: Asking) -> Result<Dialled, Error> {
        let dialled = self.route.dial(asking);
        dialled.map_err(|error| self.explained(error, self.left()))
    }

    /// The way to it.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// An open connection: the present one, or a new one.
    ///
    /// # Errors
    /// `server_unreachable` with the cause, for a server that was reached before only after 5 s.
    pub async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut current = self.current.lock().await;
        if let Some(open) = current.connection.as_ref().filter(|c| !c.is_closed()) {
            return Ok(Arc::clone(open));
        }
        self.note_loss(&mut current).await;
        let begun = Instant::now();
        let mut started = false;
        loop {
            self.happened(&mut current.way, Happened::Wanted);
            let hello = self.hello();
            let error = match transport::connect_over(&self.route, self.name.as_str(), hello).await
            {
                // Nothing is attached over a fleet's connection, so its events have no reader.
                Ok((connection, _events)) => {
                    let connection = Arc::new(connection);
                    current.connection = Some(Arc::clone(&connection));
                    current.was_reached = true;
                    self.happened(&mut current.way, Happened::Opened);
                    return Ok(connection);
                }
                Err(error) => error,
            };
            self.happened(&mut current.way, Happened::Failed(error.clone()));
            let left = self.left();
            if !self.may_come(&current, &error, left, begun) {
                return Err(self.explained(error, left));
            }
            let due = !left.is_something() || begun.elapsed() >= transport::grace();
            if let Some(socket) = self.socket().filter(|_| due && !started)
                && self.starts(left)
                && transport::is_absent(socket)
            {
                let starting = transport::start_daemon(socket).await;
                starting.map_err(|error| left.explain(error))?;
                started = true;
                continue;
            }
            if let Some(at) = current.way.wake_at() {
                tokio::time::sleep_until(at.into()).await;
            }
        }
    }

    /// True if a server that was not reached may be there in a moment.
    fn may_come(&self, current: &Current, error: &Error, left: Left, begun: Instant) -> bool {
        let away = error.code == ErrorCode::ServerUnreachable;
        let closes = error.is_replaced() || away && error.message.starts_with(NO_HELLO);
        let expected = match &self.route {
            Route::Unix { .. } => current.was_reached || self.starts(left) || closes,
            Route::Ssh(_) => current.was_reached,
        };
        let in_time = match &self.route {
            Route::Unix { .. } => {
                let next = current.way.wake_at().unwrap_or_else(Instant::now);
                next.duration_since(begun) <= RECONNECT_LIMIT
            }
            // The caller's own limit counts.
            Route::Ssh(_) => true,
        };
        (away || error.is_replaced()) && heals(error) && expected && in_time
    }

    /// The error of a server that was not reached, with the next step.
    fn explained(&self, error: Error, left: Left) -> Error {
        let Some(socket) = self
            .socket()
            .filter(|_| error.code == ErrorCode::ServerUnreachable)
        else {
            return error;
        };
        let other = self.inside && self.own.is_none() && transport::is_absent(socket);
        match (other, socket.parent()) {
            (true, Some(dir)) => error.hint(format!(
                "nothing here starts that one: run `fugued` with FUGUE_RUNTIME_DIR={} and a FUGUE_STATE_DIR of its own",
                dir.display()
            )),
            (true, None) | (false, _) => left.explain(error),
        }
    }

    fn starts(&self, left: Left) -> bool {
        self.start || (self.own.is_some() && left.is_something())
    }

    /// The connection that was there is gone.
    async fn note_loss(&self, current: &mut Current) {
        let Some(lost) = current.connection.take() else {
            return;
        };
        self.happened(&mut current.way, Happened::Lost(lost.why_closed()));
        if let Route::Ssh(route) = &self.route {
            let route = route.clone();
            let _ = tokio::task::spawn_blocking(move || route.end_shared()).await;
        }
    }

    fn happened(&self, way: &mut Way, happened: Happened) -> Act {
        let act = way.take(happened, Instant::now());
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match way.reach() {
            Reach::Waiting { cause, .. } | Reach::Refused(cause) => *trouble = Some(cause.clone()),
            Reach::Connected(_) => *trouble = None,
            Reach::Idle | Reach::Connecting(_) => {}
        }
        drop(trouble);
        self.reach.send_if_modified(|reach| {
            let changed = reach != way.reach();
            *reach = way.reach().clone();
            changed
        });
        act
    }

    /// Keeps a connection for as long as it is polled, for who watches: it is opened again when it is lost.
    pub async fn keep(&self) {
        loop {
            match self.connection().await {
                Ok(connection) => {
                    connection.closed().await;
                    let mut current = self.current.lock().await;
                    if current.connection.as_ref().is_some_and(|c| c.is_closed()) {
                        self.note_loss(&mut current).await;
                    }
                }
                Err(_) => {
                    let at = self.current.lock().await.way.wake_at();
                    match at {
                        Some(at) => tokio::time::sleep_until(at.into()).await,
                        // Only a new wish helps.
                        None => std::future::pending().await,
                    }
                }
            }
        }
    }

    /// The process life of the server that the present connection goes to.
    pub async fn instance(&self) -> Option<InstanceUuid> {
        let current = self.current.lock().await;
        let connection = current.connection.as_ref()?;
        connection.server().instance
    }

    /// The remains of it when it is not there.
    #[must_use]
    pub fn left(&self) -> Left {
        match self.socket() {
            Some(socket) if transport::is_absent(socket) => Left::by(socket, self.own.as_deref()),
            Some(_) | None => Left::default(),
        }
    }

    /// Starts the server of this environment when it is not there and has left something behind. Blocks.
    ///
    /// # Errors
    /// `server_unreachable` with what it said.
    pub fn start_again(&self) -> Result<(), Error> {
        let Some(socket) = self.socket().filter(|_| self.own.is_some()) else {
            return Ok(());
        };
        match self.left() {
            left if left.is_something() => {
                transport::start_daemon_and_wait(socket).map_err(|error| left.explain(error))
            }
            _ => Ok(()),
        }
    }

    /// As [`Remote::connection`], but waits at most `limit`.
    ///
    /// # Errors
    /// As [`Remote::connection`]; `server_unreachable` after `limit` too.
    pub async fn connection_within(&self, limit: Duration) -> Result<Arc<Connection>, Error> {
        let reached = tokio::time::timeout(limit, self.connection()).await;
        reached.unwrap_or_else(|_| {
            let why = self.trouble().map(|cause| format!(": {}", cause.message));
            let why = why.unwrap_or_default();
            Err(Error::new(
                ErrorCode::ServerUnreachable,
                format!(
                    "server {} was not reached within {limit:.0?}{why}",
                    self.name
                ),
            )
            .hint("nothing was asked of it; try again, with more time"))
        })
    }

    /// Makes a call, which takes at most `limit` with the connection that it may need. One whose answer is lost is made again where
    /// that is safe: one that looks up to three times, one that makes something with the same idempotency key.
    ///
    /// # Errors
    /// As [`Remote::connection`] and [`Connection::call`]; `server_unreachable` saying so when nobody knows whether it was carried out.
    pub async fn call<C: Call>(&self, params: &C, limit: Duration) -> Result<C::Reply, Error> {
        self.call_with_key(params, None, limit).await
    }

    /// As [`Remote::call`], with an idempotency key of the caller's.
    ///
    /// # Errors
    /// As [`Remote::call`].
    pub async fn call_with_key<C: Call>(
        &self,
        params: &C,
        key: Option<String>,
        limit: Duration,
    ) -> Result<C::Reply, Error> {
        let key = key.or_else(|| self.key_of::<C>());
        let begun = Instant::now();
        let left = || (begun + limit).saturating_duration_since(Instant::now());
        let mut lost = 0;
        let mut rest = None;
        loop {
            let connection = match self.connection_within(left()).await {
                Ok(connection) => connection,
                Err(error) if lost > 0 && C::AGAIN != Again::Looks => {
                    return Err(unknown::<C>(&error, key.as_deref()));
                }
                Err(error) => return Err(error),
            };
            let keyed = C::AGAIN != Again::Typed || connection.server().types_once;
            let key = key.clone().filter(|_| keyed);
            if lost > 0 {
                rest = rest_of(params, begun.elapsed());
            }
            let params = rest.as_ref().unwrap_or(params);
            let answer = connection.call_with_key(params, key.clone(), left()).await;
            let error = match answer {
                // It was not carried out, or may be a second time.
                Err(error) if error.is_replaced() && left() > REPLACED_PAUSE => {
                    tokio::time::sleep(REPLACED_PAUSE).await;
                    continue;
                }
                Err(error) if error.code == ErrorCode::ServerUnreachable => error,
                answer => return answer,
            };
            lost += 1;
            let again = match (C::AGAIN, &key) {
                (Again::Looks, _) => lost <= LOST_MOST,
                (_, Some(_)) => begun.elapsed() < KEY_LIMIT && left() > REPLACED_PAUSE * lost,
                (_, None) => false,
            };
            match (again, C::AGAIN) {
                (true, Again::Looks) => {}
                (true, _) => tokio::time::sleep(REPLACED_PAUSE * lost).await,
                (false, Again::Looks) => return Err(error),
                (false, _) => return Err(unknown::<C>(&error, key.as_deref())),
            }
        }
    }

    /// The key of a call that has none of its caller's and is to be made again when its answer is lost.
    fn key_of<C: Call>(&self) -> Option<String> {
        let keyed = match (C::AGAIN, &self.route) {
            (Again::Begins, _) | (Again::Keyed | Again::Typed, Route::Ssh(_)) => true,
            (Again::Keyed | Again::Typed, Route::Unix { .. }) | (Again::Looks | Again::Once, _) => {
                false
            }
        };
        keyed.then(|| format!("fugue-{}", uuid::Uuid::new_v4()))
    }
}

/// A call that looks for a while, for the rest of that while; none where it says no time.
pub(super) fn rest_of<C: Call>(params: &C, passed: Duration) -> Option<C> {
    if C::AGAIN != Again::Looks {
        // With its key it must stay what it was.
        return None;
    }
    let mut value = serde_json::to_value(params).ok()?;
    let limit_ms = value.get("timeout_ms")?.as_u64().filter(|ms| *ms > 0)?;
    let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
    value["timeout_ms"] = limit_ms.saturating_sub(passed_ms).max(1).into();
    serde_json::from_value(value).ok()
}

/// The error for a call that changes something and whose answer was lost.
fn unknown<C: Call>(error: &Error, key: Option<&str>) -> Error {
    let message = format!(
        "{}; whether {} was carried out is not known",
        error.message,
        C::METHOD
    );
    let look = "look whether it was carried out before repeating it";
    Error::new(error.code, message).hint(match key {
        Some(key) => {
            format!("{look}, or repeat it with the idempotency key {key} within 10 minutes")
        }
        None => look.to_owned(),
    })
}
