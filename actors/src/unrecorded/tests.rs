//! Keepers that wait are bounded.

use super::*;

#[test]
fn so_many_keepers_wait_and_there_is_room_again_when_one_goes() {
    let unrecorded = Unrecorded::default();
    let ids: Vec<_> = (0..=MOST).map(|_| PaneUuid::new()).collect();
    let (last, first) = ids.split_last().unwrap();
    assert!(first.iter().all(|id| unrecorded.enter(*id)));
    assert!(!unrecorded.enter(*last) && !unrecorded.has(*last));
    unrecorded.leave(first[0]);
    assert!(unrecorded.enter(*last) && unrecorded.has(*last));
    assert!(!unrecorded.has(first[0]));
}
