//! Which panes are stored when.

use super::*;

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
