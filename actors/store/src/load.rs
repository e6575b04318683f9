//! Reading of all rows: once, before anything is served.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use model::orchestration::stored::{StoredFact, StoredJob, StoredOrchestration};
use model::pane::{PaneRecord, StoredMirror, StoredPane};
use model::session::snapshot::{Environment, SessionSnapshot, Window};
use protocol::{Name, Size};
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::departed::When;
use crate::numbers::{self, LastNumbers, Numbers};
use crate::rows::{StoredEnd, StoredKey};
use crate::schema::{self, OpenError};
use crate::{last_end, text};

/// All that an earlier daemon has left.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Which database it is; keepers know theirs. Absent when it cannot be read.
    pub store: Option<Uuid>,
    /// The machine was restarted since.
    pub rebooted: bool,
    /// What follows from its end could not be written: a commit is to do that first ([`crate::Commit::unsettled`]).
    pub unsettled: bool,
    /// Its sessions.
    pub sessions: Vec<LoadedSession>,
    /// Its panes.
    pub panes: Vec<StoredPane>,
    /// Mirrors of panes.
    pub mirrors: Vec<StoredMirror>,
    /// Ends of removed panes, oldest first.
    pub ended: Vec<StoredEnd>,
    /// Orchestrations, those included that have ended.
    pub orchestrations: Vec<StoredOrchestration>,
    /// Idempotency keys.
    pub keys: Vec<StoredKey>,
    /// The numbers that are not to be given again.
    pub last_numbers: LastNumbers,
}

impl Loaded {
    fn without_what_ended(self) -> Self {
        Self {
            sessions: Vec::new(),
            panes: Vec::new(),
            mirrors: Vec::new(),
            ..self
        }
    }
}

/// A session with when it was last used.
#[derive(Debug)]
pub struct LoadedSession {
    /// The session, with nobody attached.
    pub snapshot: SessionSnapshot,
    /// Milliseconds since 1970.
    pub last_used_ms: u64,
}

/// Opens the database and reads all of it. A corrupt one is set aside for a fresh one. `marker` is the file that is there
/// when the last daemon has ended everything in order and could not record that; it is taken away when that is recorded.
///
/// # Errors
/// Why it cannot be used.
pub fn open(path: &Path, marker: &Path) -> Result<Loaded, OpenError> {
    let mut database = schema::open(path)?;
    match read(&mut database.connection, marker) {
        Err(error) if error.is_corrupt() => {
            drop(database);
            schema::set_aside(path, &error)?;
            read(&mut schema::open(path)?.connection, marker)
        }
        read => read,
    }
}

fn read(connection: &mut Connection, marker: &Path) -> Result<Loaded, OpenError> {
    let found = last_end::find(connection, marker)?;
    let unsettled = match last_end::settle(connection, &found, When::Start, marker) {
        Err(error) if error.is_corrupt() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "what follows from the last daemon's end is not written yet");
            true
        }
        Ok(()) => false,
    };
    let loaded = read_rows(connection)?;
    let loaded = match found.end.leaves_nothing() {
        // Also where that could not be written.
        true => loaded.without_what_ended(),
        false => loaded,
    };
    Ok(Loaded {
        rebooted: found.rebooted,
        unsettled,
        ..loaded
    })
}

fn read_rows(connection: &Connection) -> Result<Loaded, OpenError> {
    if let Err(error) = text::forget_strays(connection) {
        tracing::warn!(%error, "the text of panes that are gone is kept");
    }
    let numbers = numbers::read(connection)?;
    let mut environments = environments(connection)?;
    let mut windows = windows(connection, &numbers.windows)?;
    let mut sessions = sessions(connection, &numbers.sessions)?;
    for session in &mut sessions {
        let id = session.snapshot.id.to_string();
        session.snapshot.windows = windows.remove(&id).unwrap_or_default();
        let base = environments.remove(&id).unwrap_or_default();
        session.snapshot.environment.base = Arc::new(base);
    }
    Ok(Loaded {
        store: schema::store_id(connection)?,
        rebooted: false,
        unsettled: false,
        sessions,
        panes: panes(connection, &numbers.panes)?,
        mirrors: mirrors(connection, &numbers.panes)?,
        ended: ended(connection)?,
        orchestrations: orchestrations(connection, &numbers.orchestrations)?,
        keys: keys(connection)?,
        last_numbers: numbers.last(),
    })
}

/// Each row that can be understood; the others are logged and left out, since one of them must not cost the rest.
fn rows<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T, OpenError>,
) -> Result<Vec<T>, OpenError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(value) => found.push(value),
            Err(error) => tracing::error!(table, %error, "a row of the state is left out"),
        }
    }
    Ok(found)
}

fn wrong(table: &'static str, why: impl ToString) -> OpenError {
    OpenError::Row {
        table,
        why: why.to_string(),
    }
}

fn json<T: DeserializeOwned>(
    table: &'static str,
    row: &Row<'_>,
    column: &str,
) -> Result<T, OpenError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| wrong(table, format!("{column}: {error}")))
}

fn parsed<T: FromStr<Err: ToString>>(
    table: &'static str,
    row: &Row<'_>,
    column: &str,
) -> Result<T, OpenError> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: T::Err| wrong(table, format!("{column}: {}", error.to_string())))
}

fn optional<T: FromStr<Err: ToString>>(
    table: &'static str,
    row: &Row<'_>,
    column: &str,
) -> Result<Option<T>, OpenError> {
    let text: Option<String> = row.get(column)?;
    let parsed = text.map(|text| text.parse().map_err(|e: T::Err| wrong(table, e)));
    parsed.transpose()
}

