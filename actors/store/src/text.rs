//! Texts of panes: what one shows, with its scrollback, as a row for what its keeper does not outlive.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use protocol::PaneUuid;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use crate::schema::Database;
use crate::write::run;

/// The largest text of one pane, compressed, in bytes; of a longer one the newest rows are kept.
const MAX_BYTES: usize = 256 * 1024;

/// Rows of the history that are stored at most, so that looking at them never holds up the pane.
pub const MAX_ROWS: usize = 10_000;

/// The largest text as it was before it was compressed, in bytes: a checkpoint has no more.
pub const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// The time for which a reader waits for a writer.
const LOCKED_LIMIT: Duration = Duration::from_secs(2);

/// The text of a pane, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneText {
    /// In which life of its program.
    pub life: u32,
    /// What that life had printed at least, in bytes.
    pub printed: u64,
    /// The screen, compressed.
    packed: Vec<u8>,
}

impl PaneText {
    /// Compresses a checkpoint. Of one that is too large, `newest` gives another with the newest so many rows; `None` when not even
    /// the screen without its history is small enough. It takes milliseconds: not for a thread that serves others.
    #[must_use]
    pub fn pack(
        life: u32,
        printed: u64,
        checkpoint: &[u8],
        mut newest: impl FnMut(usize) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let mut packed = deflate(checkpoint)?;
        let mut rows = MAX_ROWS;
        while packed.len() > MAX_BYTES && rows > 0 {
            rows /= 2;
            packed = deflate(&newest(rows)?)?;
        }
        (packed.len() <= MAX_BYTES).then_some(Self {
            life,
            printed,
            packed,
        })
    }

    /// Its size, compressed.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.packed.len()
    }
}

impl Database {
    /// Writes the text of a pane that is still there, at once and for itself.
    ///
    /// # Errors
    /// What the database says; whether it is broken is seen by the next commit.
    pub fn write_text(&mut self, pane: PaneUuid, text: &PaneText) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        run(
            &transaction,
            "INSERT OR REPLACE INTO pane_texts VALUES (?1, ?2, ?3, ?4)",
            params![
                pane.to_string(),
                text.life,
                text.printed.cast_signed(),
                text.packed
            ],
        )?;
        transaction.commit()
    }
}

/// The extent to which a pane's output is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// The pane.
    pub pane: PaneUuid,
    /// In which life of its program.
    pub life: u32,
    /// What that life had printed at least, in bytes.
    pub printed: u64,
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).ok()?;
    out.finish().ok()
}

fn inflate(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed)
        .take(MAX_TEXT_BYTES as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Deletes the text of a pane that is gone.
pub(crate) fn forget(transaction: &Transaction<'_>, pane: PaneUuid) -> rusqlite::Result<()> {
    let sql = "DELETE FROM pane_texts WHERE pane = ?1";
    run(transaction, sql, [pane.to_string()])
}

/// Deletes the texts of panes that there are not, nor are put aside.
pub(crate) fn forget_strays(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM pane_texts
        WHERE pane NOT IN (SELECT id FROM panes UNION ALL SELECT id FROM departed_panes)";
    connection.execute(sql, []).map(drop)
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCKED_LIMIT)?;
    Ok(connection)
}

/// The reason why a text is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum TextError<E> {
    /// The database says no.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// What is stored is damaged.
    #[error("it cannot be decompressed: {0}")]
    Packed(#[from] std::io::Error),
    /// No screen can be made of it.
    #[error(transparent)]
    Checkpoint(E),
}

/// The screen that a pane had, as `restore` makes it of the checkpoint. It reads the database: not for a thread that serves others.
///
/// # Errors
/// Why there is none although one is stored.
pub fn load_text<T, E>(
    path: &Path,
    pane: PaneUuid,
    restore: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Option<T>, TextError<E>> {
    let sql = "SELECT text FROM pane_texts WHERE pane = ?1";
    let packed: Option<Vec<u8>> = reader(path)?
        .query_row(sql, [pane.to_string()], |row| row.get(0))
        .optional()?;
    let Some(packed) = packed else {
        return Ok(None);
    };
    let screen = restore(&inflate(&packed)?).map_err(TextError::Checkpoint)?;
    Ok(Some(screen))
}

/// The extent to which each pane's output is stored. It reads the database: not for a thread that serves others.
///
/// # Errors
/// What the database says.
pub fn stored_texts(path: &Path) -> rusqlite::Result<Vec<StoredText>> {
    let connection = reader(path)?;
    let mut statement = connection.prepare("SELECT pane, life, printed FROM pane_texts")?;
    let rows = statement.query_map([], |row| {
        let pane: String = row.get(0)?;
        let printed: i64 = row.get(2)?;
        Ok(pane
            .parse()
            .ok()
            .zip(row.get(1).ok())
            .map(|(pane, life)| StoredText {
                pane,
                life,
                printed: printed.cast_unsigned(),
            }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests;
