//! The stop of a child: asked, given its time, killed, and awaited until nothing of it is left.

use std::time::Duration;

use tokio::time::timeout;
use tracing::error;

use crate::exit_reason::ExitReason;
use crate::host::Running;
use crate::strategy::Shutdown;

#[cfg(test)]
mod tests;

/// The time for which a killed child is awaited. One that blocks its thread for longer is left behind as
/// [`ExitReason::Unkillable`], so that it cannot hold up its supervisor for ever.
pub const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A started child, owned by its supervisor: dropping it kills it.
pub(crate) struct KillOnDrop(pub(crate) Running);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if !self.0.vitals.has_ended() {
            self.0.cell.kill();
        }
    }
}

impl KillOnDrop {
    /// Stops the child and returns why it ended. Cancelling the future and dropping this kills it.
    pub(crate) async fn stop(&self, shutdown: Shutdown) -> ExitReason {
        let started = &self.0;
        match shutdown {
            Shutdown::BrutalKill => {}
            Shutdown::Timeout(limit) => {
                started.stop(ExitReason::Shutdown);
                if let Ok(reason) = timeout(limit, started.vitals.wait_ended()).await {
                    return reason;
                }
            }
            Shutdown::Infinity => {
                started.stop(ExitReason::Shutdown);
                return started.vitals.wait_ended().await;
            }
        }
        started.cell.kill();
        match timeout(KILL_LIMIT, started.vitals.wait_ended()).await {
            Ok(reason) => reason,
            Err(_) => {
                error!(
                    actor = %started.cell.get_id(),
                    exit_reason = %ExitReason::Unkillable,
                    decision = "leave_behind",
                    "a killed child does not end"
                );
                ExitReason::Unkillable
            }
        }
    }
}
