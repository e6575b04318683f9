//! From marks to rows: one transaction for all that has changed.

use std::path::Path;

use protocol::{Error, ErrorCode};
use rusqlite::{Connection, ErrorCode as Sqlite, Transaction, params};
use serde::Serialize;
use terminal::screen::Tail;

use super::rows::{StoredKey, StoredState};
use super::schema::{self, Database, OpenError};
use super::{Keep, Key, Mark, departed, text, tidy};
use crate::clock::epoch_ms;
use crate::orchestration::OrchestrationEntry;
use crate::pane::PaneEntry;
use crate::registry::{ENDED_PANES, EndedPane, SessionEntry};
use crate::step::step;

/// How long an idempotency key is remembered, in milliseconds.
pub(super) const KEY_MS: u64 = 600_000;

/// Deletes the ends of panes beyond the newest so many.
pub(super) const ENDED_BEYOND: &str = "DELETE FROM ended_panes WHERE pane IN
    (SELECT pane FROM ended_panes ORDER BY at_ms DESC LIMIT -1 OFFSET ?1)";

/// Tables whose rows can all be written anew. An orchestration that has ended has given up its plan.
const TABLES: [&str; 7] = [
    "sessions",
    "environments",
    "windows",
    "panes",
    "pane_records",
    "mirrors",
    "ended_panes",
];

/// What came of a commit.
pub(super) struct Written {
    pub(super) connection: Option<Connection>,
    /// To be tried again.
    pub(super) unwritten: Vec<(Key, Mark)>,
    /// The database is a new one: everything is to be written.
    pub(super) fresh: bool,
    pub(super) failed: Option<Error>,
}

