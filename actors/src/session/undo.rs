//! Answers that wait until what they tell is written, and names that are taken back when it cannot be.

use protocol::request::UpdateSession;
use protocol::{Error, Name};
use supervisor::{Address, Reply};

use super::change::Change;
use super::{SessionMsg, SessionState};
use crate::step::step;
use crate::store::Saved;

/// A name that was given, with the way back.
pub struct Renamed {
    given: Name,
    back: Change,
}

/// Takes a name back when it is dropped, unless that is settled: also by a panic.
pub(super) struct Undo(Option<(Address<SessionMsg>, Box<Renamed>)>);

impl Undo {
    pub(super) fn new(myself: &Address<SessionMsg>, renamed: Renamed) -> Self {
        Self(Some((myself.clone(), Box::new(renamed))))
    }

    fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some((actor, renamed)) = self.0.take() {
            // An actor that has ended in between keeps the name, which is written when that is possible.
            let _ = actor.cast(SessionMsg::Undo(renamed));
        }
    }
}

impl SessionState {
    /// The way back from a change of a name that is about to be made.
    pub(super) fn renamed(&self, change: &Change) -> Option<Renamed> {
        match change {
            Change::Session(UpdateSession {
                name: Some(given), ..
            }) => Some(Renamed {
                given: given.clone(),
                back: Change::Session(UpdateSession {
                    name: Some(self.now.name.clone()),
                    ..UpdateSession::default()
                }),
            }),
            Change::Window {
                window,
                name: Some(given),
                ..
            } => Some(Renamed {
                given: given.clone(),
                back: Change::Window {
                    window: *window,
                    name: Some(self.now.window(*window)?.name.clone()),
                    select: false,
                },
            }),
            Change::Session(_)
            | Change::Window { .. }
            | Change::Pane { .. }
            | Change::ViewStep(_) => None,
        }
    }

    /// Takes a name back, unless another one was given since.
    pub(super) fn undo(&mut self, renamed: Renamed) {
        let Renamed { given, back } = renamed;
        let present = match &back {
            Change::Window { window, .. } => self.now.window(*window).map(|w| &w.name),
            Change::Session(_) | Change::Pane { .. } | Change::ViewStep(_) => Some(&self.now.name),
        };
        if present == Some(&given)
            && let Err(error) = self.change(back)
        {
            tracing::warn!(session_id = %self.now.id, %error, "a name cannot be taken back");
        }
    }
}

/// Answers when what the answer tells is written; a failure to write it is the answer then.
pub(super) fn reply_when_saved<T: Send + 'static>(
    saved: Option<Saved>,
    reply: Reply<Result<T, Error>>,
    answer: Result<T, Error>,
    undo: Option<Undo>,
) {
    match saved {
        Some(saved) if answer.is_ok() => {
            tokio::spawn(async move {
                let written = match step!("change: it is recorded") {
                    Ok(()) => saved.wait().await,
                    failed => failed,
                };
                match undo {
                    Some(undo) if written.is_ok() => undo.settled(),
                    other => drop(other),
                }
                reply.send(written.and(answer));
            });
        }
        Some(_) | None => {
            if let Some(undo) = undo {
                undo.settled();
            }
            reply.send(answer);
        }
    }
}
