//! The client whose size a session has, and whose terminal programs are told of: the client that typed or clicked last. Pure.

use std::collections::HashMap;

use protocol::terminal::TerminalFacts;
use protocol::{ClientUuid, Size};

/// A smaller terminal decides nothing: programs that are made so small break, and what they print then stays broken.
const LEAST: Size = Size::new(6, 20);

/// The sizes of the clients that do not only look.
#[derive(Debug, Default)]
pub struct Sizes {
    /// The one that typed last is last.
    clients: Vec<(ClientUuid, Size)>,
    /// The facts that are known of their terminals.
    facts: HashMap<ClientUuid, TerminalFacts>,
}

impl Sizes {
    /// A client is there, or has another size. Beside others it decides when it types.
    pub fn set(&mut self, client: ClientUuid, size: Size) {
        match self.clients.iter_mut().find(|(known, _)| *known == client) {
            Some((_, known)) => *known = size,
            None => self.clients.insert(0, (client, size)),
        }
    }

    /// A client typed or clicked.
    pub fn typed(&mut self, client: ClientUuid) {
        // Stable: the others keep their order.
        self.clients.sort_by_key(|(known, _)| *known == client);
    }

    /// This is known of a client's terminal.
    pub fn learn(&mut self, client: ClientUuid, facts: TerminalFacts) {
        self.facts.insert(client, facts);
    }

    /// The facts that are known of the terminal of the client that decides. As long as that was not asked, what was known `before` counts.
    #[must_use]
    pub fn facts(&self, before: TerminalFacts) -> TerminalFacts {
        let decides = self.decided().map(|(client, _)| client);
        match decides.and_then(|client| self.facts.get(&client)) {
            Some(told) => TerminalFacts {
                colors: told.colors.or(before.colors),
                ..*told
            },
            None => before,
        }
    }

    /// A client is gone.
    pub fn forget(&mut self, client: ClientUuid) {
        self.facts.remove(&client);
        self.clients.retain(|(known, _)| *known != client);
    }

    /// The client that decides, and its size.
    #[must_use]
    pub fn decided(&self) -> Option<(ClientUuid, Size)> {
        let is_enough = |size: &Size| size.rows >= LEAST.rows && size.cols >= LEAST.cols;
        self.clients
            .iter()
            .rev()
            .find(|(_, size)| is_enough(size))
            .copied()
    }
}

#[cfg(test)]
mod tests;
