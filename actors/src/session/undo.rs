//! Answers that wait until what they tell is written, and changes that are taken back when it cannot be.

use model::session::snapshot::SessionSnapshot;
use model::session::undo::Made;
use protocol::Error;
use supervisor::{Address, Reply};

use super::{SessionMsg, SessionState};
use crate::step::step;
use crate::store::PendingCommit;

/// The undoing of a change, when it is dropped and not settled: also by a panic.
pub(super) struct Undo(Option<(Address<SessionMsg>, u64)>);

impl Undo {
    fn settled(mut self) {
        if let Some((actor, number)) = self.0.take() {
            let _ = actor.cast(SessionMsg::Settled(number));
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some((actor, number)) = self.0.take() {
            // An actor that has ended in between keeps the change, which is written when that is possible.
            let _ = actor.cast(SessionMsg::Undo(number));
        }
    }
}

impl SessionState {
    /// The undoing of a change that was made, if it is one of what is kept for good: a focus is not.
    pub(super) fn undo_of(
        &mut self,
        myself: &Address<SessionMsg>,
        before: SessionSnapshot,
    ) -> Option<Undo> {
        let made = Made::new(before, self.now.clone());
        if made.taken_back(&self.now) == self.now {
            return None;
        }
        Some(Undo(Some((myself.clone(), self.unsettled.push(made)))))
    }

    /// Takes a change back.
    pub(super) fn undo(&mut self, number: u64) {
        let next = self.unsettled.take_back(number, &self.now);
        if let Some(Err(error)) = next.map(|next| self.become_next(next)) {
            tracing::warn!(session_id = %self.now.id, %error, "a change cannot be taken back");
        }
    }
}

/// Answers when what the answer tells is written; a failure to write it is the answer then.
pub(super) fn reply_when_saved<T: Send + 'static>(
    saved: Option<PendingCommit>,
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
