//! Forgets results and idempotency keys whose time is over.

use std::sync::Arc;
use std::time::Duration;

use supervisor::{Actor, ActorError, Address};

use crate::orchestration;
use crate::server::Server;

/// The pause between two times that what is too old is forgotten.
const PAUSE: Duration = Duration::from_secs(60);

/// The messages of the actor.
#[derive(strum::IntoStaticStr)]
pub(crate) enum HousekeepingMsg {
    /// It is time to look.
    Look,
}

/// The actor.
pub(crate) struct HousekeepingActor;

impl Actor for HousekeepingActor {
    type Msg = HousekeepingMsg;
    type State = Arc<Server>;
    type Args = Arc<Server>;

    async fn pre_start(
        &self,
        myself: Address<HousekeepingMsg>,
        server: Arc<Server>,
    ) -> Result<Arc<Server>, ActorError> {
        // Not needed again: the timer ends with the actor.
        let _ = myself.send_after(PAUSE, HousekeepingMsg::Look);
        Ok(server)
    }

    async fn handle(
        &self,
        myself: &Address<HousekeepingMsg>,
        msg: HousekeepingMsg,
        server: &mut Arc<Server>,
    ) -> Result<(), ActorError> {
        match msg {
            HousekeepingMsg::Look => {
                let _ = myself.send_after(PAUSE, HousekeepingMsg::Look);
                orchestration::prune(server);
                server.idempotency.forget_old();
            }
        }
        Ok(())
    }
}
