//! The facts that a program has told, as whoever has its screen asks for them.

use protocol::reply::{Notice, ProgramStatus, Progress};

use super::Screen;

impl Screen {
    /// The state that the program tells (OSC 7501); it does not say since when.
    #[must_use]
    pub fn program_status(&self) -> Option<ProgramStatus> {
        self.engine.facts.status()
    }

    /// The progress that the program tells (OSC 9;4).
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.engine.facts.progress()
    }

    /// The last notification (OSC 9, OSC 777, OSC 99), without control characters.
    #[must_use]
    pub fn notice(&self) -> Option<&Notice> {
        self.engine.facts.last_notice()
    }

    /// Forgets that what it has told so far is news: somebody else has told it.
    pub fn forget_news(&mut self) {
        self.engine.events.told = false;
        self.engine.events.noticed = false;
    }

    /// The program has ended: what it told of its state holds no more.
    pub fn program_ended(&mut self) {
        self.engine.facts.clear();
        self.note_changes();
    }
}
