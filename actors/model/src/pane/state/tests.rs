//! Random lives of a pane: no step leads where it must not, and each way can be closed.

use proptest::prelude::*;
use protocol::PaneUuid;
use protocol::reply::{ExitStatus, PaneStatus};
use strum::IntoEnumIterator;

use super::*;
use crate::pane::{Course, PaneLife, StoredState};

/// What can happen to a pane, at any time.
#[derive(Clone, Debug)]
enum Event {
    Lose(bool),
    Found,
    FoundLaterLife,
    NoteEnd,
    Decide(Next),
    AskRestart(u64),
    BeginStart,
    EndStart,
    BeginLife,
    FailStart,
    PutOffStart(u64),
    BeginClose(Cause, bool),
    EndStep,
    Tell,
}

fn ended(code: i32) -> Ended {
    Ended::unseen(ExitStatus::Exited { code }, 1, 2)
}

fn told() -> PaneEnd {
    PaneEnd {
        number: None,
        pane_id: PaneUuid::new(),
        name: None,
        command: String::new(),
        status: PaneStatus {
            exit: None,
            duration_ms: 0,
            ended_at_ms: None,
            usage: None,
            restarting: false,
            restarts: 0,
            unreachable: None,
            state: None,
        },
        survivors: Vec::new(),
    }
}

fn by_type(due_ms: u64) -> Next {
    let why = Again::ByType;
    Next::Restarting { due_ms, why }
}

fn causes() -> impl Strategy<Value = Cause> {
    prop_oneof![Just(Cause::Asked), Just(Cause::ByItself)]
}

fn events() -> impl Strategy<Value = Event> {
    let next = prop_oneof![Just(Next::Kept), (0..9u64).prop_map(by_type),];
    prop_oneof![
        2 => any::<bool>().prop_map(Event::Lose),
        2 => Just(Event::Found),
        1 => Just(Event::FoundLaterLife),
        4 => Just(Event::NoteEnd),
        4 => next.prop_map(Event::Decide),
        3 => (0..9u64).prop_map(Event::AskRestart),
        4 => Just(Event::BeginStart),
        3 => Just(Event::EndStart),
        3 => Just(Event::BeginLife),
        2 => Just(Event::FailStart),
        2 => (0..9u64).prop_map(Event::PutOffStart),
        1 => (causes(), any::<bool>()).prop_map(|(cause, force)| Event::BeginClose(cause, force)),
        3 => Just(Event::EndStep),
        1 => Just(Event::Tell),
    ]
}

fn stored() -> impl Strategy<Value = PaneLife> {
    let parts = (any::<Option<bool>>(), any::<(bool, bool, bool)>(), 0..4u32);
    parts.prop_map(|(settled, (closing, by_itself, restart), life)| {
        PaneLife::restored(&StoredState {
            ended: settled.map(|_| ended(7)),
            settled: settled.unwrap_or_default(),
            closing,
            by_itself,
            life,
            restart,
            ..StoredState::default()
        })
    })
}

/// A life, and what its surroundings keep of it.
struct World {
    life: PaneLife,
    /// Somebody has the turn to start the program.
    turn: bool,
    /// The keeper was lost, and neither reached nor found dead since.
    lost: bool,
}

