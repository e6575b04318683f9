//! Trying on: a keeper that could not be asked when the daemon started is asked until it answers or is dead.

use std::time::Duration;

use super::keepers;
use crate::clock::epoch_ms;
use crate::pane::{PaneEntry, Reached};
use crate::server::Server;
use keeper_link::{AdoptError, Expected};

/// The first pause between two tries; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest one. A keeper that goes on after a stop is found within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The time that one try waits for an answer: it comes as soon as the keeper runs again.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Asks a pane's keeper until there is an end to it, but not while the pane is held back. Why it does not answer is kept with the pane.
pub(crate) async fn reach(server: &Server, entry: &PaneEntry) -> Reached {
    let socket = server.paths.pane_socket(entry.id);
    let mut pause = FIRST_PAUSE;
    loop {
        let expected = expected(entry);
        if let Some(why) = server.held_back.why(entry.id) {
            if expected.lives() == Some(false) {
                return Reached::Dead;
            }
            note(entry, why);
            server.held_back.changed(LONGEST_PAUSE).await;
            continue;
        }
        let error = match keepers::ask(&socket, &expected, ANSWER_LIMIT).await {
            Ok(keeper) => return Reached::Keeper(keeper),
            Err(error) => error,
        };
        let nobody = matches!(error, AdoptError::Gone { .. } | AdoptError::Stranger { .. });
        if expected.lives() == Some(false) || (nobody && expected.lives().is_none()) {
            return Reached::Dead;
        }
        if nobody {
            // Another's socket, or one of before: the keeper makes its own again where there is none.
            let _ = std::fs::remove_file(&socket);
            for keeper in &expected.keepers {
                keepers::listen_again(*keeper);
            }
        }
        note(entry, error.to_string());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The processes that may be a pane's keeper.
fn expected(entry: &PaneEntry) -> Expected {
    let process = entry.process();
    let keepers = [process.keeper_identity(), entry.next_keeper()];
    Expected {
        keepers: keepers.into_iter().flatten().collect(),
        secret: process
            .secret
            .map_or_else(Vec::new, |secret| secret.as_bytes().to_vec()),
    }
}

fn note(entry: &PaneEntry, reason: String) {
    let lives = entry.process().keeper.family().program_lives();
    let same = entry
        .state()
        .borrow()
        .unreachable()
        .is_some_and(|now| now.reason == reason && now.program_lives == lives);
    if !same {
        entry.change(|state| state.lose(epoch_ms(), reason, lives));
    }
}
