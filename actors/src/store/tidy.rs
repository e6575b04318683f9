//! What keeps a database that is written to for months as small as what it tells.

use rusqlite::{Connection, params};

use super::write::{ENDED_BEYOND, KEY_MS};

/// Free pages left in the file: they are written again soon.
const SPARE_PAGES: i64 = 256;

/// Pages given back at a time, so that commits do not wait long.
const STEP_PAGES: i64 = 4_096;

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