impl World {
    fn happens(&mut self, event: &Event) {
        let life = &mut self.life;
        match event {
            Event::Lose(lives) => life.lose(5, "why".to_owned(), *lives),
            Event::Found => life.found(),
            Event::FoundLaterLife => life.found_later_life(9),
            Event::NoteEnd => life.note_end(ended(1)),
            Event::Decide(next) => {
                let undecided = life.is_undecided();
                assert_eq!(life.decide(*next), undecided);
            }
            Event::AskRestart(now_ms) => {
                let before = life.clone();
                let asked = life.ask_restart(*now_ms);
                let refused = before.is_closing() || before.unreachable().is_some();
                assert_eq!(asked.is_none(), refused, "{before:?}");
                if let Some(asked) = asked {
                    assert_eq!(life.course(asked), Course::UnderWay, "{life:?}");
                }
                let counts = |life: &PaneLife| (life.ends(), life.restarts(), life.end().cloned());
                assert_eq!(counts(life), counts(&before));
            }
            Event::BeginStart => {
                let begun = life.begin_start();
                assert!(!begun || !self.turn && !self.lost && !life.is_closing());
                self.turn |= begun;
            }
            Event::EndStart => {
                life.end_start();
                self.turn = false;
            }
            Event::BeginLife if self.turn => {
                let closing = life.is_closing();
                assert_eq!(life.begin_life(), !closing);
                // Its turn is over with that.
                life.end_start();
                self.turn = false;
            }
            Event::BeginLife => assert!(!life.begin_life()),
            Event::FailStart => {
                life.end_start();
                self.turn = false;
                life.fail_start(ended(127));
            }
            Event::PutOffStart(due_ms) => {
                let (due, before) = (life.due_ms().is_some(), life.clone());
                assert_eq!(life.put_off_start(*due_ms), due);
                assert_eq!(life.due_ms(), due.then_some(*due_ms));
                let counts = |life: &PaneLife| (life.ends(), life.restarts(), life.end().cloned());
                assert_eq!(counts(life), counts(&before));
            }
            Event::BeginClose(cause, force) => {
                let first = !life.is_closing();
                assert_eq!(life.begin_close(*cause, *force), first);
            }
            Event::EndStep => {
                life.end_step();
            }
            Event::Tell => life.tell(told()),
        }
        self.lost = matches!(self.life.state(), PaneState::Unreachable { .. });
    }

    /// What holds at each moment.
    fn check(&self) {
        let life = &self.life;
        let closed = life.closed().is_some();
        assert_eq!(life.is_starting(), self.turn && !closed, "{life:?}");
        assert!(!life.is_kept() || life.has_ended(), "{life:?}");
        assert!(!life.is_undecided() || life.has_ended(), "{life:?}");
        assert!(!life.is_restarting() || life.has_ended() && !life.is_closing());
        assert!(!life.is_stopping() || !life.has_ended() && life.is_asked());
        assert!(!life.is_asked() || life.is_stopping() || life.is_restarting());
        let decided = [life.is_undecided(), life.is_restarting(), life.is_kept()];
        assert!(
            decided.into_iter().filter(|is| *is).count() <= 1,
            "{life:?}"
        );
        if life.unreachable().is_some() {
            assert!(!closed && !life.is_undecided() && !life.is_restarting());
        }
    }
}

/// What never goes back.
fn goes_on(before: &PaneLife, after: &PaneLife) {
    assert!(after.ends() >= before.ends() && after.ends() <= before.ends() + 1);
    assert!(!before.is_closing() || after.is_closing());
    if before.is_closing() {
        assert!(after.step() >= before.step() && after.is_forced() >= before.is_forced());
        assert_eq!(after.closes_by_itself(), before.closes_by_itself());
        assert_eq!(after.restarts().max(9), before.restarts().max(9));
    }
    if let Some(told) = before.closed() {
        assert_eq!(after.closed(), Some(told));
    }
    if matches!(before.state(), PaneState::Unreachable { .. }) {
        assert!(!after.is_starting() && !after.is_restarting());
    }
}

proptest! {
    #[test]
    fn no_way_leads_where_it_must_not(life in stored(), events in prop::collection::vec(events(), 0..60)) {
        let mut world = World { life, turn: false, lost: false };
        for event in &events {
            let before = world.life.clone();
            world.happens(event);
            world.check();
            goes_on(&before, &world.life);
        }
        world.life.begin_close(Cause::Asked, true);
        for _ in CloseStep::iter() {
            world.life.end_step();
        }
        world.life.tell(told());
        prop_assert!(world.life.closed().is_some());
        prop_assert!(world.life.is_forced() || !matches!(world.life.state(), PaneState::Closing(_)));
    }

    #[test]
    fn what_is_known_outlasts_the_loss_of_the_keeper(life in stored()) {
        // A restart that was asked for is not: nobody knows what runs.
        prop_assume!(!life.is_asked());
        let mut lost = life.clone();
        lost.lose(1, "first".to_owned(), true);
        lost.lose(2, "second".to_owned(), false);
        let why = lost.unreachable().unwrap().clone();
        prop_assert_eq!((why.since_ms, why.reason.as_str(), why.program_lives), (1, "second", false));
        prop_assert_eq!(lost.end(), life.end());
        prop_assert_eq!(lost.is_kept(), life.is_kept());
        lost.found();
        prop_assert_eq!(lost, life);
    }
}

