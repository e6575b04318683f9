//! From marks to rows: one transaction for all that has changed.

mod row;

use std::path::{Path, PathBuf};

use protocol::{Error, ErrorCode};
use rusqlite::{Connection, ErrorCode as Sqlite, Transaction};
use uuid::Uuid;

use crate::mark::{Key, Mark};
use crate::schema::{self, Database, OpenError};
use crate::{Keep, departed, last_end, text, tidy};
use row::json;

/// The time for which an idempotency key is remembered, in milliseconds.
pub(crate) const KEY_MS: u64 = 600_000;

/// Deletes the ends of panes beyond the newest so many.
pub(crate) const ENDED_BEYOND: &str = "DELETE FROM ended_panes WHERE pane IN
    (SELECT pane FROM ended_panes ORDER BY at_ms DESC LIMIT -1 OFFSET ?1)";

/// All that is to be written at once.
pub struct Commit {
    /// The database's file.
    pub path: PathBuf,
    /// What is marked.
    pub marks: Vec<(Key, Mark)>,
    /// The marks are all there is, and the rest is forgotten.
    pub anew: bool,
    /// What follows from the last daemon's end is to be recorded first, in a transaction of its own; with the file that is the
    /// marker of [`crate::open`].
    pub unsettled: Option<PathBuf>,
    /// What is kept besides what is needed to go on.
    pub keep: Keep,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// The outcome of a commit.
pub struct Written {
    /// The database; absent when it has to be opened again.
    pub database: Option<Database>,
    /// The id of the database in which it was tried; absent when that could not be opened.
    pub store: Option<Uuid>,
    /// To be tried again.
    pub unwritten: Vec<(Key, Mark)>,
    /// The database is a new one: everything is to be written.
    pub fresh: bool,
    /// Why nothing was written.
    pub failed: Option<Error>,
}

/// The circumstances of a commit.
#[derive(Clone, Copy)]
struct At {
    keep: Keep,
    now_ms: u64,
}

impl Commit {
    /// It is not even tried, for this reason.
    #[must_use]
    pub fn refused(self, database: Option<Database>, error: Error) -> Written {
        Written {
            store: database.as_ref().and_then(|database| database.id),
            database,
            unwritten: self.marks,
            fresh: false,
            failed: Some(error),
        }
    }

    /// Writes all marks or none of them, into a database that is opened first unless it is open.
    #[must_use]
    pub fn write(self, database: Option<Database>) -> Written {
        let opened = match database {
            // A file that was taken away is not written to in the dark.
            Some(database) if self.path.exists() => Ok(Database {
                fresh: false,
                ..database
            }),
            Some(_) | None => schema::open(&self.path).and_then(|database| {
                tidy::forget_unwanted(&database.connection, self.keep)?;
                Ok(database)
            }),
        };
        let mut database = match opened {
            Ok(database) => database,
            Err(error) => {
                let failed = unwritable(&self.path, &error);
                return self.refused(None, failed);
            }
        };
        if let Some(marker) = &self.unsettled
            && let Err(error) = last_end::settle_late(&mut database.connection, marker)
        {
            let store = database.id;
            drop(database);
            return self.failed(store, error);
        }
        match self.write_all(&mut database.connection) {
            Ok(()) => Written {
                store: database.id,
                fresh: database.fresh,
                database: Some(database),
                unwritten: Vec::new(),
                failed: None,
            },
            Err(error) => {
                let store = database.id;
                drop(database);
                self.failed(store, error.into())
            }
        }
    }

    fn failed(self, store: Option<Uuid>, error: OpenError) -> Written {
        for (_, mark) in &self.marks {
            if let Mark::Alive(entry) = mark {
                entry.forget_written();
            }
        }
        let corrupt = error.is_corrupt();
        let error = match corrupt.then(|| schema::set_aside(&self.path, &error)) {
            Some(Err(error)) => error,
            Some(Ok(())) | None => error,
        };
        let failed = unwritable(&self.path, &error);
        Written {
            store,
            fresh: corrupt,
            ..self.refused(None, failed)
        }
    }

    fn write_all(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let at = At {
            keep: self.keep,
            now_ms: self.now_ms,
        };
        let transaction = connection.transaction()?;
        if self.anew {
            // Rows that can all be written anew. An orchestration that has ended has given up its plan.
            for table in departed::LEFT.iter().chain(&["ended_panes"]) {
                run(&transaction, &format!("DELETE FROM {table}"), [])?;
            }
            forget_other_orchestrations(&transaction, &self.marks)?;
        }
        // A session is put aside as it was before its pane went.
        let departed_first = |(_, mark): &&(Key, Mark)| !matches!(mark, Mark::Departed);
        let mut marks: Vec<_> = self.marks.iter().collect();
        marks.sort_by_key(departed_first);
        for (key, mark) in marks {
            write(&transaction, key, mark, at)?;
        }
        transaction.commit()
    }
}

fn write(transaction: &Transaction<'_>, key: &Key, mark: &Mark, at: At) -> rusqlite::Result<()> {
    match mark {
        Mark::Alive(entry) => row::alive(transaction, entry.row(), at),
        Mark::Idempotency(stored) => row::idempotency(transaction, stored),
        Mark::Gone => {
            row::gone(transaction, key, at.now_ms)?;
            match key {
                Key::Pane(id) => text::forget(transaction, *id),
                Key::Session(_)
                | Key::Mirror(_)
                | Key::EndedPane(_)
                | Key::Orchestration(_)
                | Key::Idempotency(_)
                | Key::SignOff => Ok(()),
            }
        }
        // Its text stays as long as what is put aside.
        Mark::Departed => {
            let Key::Pane(id) = key else { return Ok(()) };
            departed::put_pane_aside(transaction, &id.to_string(), at.now_ms)?;
            row::gone(transaction, key, at.now_ms)
        }
        Mark::SignedOff { at_ms, ended } => departed::sign_off(transaction, *at_ms, *ended),
    }
}

fn unwritable(path: &Path, error: &OpenError) -> Error {
    let full = match error {
        OpenError::Database(error) => error.sqlite_error_code() == Some(Sqlite::DiskFull),
        OpenError::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
        OpenError::Newer(_) | OpenError::Row { .. } => false,
    };
    let code = if full {
        ErrorCode::Limit
    } else {
        ErrorCode::Internal
    };
    let what = format!("the state cannot be written to {}: {error}", path.display());
    Error::new(code, what)
        .hint("free space on that disk and see that its owner may write there; what runs goes on, and is recorded then")
}

fn forget_other_orchestrations(
    transaction: &Transaction<'_>,
    marks: &[(Key, Mark)],
) -> rusqlite::Result<()> {
    let known = marks.iter().filter_map(|(key, _)| match key {
        Key::Orchestration(id) => Some(id.to_string()),
        Key::Session(_)
        | Key::Pane(_)
        | Key::Mirror(_)
        | Key::EndedPane(_)
        | Key::SignOff
        | Key::Idempotency(_) => None,
    });
    let known = json(&known.collect::<Vec<_>>())?;
    for (table, id) in [
        ("orchestrations", "id"),
        ("orchestration_facts", "orchestration"),
    ] {
        let sql =
            format!("DELETE FROM {table} WHERE {id} NOT IN (SELECT value FROM json_each(?1))");
        run(transaction, &sql, [&known])?;
    }
    Ok(())
}

pub(crate) fn run(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(sql)?.execute(params).map(drop)
}
