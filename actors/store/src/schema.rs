//! The database's file: its tables, how they came to be, and what is done about a corrupt one.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::time::millis;
use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension};
use uuid::Uuid;

use crate::numbers;

/// The time for which a commit waits for somebody else, such as a backup, who has the database locked.
pub(crate) const LOCKED_LIMIT: Duration = Duration::from_secs(2);

/// Pages of the write-ahead log before it is taken into the database.
const WAL_PAGES: i64 = 1_000;

/// Bytes to which the write-ahead log is cut when it has been taken into the database.
const WAL_BYTES: i64 = 8 << 20;

/// Free pages are given back on request, a few at a time. Source: SQLite, PRAGMA auto_vacuum, INCREMENTAL.
const INCREMENTAL: i64 = 2;

/// The steps from each version of the schema to the next; the first one makes it. Never changed, only added to.
const MIGRATIONS: [&str; 3] = ["
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    cwd TEXT NOT NULL,
    rows INTEGER NOT NULL,
    cols INTEGER NOT NULL,
    focused TEXT,
    focus_epoch INTEGER NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    changes TEXT NOT NULL,
    holders TEXT NOT NULL,
    made_by TEXT
) WITHOUT ROWID;
CREATE TABLE environments (session TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE windows (
    session TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    layout TEXT NOT NULL,
    focused TEXT NOT NULL,
    tiled_for TEXT,
    PRIMARY KEY (session, position)
) WITHOUT ROWID;
CREATE TABLE panes (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL,
    name TEXT,
    keeper TEXT NOT NULL,
    state TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE pane_records (pane TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mirrors (id TEXT PRIMARY KEY, mirror TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ended_panes (pane TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, ended TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX ended_panes_by_age ON ended_panes (at_ms);
CREATE TABLE orchestrations (id TEXT PRIMARY KEY, job TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE orchestration_facts (
    orchestration TEXT NOT NULL,
    name TEXT NOT NULL,
    fact TEXT NOT NULL,
    PRIMARY KEY (orchestration, name)
) WITHOUT ROWID;
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    params INTEGER NOT NULL,
    outcome BLOB,
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
", "
CREATE TABLE departed_sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    cwd TEXT NOT NULL,
    rows INTEGER NOT NULL,
    cols INTEGER NOT NULL,
    focused TEXT,
    focus_epoch INTEGER NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    changes TEXT NOT NULL,
    holders TEXT NOT NULL,
    made_by TEXT,
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE departed_environments (session TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE departed_windows (
    session TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    layout TEXT NOT NULL,
    focused TEXT NOT NULL,
    tiled_for TEXT,
    PRIMARY KEY (session, position)
) WITHOUT ROWID;
CREATE TABLE departed_panes (
    id TEXT PRIMARY KEY,
    session TEXT NOT NULL,
    name TEXT,
    keeper TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
", "
CREATE TABLE pane_texts (
    pane TEXT PRIMARY KEY,
    life INTEGER NOT NULL,
    printed INTEGER NOT NULL,
    text BLOB NOT NULL
);
"];

/// The reasons for which the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be made or moved.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database says no.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// A newer fugue has written it.
    #[error("it has version {0} of its tables, and this fugued knows {known}; start the newer fugued", known = MIGRATIONS.len())]
    Newer(i64),
    /// A row does not hold what it should.
    #[error("a row of {table} cannot be understood: {why}")]
    Row {
        /// In which table.
        table: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl OpenError {
    /// The file is no sound database.
    pub(crate) fn is_corrupt(&self) -> bool {
        match self {
            Self::Database(error) => is_corrupt(error),
            Self::File { .. } | Self::Newer(_) | Self::Row { .. } => false,
        }
    }
}

/// An open database.
pub struct Database {
    pub(crate) connection: Connection,
    /// Its id, of which keepers are told.
    pub(crate) id: Option<Uuid>,
    /// The earlier one was corrupt and is set aside, or there was none.
    pub(crate) fresh: bool,
}

/// Opens the database, made or brought up to date as needed. A corrupt one is set aside first.
pub(crate) fn open(path: &Path) -> Result<Database, OpenError> {
    match open_as_it_is(path) {
        Err(error) if error.is_corrupt() => {
            set_aside(path, &error)?;
            open_as_it_is(path)
        }
        opened => opened,
    }
}

fn open_as_it_is(path: &Path) -> Result<Database, OpenError> {
    let fresh = is_empty(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(LOCKED_LIMIT)?;
    if fresh {
        // Before there is anything in it; later it takes a rewrite of the file.
        connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
    // Environments are in it: what is deleted is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    migrate(&mut connection)?;
    if let Err(error) = connection.execute_batch(numbers::TABLE) {
        tracing::warn!(%error, "numbers of sessions, windows and panes are not kept");
    }
    if let Err(error) = shrink_from_now_on(&connection) {
        tracing::warn!(%error, "the state database does not shrink, since it could not be rewritten");
    }
    let id = store_id(&connection)?;
    Ok(Database {
        connection,
        id,
        fresh,
    })
}

/// Rewrites a database that was made without [`INCREMENTAL`], once.
fn shrink_from_now_on(connection: &Connection) -> rusqlite::Result<()> {
    let mode: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    if mode == INCREMENTAL {
        return Ok(());
    }
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    connection.execute_batch("VACUUM")
}

/// The file, for this user alone: environments are in it.
fn is_empty(path: &Path) -> Result<bool, OpenError> {
    let read_only = |path: &Path| File::open(path);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .or_else(|error| read_only(path).map_err(|_| error));
    let metadata = file.and_then(|file| file.metadata());
    let metadata = metadata.map_err(|source| OpenError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(metadata.len() == 0)
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len();
    let from = usize::try_from(version)
        .ok()
        .filter(|version| *version <= known)
        .ok_or(OpenError::Newer(version))?;
    if from == known {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[from..] {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        let id = Uuid::now_v7().to_string();
        transaction.execute("INSERT INTO facts VALUES ('store', ?1)", [id])?;
    }
    transaction.pragma_update(None, "user_version", known as i64)?;
    transaction.commit()?;
    Ok(())
}

/// The tables of version 1.
#[cfg(test)]
pub(crate) fn first() -> &'static str {
    MIGRATIONS[0]
}

/// The id of this database, as the keepers were told.
pub(crate) fn store_id(connection: &Connection) -> Result<Option<Uuid>, rusqlite::Error> {
    Ok(fact(connection, "store")?.and_then(|id| id.parse().ok()))
}

pub(crate) fn fact(connection: &Connection, name: &str) -> Result<Option<String>, rusqlite::Error> {
    connection
        .query_row("SELECT value FROM facts WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
}

fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase)
    )
}

/// Renames the database with its log, so that somebody can look at it and a fresh one takes its place.
pub(crate) fn set_aside(path: &Path, why: &dyn std::fmt::Display) -> Result<(), OpenError> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH);
    let aside = format!("corrupt-{}", millis(at.unwrap_or_default()));
    for suffix in ["", "-wal", "-shm"] {
        let with = |middle: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(middle);
            name.push(suffix);
            PathBuf::from(name)
        };
        let (from, to) = (with(""), with(&format!(".{aside}")));
        match std::fs::rename(&from, &to) {
            Ok(()) if suffix.is_empty() => tracing::error!(
                %why, kept_as = %to.display(),
                "the state database is corrupt; it is set aside and a fresh one is begun"
            ),
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(OpenError::File { path: from, source }),
        }
    }
    Ok(())
}
