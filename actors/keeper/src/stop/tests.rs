//! The signals that each kind of process is asked with, and their time.

use rustix::process::Signal;

use super::{Care, Cares, Rounds};
use crate::wire::StopTimes;

const HUP: u64 = 1;
const TERM: u64 = 1 << 14;

fn status(blocked: u64, ignored: u64, caught: u64) -> String {
    format!(
        "Name:\tsh\nSigQ:\t0/1\nSigPnd:\t{all:016x}\nShdPnd:\t{all:016x}\nSigBlk:\t{blocked:016x}\n\
         SigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n",
        all = u64::MAX
    )
}

/// Every set of masks of one signal, and what it means: what is blocked is waited for.
const MASKS: [(bool, bool, bool, Care); 6] = [
    (false, false, false, Care::Default),
    (false, true, false, Care::Ignores),
    (false, false, true, Care::Catches),
    (true, false, false, Care::Catches),
    (true, true, false, Care::Catches),
    (true, false, true, Care::Catches),
];

#[test]
fn what_a_process_does_with_a_signal_is_read_from_its_masks() {
    for (term_blocked, term_ignored, term_caught, term) in MASKS {
        for (hup_blocked, hup_ignored, hup_caught, hup) in MASKS {
            let mask = |of_term: bool, of_hup: bool| {
                (if of_term { TERM } else { 0 }) | (if of_hup { HUP } else { 0 })
            };
            let text = status(
                mask(term_blocked, hup_blocked),
                mask(term_ignored, hup_ignored),
                mask(term_caught, hup_caught),
            );
            assert_eq!(Cares::parse(text.as_bytes()), Cares { term, hup }, "{text}");
        }
    }
    assert_eq!(Cares::parse(b"not a status"), Cares::UNKNOWN);
}

#[test]
fn each_gets_what_it_takes_and_the_other_one_later() {
    use Care::{Catches, Default, Ignores};
    let (hup, term) = (Signal::HUP, Signal::TERM);
    // What it does with TERM and with HUP; first round of others and of a session leader; second
    // round of those that were excepted from the first.
    let rows = [
        (Default, Default, Some(term), None, term),
        (Default, Catches, Some(hup), None, hup),
        (Default, Ignores, Some(term), None, term),
        (Catches, Default, Some(term), Some(term), term),
        (Catches, Catches, Some(term), Some(term), hup),
        (Catches, Ignores, Some(term), Some(term), term),
        (Ignores, Default, None, None, hup),
        (Ignores, Catches, None, None, hup),
        (Ignores, Ignores, None, None, hup),
    ];
    for (of_term, of_hup, first, leader_first, second) in rows {
        let cares = Cares {
            term: of_term,
            hup: of_hup,
        };
        assert_eq!(cares.first(false), first, "{cares:?}");
        assert_eq!(cares.first(true), leader_first, "{cares:?}");
        assert_eq!(cares.second(None), second, "{cares:?}");
        for had in [first, leader_first].into_iter().flatten() {
            let other = if had == term { hup } else { term };
            assert_eq!(cares.second(Some(had)), other, "{cares:?}");
        }
    }
}

#[test]
fn nobody_left_is_the_end_whatever_time_is_left() {
    let times = StopTimes {
        first_ms: 1_000_000,
        second_ms: 1_000_000,
    };
    // No process has this pid.
    let mut rounds = Rounds::begin(i32::MAX, None, times, 5);
    assert!(rounds.step(5));
}
