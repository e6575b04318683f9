//! Late news, and verdicts in detail; the rules as a whole are held by the integration tests.

use super::*;

const NOW: Duration = Duration::from_secs(9);

fn policy(strategy: Strategy) -> (Policy, Vec<Key>) {
    let intensity = Intensity::new(2, Duration::from_secs(5));
    let mut policy = Policy::fixed(strategy, intensity, AutoShutdown::Never);
    let keys: Vec<Key> = ["a", "b", "c"]
        .iter()
        .map(|&id| policy.add(id.into(), RestartType::Permanent, false))
        .collect();
    for &key in &keys {
        policy.started(key);
    }
    (policy, keys)
}

#[test]
fn late_news_is_ignored() {
    let (mut policy, keys) = policy(Strategy::OneForOne);
    policy.stopped(keys[0]);
    let verdict = policy.exited(keys[0], &ExitReason::Killed, NOW);
    assert_eq!(verdict.decision, Decision::Ignore);
    let verdict = policy.exited(99, &ExitReason::Killed, NOW);
    assert_eq!(verdict.decision, Decision::Ignore);
    let verdict = policy.retry(keys[1], 1, NOW);
    assert_eq!(verdict.decision, Decision::Ignore);
    assert_eq!(policy.restarts(NOW).1, 0);
}

#[test]
fn a_retry_counts_only_for_its_own_attempt() {
    let (mut policy, keys) = policy(Strategy::OneForOne);
    policy.exited(keys[0], &ExitReason::Killed, NOW);
    let failed = || ExitReason::StartFailed("no".to_owned());
    let first = policy.start_failed(keys[0], failed());
    let [Step::Retry { attempt, after, .. }] = first.steps[..] else {
        panic!("{first:?}");
    };
    assert_eq!(after, Duration::ZERO);
    let verdict = policy.retry(keys[0], attempt, NOW);
    assert_eq!(verdict.steps, [Step::Start(keys[0])]);
    assert_eq!(verdict.restarts_in_window, 2);
    policy.start_failed(keys[0], failed());
    let stale = policy.retry(keys[0], attempt, NOW);
    assert_eq!(stale.decision, Decision::Ignore);
}

#[test]
fn a_start_that_fails_amid_a_group_leaves_the_rest_stopped() {
    let (mut policy, keys) = policy(Strategy::OneForAll);
    let verdict = policy.exited(keys[0], &ExitReason::Killed, NOW);
    let expected = [
        Step::Stop(keys[2]),
        Step::Stop(keys[1]),
        Step::Start(keys[0]),
        Step::Start(keys[1]),
        Step::Start(keys[2]),
    ];
    assert_eq!(verdict.steps, expected);
    policy.started(keys[0]);
    policy.start_failed(keys[1], ExitReason::StartFailed("no".to_owned()));
    let standings: Vec<ChildState> = policy.members().map(|(_, member)| member.state).collect();
    assert_eq!(standings[0], ChildState::Running);
    assert!(matches!(standings[1], ChildState::Restarting { .. }));
    assert_eq!(standings[2], ChildState::Stopped);
    assert_eq!(policy.delete(keys[1]), Err(Refusal::Restarting));
    assert_eq!(policy.delete(keys[2]), Ok(()));
}
