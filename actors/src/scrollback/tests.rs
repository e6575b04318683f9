//! Which panes are stored when.

use super::*;
use crate::day::Day;
use crate::pane::Process;

#[tokio::test(start_paused = true)]
async fn who_has_printed_is_stored_and_not_too_often() {
    assert!(!is_due(None, (0, 0), true), "nothing was ever printed");
    assert!(is_due(None, (0, 1), false));
    assert!(
        is_due(None, (2, 0), false),
        "an earlier life may have printed"
    );
    let mut saved = SavedText {
        life: 0,
        printed: 7,
        at: Some(Instant::now()),
    };
    assert!(!is_due(Some(&saved), (0, 7), true), "it is stored already");
    assert!(!is_due(Some(&saved), (0, 8), false), "too soon");
    assert!(is_due(Some(&saved), (0, 8), true), "the last chance");
    tokio::time::advance(PANE_PAUSE).await;
    assert!(is_due(Some(&saved), (0, 8), false));
    assert!(is_due(Some(&saved), (1, 7), false), "of another life");
    assert!(!is_due(Some(&saved), (0, 7), false));
    saved.at = None;
    assert!(
        is_due(Some(&saved), (0, 8), false),
        "stored by an earlier daemon"
    );
}

#[tokio::test]
async fn a_pane_that_cannot_be_looked_at_is_looked_at_the_next_time() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let (there, away) = (day.pane(&session).await, day.pane(&session).await);
    for pane in [&there, &away] {
        pane.set_process(Process {
            keeper_pid: 1,
            life: 1,
            ..Process::clone(&pane.process())
        });
    }
    away.io.stop();
    let stopped = async { while away.io.look(|_| ()).await.is_ok() {} };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, stopped).await.unwrap();
    let mut state = ScrollbackState {
        server: Arc::clone(&day.server),
        saved: HashMap::new(),
        begun: day.server.store.begun(),
        written: 0,
        written_bytes: 0,
        spent: Duration::ZERO,
        failing: false,
    };
    state.pass(true).await;
    assert!(state.saved.contains_key(&there.id) && state.written == 1);
    assert!(!state.saved.contains_key(&away.id));
}
