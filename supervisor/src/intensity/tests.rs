//! The window's edges and the growth of the back-off.

use super::*;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn a_restart_exactly_one_period_old_still_counts() {
    let mut window = Window::default();
    assert_eq!(window.add(ms(0), ms(100)), 1);
    assert_eq!(window.count(ms(100), ms(100)), 1);
    assert_eq!(window.count(ms(101), ms(100)), 0);
    assert_eq!(window.add(ms(100), ms(100)), 2);
    assert_eq!(window.add(ms(101), ms(100)), 2);
}

#[test]
fn the_pause_grows_to_its_limit_and_never_shrinks() {
    let intensity = Intensity::default().backoff(Backoff {
        initial: ms(10),
        factor: 3.0,
        max: ms(200),
    });
    let pauses: Vec<Duration> = (1..6).map(|count| intensity.pause(count)).collect();
    assert_eq!(pauses, [ms(10), ms(30), ms(90), ms(200), ms(200)]);
    assert_eq!(intensity.pause(u32::MAX), ms(200));
    let shrinking = Backoff {
        initial: ms(10),
        factor: 0.1,
        max: ms(200),
    };
    assert_eq!(shrinking.pause(5), ms(10));
    assert_eq!(Intensity::default().pause(3), Duration::ZERO);
}
