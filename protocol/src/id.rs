//! The ids that are the only keys inside the daemon and in storage.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: UUIDv7, so ids sort by creation time. Only the daemon makes them.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default id would hide that each call differs")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    )*};
}

uuid_newtype! {
    /// A session's identity for its whole life, renames included.
    SessionUuid,
    /// A window's identity.
    WindowUuid,
    /// A pane's identity; also its keeper's socket name.
    PaneUuid,
    /// One `run_parallel` or `run_pipeline` job.
    OrchestrationUuid,
    /// One connection to the daemon.
    ClientUuid,
    /// One process life of a daemon: changes at each start.
    InstanceUuid,
}
