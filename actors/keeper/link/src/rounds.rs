//! The two rounds for the programs of a keeper that is too old to carry them out itself.

use std::time::{Duration, Instant};

use keeper::{Rounds, StopTimes};
use tokio::time::sleep;

/// Pause between two looks whether those who were asked to end have ended.
const PAUSE: Duration = Duration::from_millis(16);

/// Asks all below `root` until nobody is left or all have had their time. Nobody is held meanwhile: a
/// daemon that dies would leave it so.
pub(crate) async fn carry_out(root: i32, times: StopTimes) {
    let begun = Instant::now();
    if keeper::start_time(root).is_none() {
        return;
    }
    let mut rounds = Rounds::begin(root, None, times, 0);
    loop {
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if rounds.step(ms) {
            return;
        }
        sleep(PAUSE).await;
    }
}
