//! The rights of a program over what others see of it.

use super::copies::Copies;

/// The rights of a screen's program; they are given with each start, and no checkpoint has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Whether what it copies is passed on.
    pub copies: Copies,
    /// It cannot set the title.
    pub title_locked: bool,
}

impl Permissions {
    /// The same for output that was shown before: what it copied is not passed on once more.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self {
            copies: Copies::Ignored,
            ..self
        }
    }
}
