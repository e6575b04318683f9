//! The bound on waiting for what cannot be killed; all else is held by the integration tests.

use std::sync::Arc;

use tokio::time::Instant;

use super::*;
use crate::vitals::Vitals;

struct Bare;

impl ractor::Actor for Bare {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ractor::ActorRef<()>,
        (): (),
    ) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_killed_is_left_behind() {
    let (actor, _) = ractor::Actor::spawn(None, Bare, ()).await.unwrap();
    let alive = KillOnDrop(Running {
        cell: actor.get_cell(),
        vitals: Arc::new(Vitals::new(None)),
        address: Arc::new(()),
    });
    let begin = Instant::now();
    let time = Duration::from_secs(2);
    let reason = alive.stop(Shutdown::Timeout(time)).await;
    assert_eq!(reason, ExitReason::Unkillable);
    assert_eq!(begin.elapsed().as_secs(), (time + KILL_LIMIT).as_secs());
}
