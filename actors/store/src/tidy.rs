//! Upkeep: a database that is written to for months stays as small as what it tells.

use std::time::Duration;

use protocol::PaneUuid;
use rusqlite::{Connection, params};

use crate::schema::{Database, LOCKED_LIMIT};
use crate::write::{ENDED_BEYOND, KEY_MS};
use crate::{ENDED_PANES, Keep, departed, numbers, text};

/// Free pages left in the file: they are written again soon.
const SPARE_PAGES: i64 = 256;

/// Pages given back at a time, so that commits do not wait long.
const STEP_PAGES: i64 = 4_096;

/// The time for which a reader is waited for: commits wait meanwhile.
const EMPTY_LIMIT: Duration = Duration::from_millis(50);

/// The end of a text of which nothing is kept, in the form that every version of its terminal reads.
pub(crate) const NO_TAIL: &str = r#"{"text":"","first_row":0,"rows":[0],"epochs":{"count":0,"changes":[]},"screen_top":0,"erased":0,"alternate":null,"echoes":[]}"#;

impl Database {
    /// Forgets what is too old at `now_ms`, and gives free pages back to the disk.
    ///
    /// # Errors
    /// What the database says; whether it is broken is seen by the next commit.
    pub fn tidy(&self, now_ms: u64) -> rusqlite::Result<()> {
        tidy(&self.connection, now_ms)
    }

    /// Forgets the text of these panes and all that was put aside, also in the log. False while somebody else reads it.
    ///
    /// # Errors
    /// What the database says.
    pub fn forget(&self, texts: &[PaneUuid]) -> rusqlite::Result<bool> {
        forget(&self.connection, texts)
    }

    /// Takes the log into the database and cuts it to nothing, so that what was deleted is in neither. False while somebody
    /// else reads or writes.
    ///
    /// # Errors
    /// What the database says.
    pub fn empty_log(&self) -> rusqlite::Result<bool> {
        empty_log(&self.connection)
    }
}

/// Forgets what is too old at `now_ms`, and gives free pages back to the disk.
pub(crate) fn tidy(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    let oldest = now_ms.saturating_sub(KEY_MS);
    connection.execute("DELETE FROM idempotency WHERE at_ms < ?1", [oldest as i64])?;
    connection.execute(ENDED_BEYOND, params![ENDED_PANES as i64])?;
    departed::forget_old(connection, now_ms)?;
    text::forget_strays(connection)?;
    numbers::forget_strays(connection)?;
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free > SPARE_PAGES {
        let pages = (free - SPARE_PAGES).min(STEP_PAGES);
        // It gives a row for each page, and stops when nobody takes them.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    // Does not wait for a reader; what it leaves is done the next time.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Forgets the text of these panes and all that was put aside, also in the log. False while somebody else reads it.
pub(crate) fn forget(connection: &Connection, texts: &[PaneUuid]) -> rusqlite::Result<bool> {
    for pane in texts {
        let sql = "DELETE FROM pane_texts WHERE pane = ?1";
        connection.execute(sql, [pane.to_string()])?;
    }
    departed::forget_old(connection, u64::MAX)?;
    text::forget_strays(connection)?;
    empty_log(connection)
}

/// Deletes what an earlier daemon has stored and this one is not to keep.
pub(crate) fn forget_unwanted(connection: &Connection, keep: Keep) -> rusqlite::Result<()> {
    const TEXT: &str = "
        DELETE FROM pane_texts;
        UPDATE orchestration_facts SET fact = json_replace(fact, '$.ended[1].output', json('null'))
            WHERE json_extract(fact, '$.ended[1].output') IS NOT NULL;";
    const ENVIRONMENT: &str = "
        DELETE FROM environments;
        DELETE FROM departed_environments;
        UPDATE sessions SET changes = '{}';
        UPDATE departed_sessions SET changes = '{}';
        UPDATE pane_records SET record = json_replace(record, '$.env', json((
            SELECT json_group_array(json(value)) FROM json_each(record, '$.env')
            WHERE json_extract(value, '$[0]') LIKE 'FUGUE%'
                OR json_extract(value, '$[0]') IN ('TERM', 'COLORTERM', 'PWD'))));";
    if !keep.text {
        connection.execute_batch(TEXT)?;
        let bare = "UPDATE ended_panes SET ended = json_replace(ended, '$.tail', json(?1))";
        connection.execute(bare, [NO_TAIL])?;
    }
    if !keep.environment {
        connection.execute_batch(ENVIRONMENT)?;
    }
    Ok(())
}

/// Takes the log into the database and cuts it to nothing, so that what was deleted is in neither. False while somebody
/// else reads or writes.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(EMPTY_LIMIT)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    connection.busy_timeout(LOCKED_LIMIT)?;
    Ok(busy? == 0)
}
