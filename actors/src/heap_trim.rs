//! Gives memory back to the system: the allocator by itself keeps what closed panes have used.

use std::time::Duration;

use keeper::trim_heap;
use supervisor::{Actor, ActorError, Address, AddressSlot};
use tokio::time::Instant;

use crate::clock::millis;

/// The pause after a pane was closed, so that many panes closed together cost one pass.
const PAUSE: Duration = Duration::from_secs(2);

/// The messages of the actor.
#[derive(strum::IntoStaticStr)]
pub enum TrimMsg {
    /// A pane has been closed.
    Freed,
    /// It is time to give back what is free.
    Trim,
}

/// The actor.
pub(crate) struct HeapTrimmer;

/// The state of the actor.
#[derive(Default)]
pub(crate) struct TrimState {
    is_due: bool,
    passes: u64,
    longest: Duration,
}

impl Actor for HeapTrimmer {
    type Msg = TrimMsg;
    type State = TrimState;
    type Args = ();

    async fn pre_start(&self, _: Address<TrimMsg>, (): ()) -> Result<TrimState, ActorError> {
        Ok(TrimState::default())
    }

    async fn handle(
        &self,
        myself: &Address<TrimMsg>,
        msg: TrimMsg,
        state: &mut TrimState,
    ) -> Result<(), ActorError> {
        match msg {
            TrimMsg::Freed if state.is_due => {}
            TrimMsg::Freed => {
                state.is_due = true;
                // Not needed again: the timer ends with the actor.
                let _ = myself.send_after(PAUSE, TrimMsg::Trim);
            }
            TrimMsg::Trim => {
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
pub(crate) fn freed(slot: &AddressSlot<TrimMsg>) {
    if let Some(actor) = slot.get() {
        let _ = actor.cast(TrimMsg::Freed);
    }
}