fn name(table: &'static str, row: &Row<'_>) -> Result<Name, OpenError> {
    let text: String = row.get("name")?;
    Name::new(&text).map_err(|error| wrong(table, error))
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, OpenError> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

fn sessions(connection: &Connection, numbers: &Numbers) -> Result<Vec<LoadedSession>, OpenError> {
    const TABLE: &str = "sessions";
    rows(
        connection,
        TABLE,
        "SELECT * FROM sessions ORDER BY id",
        |row| {
            Ok(LoadedSession {
                last_used_ms: number(row, "last_used_ms")?,
                snapshot: SessionSnapshot {
                    id: parsed(TABLE, row, "id")?,
                    number: numbers.of(&row.get::<_, String>("id")?).into(),
                    name: name(TABLE, row)?,
                    created_at_ms: number(row, "created_at_ms")?,
                    tags: json(TABLE, row, "tags")?,
                    metadata: json(TABLE, row, "metadata")?,
                    environment: Environment {
                        base: Arc::default(),
                        changes: json(TABLE, row, "changes")?,
                    },
                    cwd: row.get("cwd")?,
                    size: Size::new(row.get("rows")?, row.get("cols")?),
                    windows: Vec::new(),
                    focused: optional(TABLE, row, "focused")?,
                    focus_epoch: number(row, "focus_epoch")?,
                    clients: BTreeMap::new(),
                    leases: json::<BTreeSet<_>>(TABLE, row, "holders")?,
                    made_by: optional(TABLE, row, "made_by")?,
                },
            })
        },
    )
}

fn environments(
    connection: &Connection,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, OpenError> {
    let all = rows(
        connection,
        "environments",
        "SELECT * FROM environments",
        |row| Ok((row.get("session")?, json("environments", row, "base")?)),
    );
    Ok(all?.into_iter().collect())
}

fn windows(
    connection: &Connection,
    numbers: &Numbers,
) -> Result<BTreeMap<String, Vec<Window>>, OpenError> {
    const TABLE: &str = "windows";
    let sql = "SELECT * FROM windows ORDER BY session, position";
    let all = rows(connection, TABLE, sql, |row| {
        let window = Window {
            id: parsed(TABLE, row, "id")?,
            number: numbers.of(&row.get::<_, String>("id")?).into(),
            name: name(TABLE, row)?,
            layout: json(TABLE, row, "layout")?,
            focused: parsed(TABLE, row, "focused")?,
            tiled_for: optional(TABLE, row, "tiled_for")?,
        };
        Ok((row.get::<_, String>("session")?, window))
    })?;
    let mut windows: BTreeMap<String, Vec<Window>> = BTreeMap::new();
    for (session, window) in all {
        windows.entry(session).or_default().push(window);
    }
    Ok(windows)
}

fn mirrors(connection: &Connection, numbers: &Numbers) -> Result<Vec<StoredMirror>, OpenError> {
    const TABLE: &str = "mirrors";
    rows(connection, TABLE, "SELECT * FROM mirrors", |row| {
        let mirror: StoredMirror = json(TABLE, row, "mirror")?;
        let number = numbers.of(&mirror.id.to_string()).into();
        Ok(StoredMirror { number, ..mirror })
    })
}

fn panes(connection: &Connection, numbers: &Numbers) -> Result<Vec<StoredPane>, OpenError> {
    const TABLE: &str = "panes";
    let sql = "SELECT * FROM panes JOIN pane_records ON pane_records.pane = panes.id ORDER BY id";
    rows(connection, TABLE, sql, |row| {
        let label: Option<String> = row.get("name")?;
        let mut record: PaneRecord = json(TABLE, row, "record")?;
        if !record.number.is_given() {
            record.number = numbers.of(&row.get::<_, String>("id")?).into();
        }
        Ok(StoredPane {
            id: parsed(TABLE, row, "id")?,
            session: parsed(TABLE, row, "session")?,
            name: label.and_then(|label| Name::new(&label).ok()),
            record,
            state: json(TABLE, row, "state")?,
        })
    })
}

fn ended(connection: &Connection) -> Result<Vec<StoredEnd>, OpenError> {
    let sql = "SELECT * FROM ended_panes ORDER BY at_ms";
    rows(connection, "ended_panes", sql, |row| {
        json("ended_panes", row, "ended")
    })
}

fn orchestrations(
    connection: &Connection,
    numbers: &Numbers,
) -> Result<Vec<StoredOrchestration>, OpenError> {
    const FACTS: &str = "orchestration_facts";
    let sql = "SELECT * FROM orchestration_facts ORDER BY orchestration";
    let all = rows(connection, FACTS, sql, |row| {
        let id: String = row.get("orchestration")?;
        Ok((id, json::<StoredFact>(FACTS, row, "fact")?))
    })?;
    let mut facts: BTreeMap<String, Vec<StoredFact>> = BTreeMap::new();
    for (id, fact) in all {
        facts.entry(id).or_default().push(fact);
    }
    let sql = "SELECT * FROM orchestrations ORDER BY id";
    let jobs = rows(connection, "orchestrations", sql, |row| {
        json::<StoredJob>("orchestrations", row, "job")
    })?;
    let with_facts = |job: StoredJob| StoredOrchestration {
        number: numbers.of(&job.id.to_string()).into(),
        facts: facts.remove(&job.id.to_string()).unwrap_or_default(),
        job,
    };
    Ok(jobs.into_iter().map(with_facts).collect())
}

fn keys(connection: &Connection) -> Result<Vec<StoredKey>, OpenError> {
    rows(
        connection,
        "idempotency",
        "SELECT * FROM idempotency",
        |row| {
            Ok(StoredKey {
                key: row.get("key")?,
                params: number(row, "params")?,
                outcome: row.get::<_, Option<Vec<u8>>>("outcome")?.map(Bytes::from),
                at_ms: number(row, "at_ms")?,
            })
        },
    )
}
