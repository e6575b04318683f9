//! The words of a supervision policy: restart type, strategy, shutdown, auto shutdown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The cases in which a child that ended is started again.
///
/// `Source:` OTP supervisor(3), restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartType {
    /// Always.
    #[default]
    Permanent,
    /// Only after an abnormal end ([`crate::ExitReason::is_abnormal`]).
    Transient,
    /// Never; its child spec is forgotten when it ends.
    Temporary,
}

/// The children that are restarted together with one that ended.
///
/// `Source:` OTP supervisor(3), supervision principles. OTP's fourth, `simple_one_for_one`, is
/// [`crate::DynamicSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only that one.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// That one and those started after it.
    RestForOne,
}

/// The way in which a child is stopped.
///
/// `Source:` OTP supervisor(3), shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// Killed at once; its `post_stop` does not run.
    BrutalKill,
    /// Asked to stop; killed if it still runs after this time.
    Timeout(Duration),
    /// Asked to stop and awaited without limit. Meant for supervisors, whose own children have limits.
    Infinity,
}

impl Default for Shutdown {
    /// Five seconds, as in OTP.
    fn default() -> Self {
        Self::Timeout(Duration::from_secs(5))
    }
}

/// The cases in which a supervisor stops because its significant children have ended by themselves.
///
/// `Source:` OTP supervisor(3), auto_shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoShutdown {
    /// Never; significant children are refused.
    #[default]
    Never,
    /// When any significant child has ended and is not to be restarted.
    AnySignificant,
    /// When the last significant child has ended and is not to be restarted.
    AllSignificant,
}