#[test]
fn a_close_remembers_why_the_keeper_could_not_be_asked() {
    let mut life = PaneLife::default();
    life.lose(1, "it is stopped".to_owned(), true);
    assert!(life.begin_close(Cause::Asked, false));
    assert!(!life.begin_close(Cause::ByItself, true));
    assert_eq!(life.unreachable().unwrap().reason, "it is stopped");
    assert!(life.is_forced() && !life.closes_by_itself());
    life.found();
    assert!(life.unreachable().is_none() && !life.has_ended());
}

#[test]
fn a_close_of_a_pane_that_is_being_started_knows_of_it_until_that_is_over() {
    let mut life = PaneLife::default();
    life.note_end(ended(1));
    assert!(life.decide(by_type(3)));
    assert_eq!(life.due_ms(), Some(3));
    assert!(life.begin_start() && !life.begin_start());
    assert!(life.begin_close(Cause::Asked, false));
    assert!(life.is_starting() && !life.begin_life());
    life.end_start();
    assert!(!life.is_starting() && life.has_ended());
}

#[test]
fn a_start_that_is_given_up_is_still_due() {
    let mut life = PaneLife::default();
    life.note_end(ended(1));
    life.decide(by_type(3));
    life.begin_start();
    life.end_start();
    assert_eq!(life.due_ms(), Some(3));
    assert!(life.begin_start() && life.begin_life());
    assert_eq!(
        (life.restarts(), life.ends(), life.has_ended()),
        (1, 1, false)
    );
}

#[test]
fn a_start_that_is_put_off_is_no_end() {
    let mut life = PaneLife::default();
    assert!(!life.put_off_start(9));
    life.note_end(ended(1));
    assert!(!life.put_off_start(9));
    life.decide(by_type(3));
    life.begin_start();
    assert!(!life.put_off_start(9), "somebody is starting it");
    life.end_start();
    assert!(life.put_off_start(9));
    assert_eq!(
        (life.due_ms(), life.ends(), life.restarts()),
        (Some(9), 1, 0)
    );
    assert!(life.is_restarting() && life.end() == Some(&ended(1)));
    assert!(life.begin_start() && life.begin_life());
}

#[test]
fn a_restart_that_is_asked_for_ends_in_the_next_life_or_says_why_not() {
    let begun = |life: &mut PaneLife| life.ask_restart(5).unwrap();
    let mut life = PaneLife::default();
    let asked = begun(&mut life);
    assert!(life.is_stopping() && life.is_asked() && !life.has_ended());
    life.note_end(ended(143));
    assert_eq!((life.due_ms(), life.is_undecided()), (Some(5), false));
    assert_eq!(life.course(asked), Course::UnderWay);
    let mut failed = life.clone();
    assert!(life.begin_start() && life.is_asked() && life.begin_life());
    assert_eq!((life.course(asked), life.is_asked()), (Course::Done, false));
    // Also when that one has ended by now.
    life.note_end(ended(1));
    assert_eq!(life.course(asked), Course::Done);
    failed.fail_start(ended(127));
    let why = Course::Failed(ExitStatus::Exited { code: 127 });
    assert_eq!(failed.course(asked), why);
    let again = begun(&mut failed);
    assert_eq!(failed.course(again), Course::UnderWay);
    assert!(failed.put_off_start(9));
    assert_eq!(failed.course(again), Course::PutOff);
    failed.begin_close(Cause::Asked, false);
    assert_eq!(failed.course(again), Course::Closing);
    assert!(failed.ask_restart(7).is_none());
}

#[test]
fn the_next_daemon_goes_on_with_a_restart_that_was_asked_for() {
    let mut stored = StoredState {
        restart: true,
        ..StoredState::default()
    };
    let running = PaneLife::restored(&stored);
    assert!(running.is_stopping());
    stored.ended = Some(ended(143));
    assert_eq!(PaneLife::restored(&stored).due_ms(), Some(0));
    stored.closing = true;
    assert!(!PaneLife::restored(&stored).is_asked());
}
