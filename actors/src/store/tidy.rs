//! What keeps a database that is written to for months as small as what it tells.

use std::time::Duration;

use protocol::PaneUuid;
use rusqlite::{Connection, params};
use terminal::screen::Tail;

use super::Keep;
use super::write::{ENDED_BEYOND, KEY_MS};

/// Free pages left in the file: they are written again soon.
const SPARE_PAGES: i64 = 256;

/// Pages given back at a time, so that commits do not wait long.
const STEP_PAGES: i64 = 4_096;

/// How long a reader is waited for: commits wait meanwhile.
const EMPTY_LIMIT: Duration = Duration::from_millis(50);

/// Forgets what is too old at `now_ms`, and gives free pages back to the disk.
pub(super) fn tidy(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    let oldest = now_ms.saturating_sub(KEY_MS);
    connection.execute("DELETE FROM idempotency WHERE at_ms < ?1", [oldest as i64])?;
    connection.execute(ENDED_BEYOND, params![crate::registry::ENDED_PANES as i64])?;
    super::departed::forget_old(connection, now_ms)?;
    super::text::forget_strays(connection)?;
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
pub(super) fn forget(connection: &Connection, texts: &[PaneUuid]) -> rusqlite::Result<bool> {
    for pane in texts {
        let sql = "DELETE FROM pane_texts WHERE pane = ?1";
        connection.execute(sql, [pane.to_string()])?;
    }
    super::departed::forget_old(connection, u64::MAX)?;
    super::text::forget_strays(connection)?;
    empty_log(connection)
}

/// Deletes what an earlier daemon has stored and this one is not to keep.
pub(super) fn forget_unwanted(connection: &Connection, keep: Keep) -> rusqlite::Result<()> {
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
        let tail = serde_json::to_string(&Tail::default()).unwrap_or_default();
        let bare = "UPDATE ended_panes SET ended = json_replace(ended, '$.tail', json(?1))";
        connection.execute(bare, [tail])?;
    }
    if !keep.environment {
        connection.execute_batch(ENVIRONMENT)?;
    }
    Ok(())
}

/// Takes the log into the database and cuts it to nothing, so that what was deleted is in neither. False while somebody
/// else reads or writes.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(EMPTY_LIMIT)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    connection.busy_timeout(super::schema::LOCKED_LIMIT)?;
    Ok(busy? == 0)
}
