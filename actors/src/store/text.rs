//! Texts of panes on their way to the database and back.

use std::sync::atomic::Ordering;

use protocol::{Error, ErrorCode, PaneUuid};
use store::{MAX_TEXT_BYTES, PaneText, StoredText};
use supervisor::Reply;
use terminal::screen::Screen;

use super::writer::StoreState;
use super::{SAVE_LIMIT, Store, StoreMsg};

// What a keeper can keep of a screen can be stored.
const _: () = assert!(MAX_TEXT_BYTES >= journal::MAX_CHECKPOINT_BYTES);

/// Tells whether a pane is still there when its text is about to be written.
type IsThere = Box<dyn Fn() -> bool + Send>;

/// A text to be written.
pub struct TextOrder {
    /// Whose.
    pub pane: PaneUuid,
    /// Whether it is still there.
    pub is_there: IsThere,
    /// What.
    pub text: PaneText,
    /// Whether it is written, or why not.
    pub reply: Reply<Result<(), String>>,
}

impl Store {
    /// Writes a pane's text, at once and for itself: there is much of it, and nothing else is to wait or to fail for it. Unless it `is_there`
    /// then, nothing is written.
    ///
    /// # Errors
    /// `busy` when the store does not answer, else why it cannot be written.
    pub(crate) async fn save_text(
        &self,
        pane: PaneUuid,
        text: PaneText,
        is_there: impl Fn() -> bool + Send + 'static,
    ) -> Result<(), Error> {
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
        let order = |reply| {
            StoreMsg::Text(TextOrder {
                pane,
                is_there: Box::new(is_there),
                text,
                reply,
            })
        };
        let answer = actor.call(order, SAVE_LIMIT).await;
        answer
            .map_err(|error| unsaved(error.to_string()))?
            .map_err(unsaved)
    }

    /// The screen that was left of a pane by its text. It reads the database: not for a thread that serves others.
    #[must_use]
    pub(crate) fn text(&self, pane: PaneUuid) -> Option<Screen> {
        if !self.open.load(Ordering::Acquire) {
            return None;
        }
        store::load_text(&self.path, pane, Screen::restore)
            .inspect_err(
                |error| tracing::warn!(pane_id = %pane, %error, "a pane's text cannot be read"),
            )
            .ok()?
    }

    /// The extent to which the output of each pane is stored. It reads the database: not for a thread that serves
    /// others.
    #[must_use]
    pub(crate) fn texts(&self) -> Vec<StoredText> {
        store::stored_texts(&self.path).unwrap_or_default()
    }

    /// Another number than before: nothing of what was stored is there any more.
    #[must_use]
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

impl StoreState {
    pub(super) async fn write_text(&mut self, order: TextOrder) {
        let TextOrder {
            pane,
            is_there,
            text,
            reply,
        } = order;
        let path = self.store.path.clone();
        let Some(mut database) = self.database.take().filter(|_| path.exists()) else {
            return reply.send(Err("the database is not open".to_owned()));
        };
        let written = tokio::task::spawn_blocking(move || {
            let written = match is_there() {
                true => database.write_text(pane, &text),
                false => Ok(()),
            };
            (database, written)
        });
        match written.await {
            Ok((database, written)) => {
                // Whether it is broken is seen by the next commit.
                self.database = Some(database);
                reply.send(written.map_err(|error| error.to_string()));
            }
            Err(error) => reply.send(Err(error.to_string())),
        }
    }
}
