//! A pane: one PTY with one program, and what of it survives its actor.

mod actor;
pub(crate) mod child;
mod close;
mod entry;
mod hangs;
mod info;
pub(crate) mod life;
mod message;
mod meta;
mod process;
mod restart;
mod setup;
mod stored;
pub(crate) mod waits;

pub(crate) use actor::{PaneActor, PaneArgs};
pub(crate) use close::close;
pub(crate) use close::{begin as close_in_background, go_on as go_on_closing};
pub(crate) use entry::PaneEntry;
pub(crate) use entry::{StartTurn, swap_back};
pub(crate) use hangs::hangs;
pub(crate) use info::PanePlace;
pub(crate) use message::{PaneMsg, Reached};
pub(crate) use meta::KeeperMeta;
pub(crate) use meta::meta_for;
pub(crate) use process::Process;
pub(crate) use restart::restart;
pub(crate) use setup::setup_of;
pub(crate) use stored::identity;
