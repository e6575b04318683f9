//! One row at a time: what an owner gives, as statements.

use model::session::snapshot::SessionSnapshot;
use rusqlite::{Transaction, params};
use serde::Serialize;

use super::{At, ENDED_BEYOND, KEY_MS, run};
use crate::numbers::{self, Counted};
use crate::rows::{OrchestrationRow, PaneRow, Row, StoredEnd, StoredKey};
use crate::tidy::NO_TAIL;
use crate::{ENDED_PANES, Keep, Key, departed};

/// Writes what something alive has given.
pub(super) fn alive(transaction: &Transaction<'_>, row: Row<'_>, at: At) -> rusqlite::Result<()> {
    match row {
        Row::Session {
            snapshot,
            last_used_ms,
        } => session(transaction, &snapshot, last_used_ms, at),
        Row::Pane(row) => pane(transaction, &row, at),
        Row::RemovedPane { id, by_itself } => {
            // Its own mark comes later, and then there is nothing to be put aside any more.
            if by_itself {
                departed::put_pane_aside(transaction, &id.to_string(), at.now_ms)?;
            }
            gone(transaction, &Key::Pane(id), at.now_ms)
        }
        Row::Mirror(mirror) => {
            let id = mirror.id.to_string();
            numbers::write(transaction, Counted::Pane, &id, mirror.number.get())?;
            let sql = "INSERT OR REPLACE INTO mirrors VALUES (?1, ?2)";
            run(transaction, sql, params![id, json(&mirror)?])
        }
        Row::EndedPane(ended) => ended_pane(transaction, &ended, at),
        Row::Orchestration(row) => orchestration(transaction, row, at.keep),
    }
}

/// True if `sql` finds a row: what never changes is large, and turned into JSON once.
fn exists(transaction: &Transaction<'_>, sql: &str, id: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached(sql)?.exists([id])
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn session(
    transaction: &Transaction<'_>,
    snapshot: &SessionSnapshot,
    last_used_ms: u64,
    at: At,
) -> rusqlite::Result<()> {
    let id = snapshot.id.to_string();
    departed::put_session_aside(transaction, &id, at.now_ms)?;
    numbers::write(transaction, Counted::Session, &id, snapshot.number.get())?;
    run(
        transaction,
        "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            id,
            snapshot.name.as_str(),
            snapshot.created_at_ms as i64,
            last_used_ms as i64,
            snapshot.cwd,
            snapshot.size.rows,
            snapshot.size.cols,
            snapshot.focused.map(|id| id.to_string()),
            snapshot.focus_epoch as i64,
            json(&snapshot.tags)?,
            json(&snapshot.metadata)?,
            if at.keep.environment {
                json(&snapshot.environment.changes)?
            } else {
                "{}".to_owned()
            },
            json(&snapshot.leases)?,
            snapshot.made_by.map(|id| id.to_string()),
        ],
    )?;
    let base = "SELECT 1 FROM environments WHERE session = ?1";
    if at.keep.environment && !exists(transaction, base, &id)? {
        run(
            transaction,
            "INSERT INTO environments VALUES (?1, ?2)",
            params![id, json(&*snapshot.environment.base)?],
        )?;
    }
    run(transaction, "DELETE FROM windows WHERE session = ?1", [&id])?;
    for (position, window) in snapshot.windows.iter().enumerate() {
        let number = window.number.get();
        numbers::write(transaction, Counted::Window, &window.id.to_string(), number)?;
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

fn pane(transaction: &Transaction<'_>, pane: &PaneRow<'_>, at: At) -> rusqlite::Result<()> {
    let id = pane.id.to_string();
    run(
        transaction,
        "INSERT OR REPLACE INTO panes VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            id,
            pane.session.to_string(),
            pane.name.as_ref().map(|name| name.to_string()),
            format!("{id}.sock"),
            json(&pane.state)?,
        ],
    )?;
    let record = "SELECT 1 FROM pane_records WHERE pane = ?1";
    if exists(transaction, record, &id)? {
        return Ok(());
    }
    numbers::write(transaction, Counted::Pane, &id, pane.record.number.get())?;
    let record = if at.keep.environment {
        json(pane.record)?
    } else {
        json(&pane.record.with_own_variables())?
    };
    run(
        transaction,
        "INSERT INTO pane_records VALUES (?1, ?2)",
        params![id, record],
    )
}

fn ended_pane(transaction: &Transaction<'_>, ended: &StoredEnd, at: At) -> rusqlite::Result<()> {
    let written = if at.keep.text {
        json(ended)?
    } else {
        json(&StoredEnd {
            tail: serde_json::from_str(NO_TAIL).unwrap_or_default(),
            ..ended.clone()
        })?
    };
    run(
        transaction,
        "INSERT OR REPLACE INTO ended_panes VALUES (?1, ?2, ?3)",
        params![ended.end.pane_id.to_string(), at.now_ms as i64, written],
    )?;
    run(transaction, ENDED_BEYOND, [ENDED_PANES as i64])
}

fn orchestration(
    transaction: &Transaction<'_>,
    row: OrchestrationRow,
    keep: Keep,
) -> rusqlite::Result<()> {
    let id = row.id.to_string();
    if let Some(mut job) = row.job {
        if !keep.environment {
            job.plan.forget_environment();
        }
        run(
            transaction,
            "INSERT OR IGNORE INTO orchestrations VALUES (?1, ?2)",
            params![id, json(&job)?],
        )?;
        numbers::write(transaction, Counted::Orchestration, &id, row.number.get())?;
    }
    for (name, mut fact) in row.facts {
        if !keep.text {
            fact.forget_output();
        }
        run(
            transaction,
            "INSERT OR IGNORE INTO orchestration_facts VALUES (?1, ?2, ?3)",
            params![id, name, json(&fact)?],
        )?;
    }
    if row.has_ended {
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

pub(super) fn idempotency(
    transaction: &Transaction<'_>,
    stored: &StoredKey,
) -> rusqlite::Result<()> {
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

pub(super) fn gone(transaction: &Transaction<'_>, key: &Key, now_ms: u64) -> rusqlite::Result<()> {
    match key {
        Key::Session(id) => {
            let id = id.to_string();
            departed::put_session_aside(transaction, &id, now_ms)?;
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