/// Writes all marks or none of them; with `anew` they are all there is, and the rest is forgotten.
pub(super) fn commit(
    connection: Option<Connection>,
    path: &Path,
    marks: Vec<(Key, Mark)>,
    anew: bool,
    keep: Keep,
) -> Written {
    if let Err(error) = step!("commit: it is written", sync) {
        return Written {
            connection,
            unwritten: marks,
            fresh: false,
            failed: Some(error),
        };
    }
    let opened = match connection {
        // A file that was taken away is not written to in the dark.
        Some(connection) if path.exists() => Ok(Database {
            connection,
            fresh: false,
        }),
        Some(_) | None => schema::open(path).and_then(|database| {
            tidy::forget_unwanted(&database.connection, keep)?;
            Ok(database)
        }),
    };
    let mut database = match opened {
        Ok(database) => database,
        Err(error) => {
            return Written {
                connection: None,
                unwritten: marks,
                fresh: false,
                failed: Some(unwritable(path, &error)),
            };
        }
    };
    match write_all(&mut database.connection, &marks, anew, keep) {
        Ok(()) => Written {
            connection: Some(database.connection),
            unwritten: Vec::new(),
            fresh: database.fresh,
            failed: None,
        },
        Err(error) => {
            drop(database);
            for (_, mark) in &marks {
                if let Mark::Orchestration(entry) = mark {
                    entry.forget_written();
                }
            }
            let corrupt = schema::is_corrupt(&error);
            let error = match corrupt.then(|| schema::set_aside(path, &error)) {
                Some(Err(error)) => error,
                Some(Ok(())) | None => OpenError::Database(error),
            };
            Written {
                connection: None,
                unwritten: marks,
                fresh: corrupt,
                failed: Some(unwritable(path, &error)),
            }
        }
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

fn write_all(
    connection: &mut Connection,
    marks: &[(Key, Mark)],
    anew: bool,
    keep: Keep,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    if anew {
        for table in TABLES {
            run(&transaction, &format!("DELETE FROM {table}"), [])?;
        }
        forget_other_orchestrations(&transaction, marks)?;
    }
    // A session is put aside as it was before its pane went.
    let departed_first = |(_, mark): &&(Key, Mark)| !matches!(mark, Mark::Departed);
    let mut marks: Vec<_> = marks.iter().collect();
    marks.sort_by_key(departed_first);
    for (key, mark) in marks {
        match mark {
            Mark::Session(entry) => session(&transaction, entry, keep)?,
            Mark::Pane(entry) => pane(&transaction, entry, keep)?,
            Mark::Mirror(mirror) => run(
                &transaction,
                "INSERT OR REPLACE INTO mirrors VALUES (?1, ?2)",
                params![mirror.id.to_string(), json(&mirror.stored())?],
            )?,
            Mark::EndedPane(ended) => ended_pane(&transaction, ended, keep)?,
            Mark::Orchestration(entry) => orchestration(&transaction, entry, keep)?,
            Mark::Idempotency(stored) => idempotency(&transaction, stored)?,
            Mark::Gone => {
                gone(&transaction, key)?;
                if let Key::Pane(id) = key {
                    text::forget(&transaction, *id)?;
                }
            }
            // Its text stays as long as what is put aside.
            Mark::Departed => {
                let Key::Pane(id) = key else { continue };
                departed::put_pane_aside(&transaction, &id.to_string(), epoch_ms())?;
                gone(&transaction, key)?;
            }
            Mark::SignedOff { at_ms, ended } => departed::sign_off(&transaction, *at_ms, *ended)?,
        }
    }
    transaction.commit()
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

pub(super) fn run(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(sql)?.execute(params).map(drop)
}

/// Whether `sql` finds a row: what never changes is large, and turned into JSON once.
fn exists(transaction: &Transaction<'_>, sql: &str, id: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached(sql)?.exists([id])
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn session(
    transaction: &Transaction<'_>,
    entry: &SessionEntry,
    keep: Keep,
) -> rusqlite::Result<()> {
    let snapshot = entry.snapshot();
    let id = snapshot.id.to_string();
    departed::put_session_aside(transaction, &id, epoch_ms())?;
    run(
        transaction,
        "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            id,
            snapshot.name.as_str(),
            snapshot.created_at_ms as i64,
            entry.last_used_ms() as i64,
            snapshot.cwd,
            snapshot.size.rows,
            snapshot.size.cols,
            snapshot.focused.map(|id| id.to_string()),
            snapshot.focus_epoch as i64,
            json(&snapshot.tags)?,
            json(&snapshot.metadata)?,
            if keep.environment {
                json(&snapshot.environment.changes)?
            } else {
                "{}".to_owned()
            },
            json(&snapshot.holders)?,
            snapshot.made_by.map(|id| id.to_string()),
        ],
    )?;
    let base = "SELECT 1 FROM environments WHERE session = ?1";
    if keep.environment && !exists(transaction, base, &id)? {
        run(
            transaction,
            "INSERT INTO environments VALUES (?1, ?2)",
            params![id, json(&*snapshot.environment.base)?],
        )?;
    }
    run(transaction, "DELETE FROM windows WHERE session = ?1", [&id])?;
    for (position, window) in snapshot.windows.iter().enumerate() {
        run(
            transaction,
            "INSERT INTO windows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                id,
                position as i64,
                window.id.to_string(),
                window.name.as_str(),
                json(&window.layout)?,
                window.focused.to_string(),
                window.tiled_for.map(|id| id.to_string()),
            ],
        )?;
    }
    Ok(())
}

fn pane(transaction: &Transaction<'_>, entry: &PaneEntry, keep: Keep) -> rusqlite::Result<()> {
    let id = entry.id.to_string();
    let state = entry.state().borrow().clone();
    if state.removed {
        // Its own mark comes later, and then there is nothing to be put aside any more.
        if state.by_itself {
            departed::put_pane_aside(transaction, &id, epoch_ms())?;
        }
        return gone(transaction, &Key::Pane(entry.id));
    }
    run(
        transaction,
        "INSERT OR REPLACE INTO panes VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            id,
            entry.session.to_string(),
            entry.name().map(|name| name.to_string()),
            format!("{id}.sock"),
            json(&StoredState::of(entry))?,
        ],
    )?;
    let record = "SELECT 1 FROM pane_records WHERE pane = ?1";
    if exists(transaction, record, &id)? {
        return Ok(());
    }
    let record = if keep.environment {
        json(&entry.record)?
    } else {
        json(&entry.record.with_own_variables())?
    };
    run(
        transaction,
        "INSERT INTO pane_records VALUES (?1, ?2)",
        params![id, record],
    )
}

fn ended_pane(
    transaction: &Transaction<'_>,
    ended: &EndedPane,
    keep: Keep,
) -> rusqlite::Result<()> {
    let written = if keep.text {
        json(ended)?
    } else {
        json(&EndedPane {
            tail: Tail::default(),
            ..ended.clone()
        })?
    };
    run(
        transaction,
        "INSERT OR REPLACE INTO ended_panes VALUES (?1, ?2, ?3)",
        params![ended.end.pane_id.to_string(), epoch_ms() as i64, written],
    )?;
    run(transaction, ENDED_BEYOND, [ENDED_PANES as i64])
}

fn orchestration(
    transaction: &Transaction<'_>,
    entry: &OrchestrationEntry,
    keep: Keep,
) -> rusqlite::Result<()> {
    let id = entry.id.to_string();
    if let Some(mut job) = entry.stored_job() {
        if !keep.environment {
            job.plan.forget_environment();
        }
        run(
            transaction,
            "INSERT OR IGNORE INTO orchestrations VALUES (?1, ?2)",
            params![id, json(&job)?],
        )?;
    }
    for (name, mut fact) in entry.unwritten_facts() {
        if !keep.text {
            fact.forget_output();
        }
        run(
            transaction,
            "INSERT OR IGNORE INTO orchestration_facts VALUES (?1, ?2, ?3)",
            params![id, name, json(&fact)?],
        )?;
    }
    if entry.snapshot().status.is_final() {
        // Nothing is started any more, so nobody needs the variables.
        let bare = "UPDATE orchestrations SET job = json_replace(job,
            '$.plan.environment', json('null'), '$.plan.env', json('{}'),
            '$.plan.commands', json((SELECT json_group_array(json(json_replace(value, '$.env', json('{}'))))
                FROM json_each(job, '$.plan.commands'))))
            WHERE id = ?1";
        run(transaction, bare, [&id])?;
    }
    Ok(())
}

