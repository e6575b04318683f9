//! The histogram's precision, and an end that is told once.

use super::*;

#[test]
fn quantiles_are_within_a_fifth() {
    for ns in [300, 1_000, 50_000, 1_234_567, 98_765_432_100] {
        let histogram = Histogram::default();
        for _ in 0..100 {
            histogram.record(ns);
        }
        for share in [0.01, 0.5, 0.99] {
            let seen = histogram.quantile(share).as_nanos() as f64;
            let error = (seen - ns as f64).abs() / ns as f64;
            assert!(error <= 0.2, "{ns} shown as {seen}");
        }
    }
}

#[test]
fn quantiles_split_what_was_recorded() {
    let histogram = Histogram::default();
    assert_eq!(histogram.quantile(0.99), Duration::ZERO);
    for i in 0..100 {
        histogram.record(if i < 98 { 1_000 } else { 1_000_000 });
    }
    assert!(histogram.quantile(0.5) < Duration::from_micros(2));
    assert!(histogram.quantile(0.99) > Duration::from_micros(800));
    histogram.record(u64::MAX);
    assert!(histogram.quantile(1.0) > Duration::from_secs(600));
}

#[test]
fn the_first_reason_counts() {
    let vitals = Vitals::new(None);
    vitals.request_stop(ExitReason::Shutdown);
    vitals.request_stop(ExitReason::Normal);
    assert_eq!(vitals.exit_reason(), None);
    vitals.stopped();
    vitals.failed(ExitReason::Unkillable);
    assert!(!vitals.has_ended());
    assert_eq!(vitals.finish(), ExitReason::Shutdown);
    assert_eq!(vitals.exit_reason(), Some(ExitReason::Shutdown));
}

#[test]
fn an_end_without_a_reason_is_a_kill() {
    let vitals = Vitals::new(None);
    vitals.request_stop(ExitReason::Shutdown);
    assert_eq!(vitals.finish(), ExitReason::Killed);
}

#[test]
fn the_oldest_waiting_message_is_known() {
    let mailbox = Mailbox::new();
    assert_eq!((mailbox.depth(), mailbox.oldest_ns()), (0, None));
    mailbox.sent(99);
    mailbox.taken(99);
    for now_ns in 100..140 {
        mailbox.sent(now_ns);
    }
    let before = Some(99);
    assert_eq!((mailbox.depth(), mailbox.oldest_ns()), (40, before));
    for now_ns in 100..130 {
        mailbox.taken(now_ns);
    }
    assert_eq!((mailbox.depth(), mailbox.oldest_ns()), (10, Some(130)));
    for now_ns in 130..140 {
        mailbox.taken(now_ns);
    }
    mailbox.sent(150);
    assert_eq!((mailbox.depth(), mailbox.oldest_ns()), (1, Some(150)));
    mailbox.sent(160);
    mailbox.refused();
    mailbox.close();
    assert_eq!((mailbox.depth(), mailbox.oldest_ns()), (0, None));
}
