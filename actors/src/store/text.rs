//! What a pane shows, with its scrollback, as a row: for what its keeper does not outlive.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use journal::MAX_CHECKPOINT_BYTES;
use protocol::{Error, ErrorCode, PaneUuid};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use supervisor::Reply;
use terminal::screen::{Extent, Screen};

use super::write::run;
use super::writer::StoreState;
use super::{SAVE_LIMIT, Store, StoreMsg};
use crate::pane::PaneEntry;

/// The largest text of one pane, compressed, in bytes; of a longer one the newest rows are kept.
const MAX_BYTES: usize = 256 * 1024;

/// Rows of the history that are stored at most, so that looking at them never holds up the pane.
pub(crate) const MAX_ROWS: usize = 10_000;

/// How long a reader waits for a writer.
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
    /// Compresses a checkpoint; `None` when not even the screen without its history is small enough. It takes
    /// milliseconds: not for a thread that serves others.
    #[must_use]
    pub fn pack(life: u32, printed: u64, checkpoint: &[u8]) -> Option<Self> {
        let mut packed = deflate(checkpoint)?;
        if packed.len() > MAX_BYTES {
            let mut screen = Screen::restore(checkpoint).ok()?;
            let mut rows = MAX_ROWS;
            while packed.len() > MAX_BYTES && rows > 0 {
                rows /= 2;
                packed = deflate(&screen.checkpoint(Extent::Rows(rows)))?;
            }
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

/// A text to be written.
pub struct TextOrder {
    /// Whose.
    pub entry: Arc<PaneEntry>,
    /// What.
    pub text: PaneText,
    /// Whether it is written, or why not.
    pub reply: Reply<Result<(), String>>,
}

impl Store {
    /// Writes a pane's text, at once and for itself: there is much of it, and nothing else is to wait or to fail for it.
    ///
    /// # Errors
    /// `busy` when the store does not answer, else why it cannot be written.
    pub async fn save_text(&self, entry: &Arc<PaneEntry>, text: PaneText) -> Result<(), Error> {
        let unsaved = |why: String| {
            Error::new(
                ErrorCode::Busy,
                format!("a pane's text is not stored: {why}"),
            )
            .hint("it is tried again; the state directory or its disk may be full or slow")
        };
        let Some(actor) = self.address.get() else {
            return Err(unsaved("the store is being restarted".to_owned()));
        };
        let entry = Arc::clone(entry);
        let order = |reply| StoreMsg::Text(TextOrder { entry, text, reply });
        let answer = actor.call(order, SAVE_LIMIT).await;
        answer
            .map_err(|error| unsaved(error.to_string()))?
            .map_err(unsaved)
    }

    /// What was left of a pane by its text. It reads the database: not for a thread that serves others.
    #[must_use]
    pub(crate) fn text(&self, pane: PaneUuid) -> Option<Screen> {
        if !self.open.load(Ordering::Acquire) {
            return None;
        }
        load(&self.path, pane)
            .inspect_err(
                |error| tracing::warn!(pane_id = %pane, %error, "a pane's text cannot be read"),
            )
            .ok()?
    }

    /// How far the output of each pane is stored. It reads the database: not for a thread that serves others.
    #[must_use]
    pub(crate) fn texts(&self) -> Vec<Stored> {
        stored(&self.path).unwrap_or_default()
    }

    /// Another number than before: nothing of what was stored is there any more.
    #[must_use]
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

impl StoreState {
    pub(super) async fn write_text(&mut self, order: TextOrder) {
        let TextOrder { entry, text, reply } = order;
        let path = self.server.store.path.clone();
        let Some(mut connection) = self.connection.take().filter(|_| path.exists()) else {
            return reply.send(Err("the database is not open".to_owned()));
        };
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&mut connection, &entry, &text);
            (connection, written)
        });
        match written.await {
            Ok((connection, written)) => {
                // Whether it is broken is seen by the next commit.
                self.connection = Some(connection);
                reply.send(written.map_err(|error| error.to_string()));
            }
            Err(error) => reply.send(Err(error.to_string())),
        }
    }
}

/// How far a pane's output is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) pane: PaneUuid,
    pub(crate) life: u32,
    pub(crate) printed: u64,
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).ok()?;
    out.finish().ok()
}

fn inflate(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed)
        .take(MAX_CHECKPOINT_BYTES as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes the text of a pane that is still there.
pub(super) fn write(
    connection: &mut Connection,
    entry: &PaneEntry,
    text: &PaneText,
) -> rusqlite::Result<()> {
    if entry.state().borrow().removed {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    run(
        &transaction,
        "INSERT OR REPLACE INTO pane_texts VALUES (?1, ?2, ?3, ?4)",
        params![
            entry.id.to_string(),
            text.life,
            text.printed.cast_signed(),
            text.packed
        ],
    )?;
    transaction.commit()
}

/// Deletes the text of a pane that is gone.
pub(super) fn forget(transaction: &Transaction<'_>, pane: PaneUuid) -> rusqlite::Result<()> {
    let sql = "DELETE FROM pane_texts WHERE pane = ?1";
    run(transaction, sql, [pane.to_string()])
}

/// Deletes the texts of panes that there are not, nor are put aside.
pub(super) fn forget_strays(connection: &Connection) -> rusqlite::Result<()> {
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

/// Why a text is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum TextError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error("it cannot be decompressed: {0}")]
    Packed(#[from] std::io::Error),
    #[error(transparent)]
    Checkpoint(#[from] terminal::screen::CheckpointError),
}

/// The screen that a pane had.
pub(super) fn load(path: &Path, pane: PaneUuid) -> Result<Option<Screen>, TextError> {
    let sql = "SELECT text FROM pane_texts WHERE pane = ?1";
    let packed: Option<Vec<u8>> = reader(path)?
        .query_row(sql, [pane.to_string()], |row| row.get(0))
        .optional()?;
    let Some(packed) = packed else {
        return Ok(None);
    };
    Ok(Some(Screen::restore(&inflate(&packed)?)?))
}

/// How far each pane's output is stored.
pub(super) fn stored(path: &Path) -> rusqlite::Result<Vec<Stored>> {
    let connection = reader(path)?;
    let mut statement = connection.prepare("SELECT pane, life, printed FROM pane_texts")?;
    let rows = statement.query_map([], |row| {
        let pane: String = row.get(0)?;
        let printed: i64 = row.get(2)?;
        Ok(pane
            .parse()
            .ok()
            .zip(row.get(1).ok())
            .map(|(pane, life)| Stored {
                pane,
                life,
                printed: printed.cast_unsigned(),
            }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests;
