//! Properties of the pure policy: the restart window, and OTP's rules as an executable model.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use supervisor::policy::{Decision, Key, Policy, Step, Verdict};
use supervisor::{AutoShutdown, ExitReason, Intensity, RestartType, Strategy};

proptest! {
    /// However the ends fall, no period ever holds more restarts than allowed, and a supervisor
    /// gives up only when one more would make it so.
    #[test]
    fn no_period_holds_more_restarts_than_allowed(
        max_restarts in 0_u32..6,
        period_ms in 1_u64..200,
        gaps_ms in proptest::collection::vec(0_u64..80, 1..200),
    ) {
        let period = Duration::from_millis(period_ms);
        let intensity = Intensity::new(max_restarts, period);
        let mut policy = Policy::fixed(Strategy::OneForOne, intensity, AutoShutdown::Never);
        let key = policy.add("a".into(), RestartType::Permanent, false);
        policy.started(key);
        let mut now = Duration::ZERO;
        let mut restarts: Vec<Duration> = Vec::new();
        for gap_ms in gaps_ms {
            now += Duration::from_millis(gap_ms);
            let verdict = policy.exited(key, &ExitReason::Killed, now);
            let recent = restarts.iter().filter(|&&at| now - at <= period).count();
            let allowed = recent < max_restarts as usize;
            prop_assert_eq!(verdict.end.is_none(), allowed);
            if !allowed {
                prop_assert_eq!(verdict.decision, Decision::GiveUp);
                break;
            }
            prop_assert_eq!(verdict.decision, Decision::Restart);
            policy.started(key);
            restarts.push(now);
        }
        for (i, &first) in restarts.iter().enumerate() {
            let within = restarts[i..].iter().filter(|&&at| at - first <= period).count();
            prop_assert!(within <= max_restarts as usize);
        }
    }

    /// The policy and a plain transcription of OTP's rules do the same.
    #[test]
    fn the_policy_does_what_otp_says(
        strategy in strategies(),
        auto_shutdown in auto_shutdowns(),
        max_restarts in 0_u32..4,
        children in proptest::collection::vec((restart_types(), any::<bool>()), 1..5),
        events in proptest::collection::vec(events(), 1..40),
    ) {
        let intensity = Intensity::new(max_restarts, PERIOD);
        let mut ours = Ours {
            policy: Policy::fixed(strategy, intensity, auto_shutdown),
            keys: HashMap::new(),
            does: Does::default(),
        };
        let mut otp = Otp { strategy, auto_shutdown, max_restarts, ..Otp::default() };
        for (i, &(restart, significant)) in children.iter().enumerate() {
            ours.add(i, restart, significant);
            otp.children.push(OtpChild { id: i, restart, significant, pid: Pid::Running });
        }
        let mut now = Duration::ZERO;
        for event in events {
            now += event.after;
            let id = event.child % children.len();
            ours.does.failing = event.failing;
            otp.does.failing = event.failing;
            let ended = match event.what {
                What::Exit(reason) => {
                    let ours = ours.exit(id, &reason, now);
                    prop_assert_eq!(otp.exit(id, &reason, now), ours);
                    ours
                }
                What::Terminate => {
                    ours.terminate(id);
                    otp.terminate(id);
                    false
                }
                What::Restart => {
                    ours.restart(id);
                    otp.restart(id);
                    false
                }
            };
            prop_assert_eq!(&ours.does.log, &otp.does.log);
            prop_assert_eq!(ours.state(), otp.state());
            if ended {
                break;
            }
        }
    }
}

const PERIOD: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
struct Event {
    after: Duration,
    child: usize,
    /// How many of the next starts fail.
    failing: u32,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Exit(ExitReason),
    Terminate,
    Restart,
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![
        Just(Strategy::OneForOne),
        Just(Strategy::OneForAll),
        Just(Strategy::RestForOne)
    ]
}

fn auto_shutdowns() -> impl proptest::strategy::Strategy<Value = AutoShutdown> {
    prop_oneof![
        Just(AutoShutdown::Never),
        Just(AutoShutdown::AnySignificant),
        Just(AutoShutdown::AllSignificant)
    ]
}

