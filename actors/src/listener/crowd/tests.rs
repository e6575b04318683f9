//! Places for many and for few, asked for all at once.

use super::{Crowd, FEW, kept_back};
use crate::registry::Registry;

const MOST: usize = 64;

#[test]
fn whoever_takes_all_places_at_once_leaves_the_last_ones() {
    let (registry, crowd) = (Registry::default(), Crowd::default());
    let greedy: Vec<_> = (0..300)
        .filter_map(|_| crowd.place(&registry, Some(10), MOST))
        .collect();
    assert_eq!(greedy.len(), MOST - kept_back(MOST));
    let modest: Vec<_> = (0..FEW)
        .filter_map(|_| crowd.place(&registry, Some(11), MOST))
        .collect();
    assert_eq!(modest.len(), kept_back(MOST).min(FEW));
    assert!(
        crowd.place(&registry, None, MOST).is_none(),
        "nobody knows how many it has"
    );
    drop(greedy);
    assert!(crowd.place(&registry, Some(10), MOST).is_some());
}

#[test]
fn a_process_that_has_gone_counts_no_longer() {
    let (registry, crowd) = (Registry::default(), Crowd::default());
    for process in 1..5_000 {
        assert!(crowd.place(&registry, Some(process), MOST).is_some());
    }
    assert!(crowd.0.len() <= super::FORGET, "{}", crowd.0.len());
}
