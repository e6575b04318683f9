//! The daemon's side of a keeper: starting one, adopting one, asking it for things.
//!
//! [`Keeper`] is a handle on a connection, [`KeeperPool`] the keepers that were started ahead. It knows neither panes nor
//! sessions: what a program is to whoever has it started is bytes that the keeper stores.
#![forbid(unsafe_code)]

mod adopt;
mod error;
mod handle;
mod launch;
mod pool;
mod rounds;
mod spawn;
mod stream;
mod task;

pub use adopt::Expected;
pub use error::{AdoptError, LinkError, SpawnError};
pub use handle::{AdoptedPane, Keeper, KeeperExit, SpawnedPane};
pub use launch::KeeperLaunch;
pub use pool::KeeperPool;
