//! Who gives memory back to the system: the allocator by itself keeps what closed panes have used.

use std::time::Duration;

use keeper::trim_heap;
use supervisor::{Actor, ActorError, Address, AddressSlot};
use tokio::time::Instant;

use crate::clock::millis;

/// How long after a pane was closed, so that many panes closed together cost one pass.
const PAUSE: Duration = Duration::from_secs(2);

/// What the actor is told.
#[derive(strum::IntoStaticStr)]
pub enum MemoryMsg {
    /// A pane has been closed.
    Freed,
    /// It is time to give back what is free.
    Trim,
}

/// The actor.
pub(crate) struct MemoryActor;

/// What it keeps.
#[derive(Default)]
pub(crate) struct MemoryState {
    is_due: bool,
    passes: u64,
    longest: Duration,
}

impl Actor for MemoryActor {
    type Msg = MemoryMsg;
    type State = MemoryState;
    type Args = ();

    async fn pre_start(&self, _: Address<MemoryMsg>, (): ()) -> Result<MemoryState, ActorError> {
        Ok(MemoryState::default())
    }

    async fn handle(
        &self,
        myself: &Address<MemoryMsg>,
        msg: MemoryMsg,
        state: &mut MemoryState,
    ) -> Result<(), ActorError> {
        match msg {
            MemoryMsg::Freed if state.is_due => {}
            MemoryMsg::Freed => {
                state.is_due = true;
                // Not needed again: the timer ends with the actor.
                let _ = myself.send_after(PAUSE, MemoryMsg::Trim);
            }
            MemoryMsg::Trim => {
                state.is_due = false;
                let begun = Instant::now();
                let _ = tokio::task::spawn_blocking(trim_heap).await;
                state.passes += 1;
                state.longest = state.longest.max(begun.elapsed());
            }
        }
        myself.set_details(vec![
            ("passes", state.passes.to_string()),
            ("longest_ms", millis(state.longest).to_string()),
        ]);
        Ok(())
    }
}

/// Tells the actor that a pane's memory is free. While it is being restarted nobody is told: the next pane's end is enough.
pub(crate) fn freed(memory: &AddressSlot<MemoryMsg>) {
    if let Some(actor) = memory.get() {
        let _ = actor.cast(MemoryMsg::Freed);
    }
}