fn restart_types() -> impl proptest::strategy::Strategy<Value = RestartType> {
    prop_oneof![
        Just(RestartType::Permanent),
        Just(RestartType::Transient),
        Just(RestartType::Temporary)
    ]
}

fn events() -> impl proptest::strategy::Strategy<Value = Event> {
    let what = prop_oneof![
        2 => Just(What::Exit(ExitReason::Normal)),
        1 => Just(What::Exit(ExitReason::Shutdown)),
        6 => Just(What::Exit(ExitReason::Failed("boom".to_owned()))),
        1 => Just(What::Exit(ExitReason::Killed)),
        2 => Just(What::Terminate),
        2 => Just(What::Restart),
    ];
    let failing = prop_oneof![4 => Just(0_u32), 1 => 1_u32..4];
    (0_u64..4_000, 0_usize..8, failing, what).prop_map(|(after_ms, child, failing, what)| Event {
        after: Duration::from_millis(after_ms),
        child,
        failing,
        what,
    })
}

/// What was done: `+id` started, `!id` failed to start, `-id` stopped.
#[derive(Default)]
struct Does {
    log: Vec<String>,
    failing: u32,
}

impl Does {
    fn start(&mut self, id: usize) -> bool {
        let fails = self.failing > 0;
        self.failing -= u32::from(fails);
        self.log
            .push(format!("{}{id}", if fails { '!' } else { '+' }));
        !fails
    }

    fn stop(&mut self, id: usize) {
        self.log.push(format!("-{id}"));
    }
}

/// The policy, with starts and stops that take no time.
struct Ours {
    policy: Policy,
    keys: HashMap<usize, Key>,
    does: Does,
}

impl Ours {
    fn add(&mut self, id: usize, restart: RestartType, significant: bool) {
        let key = self.policy.add(id.to_string().into(), restart, significant);
        self.policy.started(key);
        self.keys.insert(id, key);
    }

    fn id(&self, key: Key) -> usize {
        let mut keys = self.keys.iter();
        *keys.find(|(_, other)| **other == key).unwrap().0
    }

    fn exit(&mut self, id: usize, reason: &ExitReason, now: Duration) -> bool {
        let verdict = self.policy.exited(self.keys[&id], reason, now);
        self.carry_out(verdict, now)
    }

    fn carry_out(&mut self, verdict: Verdict, now: Duration) -> bool {
        let mut next = Some(verdict);
        let mut ended = false;
        while let Some(verdict) = next.take() {
            for step in verdict.steps {
                match step {
                    Step::Stop(key) => self.does.stop(self.id(key)),
                    Step::Forget(_) => {}
                    Step::Start(key) if self.does.start(self.id(key)) => self.policy.started(key),
                    Step::Start(key) => {
                        let reason = ExitReason::StartFailed("told to".to_owned());
                        next = Some(self.policy.start_failed(key, reason));
                        break;
                    }
                    Step::Retry { key, attempt, .. } => {
                        next = Some(self.policy.retry(key, attempt, now));
                    }
                }
            }
            ended |= verdict.end.is_some();
        }
        ended
    }

    fn terminate(&mut self, id: usize) {
        let key = self.keys[&id];
        let Some(member) = self.policy.member(key) else {
            return;
        };
        if member.state == supervisor::policy::ChildState::Running {
            self.does.stop(id);
        }
        self.policy.stopped(key);
    }

    fn restart(&mut self, id: usize) {
        let key = self.keys[&id];
        if self.policy.request_start(key).is_ok() {
            if self.does.start(id) {
                self.policy.started(key);
            } else {
                self.policy.start_refused(key);
            }
        }
    }

    fn state(&self) -> Vec<(usize, bool)> {
        let members = self.policy.members();
        members
            .map(|(key, member)| {
                let running = member.state == supervisor::policy::ChildState::Running;
                (self.id(key), running)
            })
            .collect()
    }
}

