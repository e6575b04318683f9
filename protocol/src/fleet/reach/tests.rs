//! The way to a server under every order of what may happen.

use super::*;

use proptest::prelude::*;

fn away() -> Error {
    Error::new(ErrorCode::ServerUnreachable, "away")
}

/// A way whose next try fails, `times` times.
fn failing(times: u32) -> (Way, Instant) {
    let mut way = Way::new(Pace::FAR, 7);
    let mut now = Instant::now();
    assert_eq!(way.take(Happened::Wanted, now), Act::Connect);
    for _ in 1..times {
        way.take(Happened::Failed(away()), now);
        now = way.wake_at().expect("a time");
        assert_eq!(way.take(Happened::Time, now), Act::Connect);
    }
    way.take(Happened::Failed(away()), now);
    (way, now)
}

#[test]
fn pauses_grow_to_thirty_seconds_and_begin_anew_after_success() {
    let (way, now) = failing(1);
    let pause = way.wake_at().unwrap() - now;
    assert!(pause <= Pace::FAR.first && pause >= Pace::FAR.first.mul_f64(0.75));
    let (mut way, now) = failing(40);
    let pause = way.wake_at().unwrap() - now;
    assert!(pause <= Pace::FAR.longest && pause >= Pace::FAR.longest.mul_f64(0.75));
    assert_eq!(way.take(Happened::Time, now), Act::Rest, "not yet due");
    assert_eq!(
        way.take(Happened::Wanted, now),
        Act::Connect,
        "at once on demand"
    );
    assert_eq!(
        way.take(Happened::Wanted, now),
        Act::Rest,
        "one try at a time"
    );
    way.take(Happened::Opened, now);
    way.take(Happened::Lost(away()), now);
    assert!(way.wake_at().unwrap() - now <= Pace::FAR.first);
}

#[test]
fn what_time_does_not_heal_is_tried_again_only_on_demand() {
    for code in [
        ErrorCode::Denied,
        ErrorCode::Unauthenticated,
        ErrorCode::Unsupported,
    ] {
        let mut way = Way::new(Pace::FAR, 1);
        let now = Instant::now();
        way.take(Happened::Wanted, now);
        way.take(Happened::Failed(Error::new(code, "no")), now);
        assert!(matches!(way.reach(), Reach::Refused(_)));
        assert_eq!(way.wake_at(), None);
        assert_eq!(way.take(Happened::Woke, now), Act::Rest);
        assert_eq!(way.take(Happened::Wanted, now), Act::Connect);
    }
}

#[test]
fn a_machine_that_wakes_asks_and_tries_at_once() {
    let (mut way, now) = failing(9);
    assert_eq!(way.take(Happened::Woke, now), Act::Connect);
    way.take(Happened::Opened, now);
    assert_eq!(way.take(Happened::Woke, now), Act::Ask);
    assert_eq!(way.take(Happened::Left, now), Act::Rest);
    assert_eq!(way.reach(), &Reach::Idle);
}

fn happened() -> impl Strategy<Value = Happened> {
    prop_oneof![
        Just(Happened::Wanted),
        Just(Happened::Opened),
        Just(Happened::Failed(away())),
        Just(Happened::Failed(Error::new(ErrorCode::Denied, "no"))),
        Just(Happened::Lost(away())),
        Just(Happened::Time),
        Just(Happened::Woke),
        Just(Happened::Left),
    ]
}

proptest! {
    /// A try is begun only when none is under way; who waits is woken; nothing but `Opened` makes it connected.
    #[test]
    fn in_every_order(steps in proptest::collection::vec((happened(), 0u64..40_000), 1..60), chance: u64) {
        let mut way = Way::new(Pace::FAR, chance);
        let mut now = Instant::now();
        for (happened, later) in steps {
            now += Duration::from_millis(later);
            let before = way.reach().clone();
            let opened = matches!(happened, Happened::Opened);
            let act = way.take(happened, now);
            if act == Act::Connect {
                prop_assert!(!matches!(before, Reach::Connecting(_) | Reach::Connected(_)));
                prop_assert_eq!(way.reach(), &Reach::Connecting(now));
            }
            if matches!(way.reach(), Reach::Connected(_)) && !matches!(before, Reach::Connected(_)) {
                prop_assert!(opened);
            }
            if let Reach::Waiting { until, .. } = way.reach() {
                prop_assert!(*until <= now + Pace::FAR.longest);
            }
        }
    }
}
