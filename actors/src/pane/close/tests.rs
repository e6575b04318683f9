//! A close that fails in each of its steps still ends.

use strum::IntoEnumIterator;

use super::*;
use crate::day::Day;

impl PaneEntry {
    fn fails(&self) -> Option<(CloseStep, u32)> {
        *self.fails.lock().unwrap()
    }

    fn set_fails(&self, step: CloseStep, times: u32) {
        *self.fails.lock().unwrap() = Some((step, times));
    }
}

/// Fails as often as the test wants it to.
pub(super) fn fail_if_wanted(entry: &PaneEntry, step: CloseStep) {
    let wanted = entry.fails();
    if let Some((at, times @ 1..)) = wanted
        && at == step
    {
        entry.set_fails(at, times - 1);
        panic!("a test asked for it");
    }
}

#[tokio::test]
async fn a_close_goes_on_where_a_step_has_failed_once_or_twice() {
    let day = Day::begin().await;
    for step in CloseStep::iter() {
        for times in [1, 2] {
            let session = day.session("closing").await;
            let first = day.pane(&session).await;
            let second = day.pane(&session).await;
            first.set_fails(step, times);
            let ends = tokio::join!(
                close(&day.server, &first, false),
                close(&day.server, &first, true)
            );
            assert_eq!(ends.0, ends.1, "{step:?} fails {times} times");
            assert_eq!(ends.0.pane_id, first.id);
            let state = first.state().borrow().clone();
            assert!(state.closed().is_some() && first.fails() == Some((step, 0)));
            let registry = &day.server.registry;
            assert!(registry.pane(first.id).is_none(), "{step:?}");
            assert!(registry.ended_pane(first.id).is_some(), "{step:?}");
            // A step that is passed over leaves what only it would have done.
            if times == 1 || step != CloseStep::TakeOut {
                let left = session.snapshot().panes().collect::<Vec<_>>();
                assert_eq!(left, [second.id], "{step:?}");
            }
            session::life::end(&day.server, &session).await;
        }
    }
}
