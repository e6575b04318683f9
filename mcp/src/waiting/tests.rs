//! Tests of `waiting`.

use super::*;

fn commands(states: &[RunStatus]) -> Vec<CommandResult> {
    let command = |(index, status): (usize, &RunStatus)| CommandResult {
        name: format!("t{index}"),
        status: *status,
        ..CommandResult::default()
    };
    states.iter().enumerate().map(command).collect()
}

#[test]
fn progress_always_grows_and_ends_at_the_total() {
    use RunStatus::{Completed, Failed, Pending, Running};
    let mut steps = Steps::default();
    let mut last = 0.0;
    let states = [
        [Running, Pending],
        [Running, Running],
        [Running, Running],
        [Failed, Running],
        [Failed, Running],
        [Failed, Completed],
    ];
    for state in states {
        let (progress, total) = steps.next(&commands(&state)).unwrap();
        assert!(
            progress > last && progress <= total,
            "{progress} after {last}"
        );
        last = progress;
    }
    assert_eq!(last, 2.0);
    assert!(steps.next(&commands(&[Failed, Completed])).is_none());
}

#[test]
fn many_commands_are_told_in_a_line() {
    let mut states = vec![RunStatus::Running; 20];
    states[0] = RunStatus::Completed;
    states[1] = RunStatus::Timeout;
    let text = told(&commands(&states));
    let expected =
        "2 of 20 done, not completed: t1, running: t2, t3, t4, t5, t6, t7, t8, t9 and 10 more";
    assert_eq!(text, expected);
}
