//! Tests of the counted limit.

use super::Slots;

#[test]
fn a_slot_is_free_again_when_it_is_dropped() {
    let slots = Slots::default();
    let first = slots.take(2).expect("there are two");
    let second = slots.take(2).expect("there are two");
    assert!(slots.take(2).is_none());
    drop(first);
    let third = slots.take(2).expect("one is free again");
    assert!(slots.take(2).is_none());
    drop((second, third));
    assert!(slots.take(1).is_some());
}

#[test]
fn many_callers_at_once_get_exactly_as_many_as_there_are() {
    let slots = Slots::default();
    let taken: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..100).filter_map(|_| slots.take(50)).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(taken.len(), 50);
}
