//! The messages of the actor that has texts stored.

use supervisor::Reply;

/// What the actor is told.
#[derive(strum::IntoStaticStr)]
pub enum TextsMsg {
    /// It is time to look at all panes.
    Look,
    /// The daemon ends and leaves its panes: what has not been stored is due now.
    Finish(Reply<()>),
}