/// OTP's rules as supervisor.erl has them, without a process.
#[derive(Default)]
struct Otp {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    max_restarts: u32,
    children: Vec<OtpChild>,
    restarts: Vec<Duration>,
    does: Does,
}

struct OtpChild {
    id: usize,
    restart: RestartType,
    significant: bool,
    pid: Pid,
}

#[derive(Clone, Copy, PartialEq)]
enum Pid {
    Running,
    Undefined,
}

impl Otp {
    fn index(&self, id: usize) -> Option<usize> {
        self.children.iter().position(|child| child.id == id)
    }

    /// `do_restart/3`; true when the supervisor stops.
    fn exit(&mut self, id: usize, reason: &ExitReason, now: Duration) -> bool {
        let Some(i) = self
            .index(id)
            .filter(|&i| self.children[i].pid == Pid::Running)
        else {
            return false;
        };
        let wanted = *reason == ExitReason::Normal || *reason == ExitReason::Shutdown;
        match self.children[i].restart {
            RestartType::Permanent => self.restart_after_exit(id, now),
            RestartType::Transient if !wanted => self.restart_after_exit(id, now),
            RestartType::Transient | RestartType::Temporary => self.leave(i),
        }
    }

    /// `del_child/2` and `do_auto_shutdown/2`.
    fn leave(&mut self, i: usize) -> bool {
        let significant = self.children[i].significant;
        self.children[i].pid = Pid::Undefined;
        if self.children[i].restart == RestartType::Temporary {
            self.children.remove(i);
        }
        let others = self.children.iter();
        let left = others.filter(|child| child.significant && child.pid == Pid::Running);
        significant
            && match self.auto_shutdown {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => left.count() == 0,
            }
    }

    /// `restart/2`, with `try_again_restart` at once.
    fn restart_after_exit(&mut self, id: usize, now: Duration) -> bool {
        let mut id = id;
        loop {
            let i = self.index(id).unwrap();
            self.children[i].pid = Pid::Undefined;
            self.restarts.push(now);
            self.restarts.retain(|&at| now - at <= PERIOD);
            if self.restarts.len() > self.max_restarts as usize {
                return true;
            }
            match self.restart_group(i) {
                None => return false,
                Some(failed) => id = failed,
            }
        }
    }

    /// `restart_multiple_children/3`: stops the group backwards, starts it forwards.
    fn restart_group(&mut self, i: usize) -> Option<usize> {
        let ids: Vec<usize> = match self.strategy {
            Strategy::OneForOne => vec![self.children[i].id],
            Strategy::OneForAll => self.children.iter().map(|child| child.id).collect(),
            Strategy::RestForOne => self.children[i..].iter().map(|child| child.id).collect(),
        };
        for &id in ids.iter().rev() {
            let i = self.index(id).unwrap();
            if self.children[i].pid == Pid::Running {
                self.does.stop(id);
                self.children[i].pid = Pid::Undefined;
            }
            if self.children[i].restart == RestartType::Temporary {
                self.children.remove(i);
            }
        }
        for id in ids {
            let Some(i) = self.index(id) else { continue };
            if !self.does.start(id) {
                return Some(id);
            }
            self.children[i].pid = Pid::Running;
        }
        None
    }

    fn terminate(&mut self, id: usize) {
        let Some(i) = self.index(id) else { return };
        if self.children[i].pid == Pid::Running {
            self.does.stop(id);
            self.children[i].pid = Pid::Undefined;
        }
        if self.children[i].restart == RestartType::Temporary {
            self.children.remove(i);
        }
    }

    fn restart(&mut self, id: usize) {
        let stopped = self
            .index(id)
            .filter(|&i| self.children[i].pid == Pid::Undefined);
        if let Some(i) = stopped
            && self.does.start(id)
        {
            self.children[i].pid = Pid::Running;
        }
    }

    fn state(&self) -> Vec<(usize, bool)> {
        let children = self.children.iter();
        children
            .map(|child| (child.id, child.pid == Pid::Running))
            .collect()
    }
}
