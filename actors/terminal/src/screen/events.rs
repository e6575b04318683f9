//! The events of a screen: what happened in it that is not seen in its cells.

use protocol::event::Copied;

use super::copies::CopyError;

/// Events since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenEvents {
    /// The bell rang.
    pub bell: bool,
    /// The title is another one.
    pub title_changed: bool,
    /// The working directory is another one (OSC 7).
    pub cwd_changed: bool,
    /// A prompt began (OSC 133).
    pub prompt: bool,
    /// Texts that the program has copied (OSC 52), the last one for each selection.
    pub copied: Vec<Copied>,
    /// Something else was copied, and this is why it was not passed on.
    pub not_copied: Option<CopyError>,
    /// The program tells something else of itself.
    pub told: bool,
    /// There was a notification (OSC 9, OSC 777, OSC 99).
    pub noticed: bool,
}
