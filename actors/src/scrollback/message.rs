//! The messages of the actor that saves screens and scrollback.

use supervisor::Reply;

/// The messages of the actor.
#[derive(strum::IntoStaticStr)]
pub enum ScrollbackMsg {
    /// It is time to look at all panes.
    Look,
    /// The daemon ends and leaves its panes: what has not been stored is due now.
    Finish(Reply<()>),
}
