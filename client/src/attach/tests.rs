//! The line that stays on the terminal.

use super::*;

#[test]
fn last_words_say_how_it_ended() {
    let gone = Error::new(ErrorCode::ServerUnreachable, "closed");
    for (ending, line, status) in [
        (Ending::Detached, "[detached from session a]", 0),
        (
            Ending::Ended("session a ended: exit 0".into()),
            "[session a ended: exit 0]",
            0,
        ),
        (
            Ending::SessionLost,
            "[session a was lost with the server]",
            1,
        ),
        (Ending::Lost(gone), "[server local exited]", 4),
        (Ending::Signal(15), "[detached from session a]", 143),
    ] {
        assert_eq!(last_words(&ending, "a", "local"), (line.to_owned(), status));
    }
}