fn idempotency(transaction: &Transaction<'_>, stored: &StoredKey) -> rusqlite::Result<()> {
    run(
        transaction,
        "DELETE FROM idempotency WHERE at_ms < ?1",
        [stored.at_ms.saturating_sub(KEY_MS) as i64],
    )?;
    run(
        transaction,
        "INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4)",
        params![
            stored.key,
            stored.params.cast_signed(),
            stored.outcome.as_deref(),
            stored.at_ms as i64
        ],
    )
}

fn gone(transaction: &Transaction<'_>, key: &Key) -> rusqlite::Result<()> {
    match key {
        Key::Session(id) => {
            let id = id.to_string();
            departed::put_session_aside(transaction, &id, epoch_ms())?;
            run(transaction, "DELETE FROM sessions WHERE id = ?1", [&id])?;
            run(
                transaction,
                "DELETE FROM environments WHERE session = ?1",
                [&id],
            )?;
            run(transaction, "DELETE FROM windows WHERE session = ?1", [&id])
        }
        Key::Pane(id) => {
            let id = id.to_string();
            run(transaction, "DELETE FROM panes WHERE id = ?1", [&id])?;
            run(
                transaction,
                "DELETE FROM pane_records WHERE pane = ?1",
                [&id],
            )
        }
        Key::Mirror(id) => run(
            transaction,
            "DELETE FROM mirrors WHERE id = ?1",
            [id.to_string()],
        ),
        Key::EndedPane(id) => run(
            transaction,
            "DELETE FROM ended_panes WHERE pane = ?1",
            [id.to_string()],
        ),
        Key::Orchestration(id) => {
            let id = id.to_string();
            run(
                transaction,
                "DELETE FROM orchestrations WHERE id = ?1",
                [&id],
            )?;
            run(
                transaction,
                "DELETE FROM orchestration_facts WHERE orchestration = ?1",
                [&id],
            )
        }
        Key::SignOff => Ok(()),
        Key::Idempotency(key) => run(transaction, "DELETE FROM idempotency WHERE key = ?1", [key]),
    }
}
