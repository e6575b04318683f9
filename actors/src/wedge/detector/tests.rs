//! Looks at pretended threads: what is a wedge, and above all what is none.

use proptest::prelude::*;

use super::*;

const LOOK: Duration = Duration::from_millis(500);
const PANE: u128 = 0x0192_0000_0000_7000_8000_0000_0000_0001;

/// A runtime of two threads whose clock goes on by looks.
struct World {
    sight: Sight,
    detector: Detector,
}

impl World {
    fn new() -> Self {
        let thread = |thread| ThreadSight {
            turn: Turn {
                thread,
                changes: 1,
                subject: None,
            },
            used: Some(Duration::ZERO),
            waited: Duration::ZERO,
        };
        Self {
            sight: Sight {
                at: Duration::from_secs(1),
                asked: 1,
                answered: 1,
                threads: vec![thread(11), thread(12)],
            },
            detector: Detector::default(),
        }
    }

    /// Looks for `secs`, each look `pause` after the one before, with `change` before each.
    fn look_every(
        &mut self,
        pause: Duration,
        secs: u64,
        change: impl Fn(&mut Sight),
    ) -> Option<Wedge> {
        let end = self.sight.at + Duration::from_secs(secs);
        while self.sight.at < end {
            self.sight.at += pause;
            change(&mut self.sight);
            let wedge = self.detector.look(&self.sight);
            if wedge.is_some() {
                return wedge;
            }
        }
        None
    }

    fn look(&mut self, secs: u64, change: impl Fn(&mut Sight)) -> Option<Wedge> {
        self.look_every(LOOK, secs, change)
    }

    fn begin_turn(&mut self) {
        let turn = &mut self.sight.threads[0].turn;
        turn.subject = Some(PANE);
        turn.changes += 1;
    }
}

/// Thread 0 uses `share` percent of a processor, thread 1 goes on with its work.
fn turns(share: u32) -> impl Fn(&mut Sight) {
    move |sight| {
        use_cpu(sight, share);
        sight.threads[1].turn.changes += 7;
        (sight.asked, sight.answered) = (sight.asked + 1, sight.answered + 1);
    }
}

fn use_cpu(sight: &mut Sight, share: u32) {
    let used = sight.threads[0].used.unwrap_or_default();
    sight.threads[0].used = Some(used + LOOK * share / 100);
}

#[test]
fn one_thread_that_turns_while_the_other_goes_on_is_a_wedge_after_its_limit() {
    let mut world = World::new();
    assert_eq!(world.look(20, turns(0)), None, "at work");
    world.begin_turn();
    assert_eq!(world.look(9, turns(100)), None, "not yet");
    let wedge = world.look(3, turns(100)).expect("a wedge");
    assert_eq!(wedge.subject(), Some(PANE));
    assert!(wedge.to_string().contains("one turn has lasted"), "{wedge}");
}

#[test]
fn a_turning_thread_with_half_a_processor_is_found_when_it_has_used_enough() {
    let mut world = World::new();
    let _ = world.look(1, turns(0));
    world.begin_turn();
    assert_eq!(world.look(11, turns(50)), None, "too little used");
    assert!(matches!(
        world.look(3, turns(50)),
        Some(Wedge::Turning { subject: PANE, .. })
    ));
}

#[test]
fn a_turn_that_waits_for_something_while_others_go_on_is_none() {
    let mut world = World::new();
    let _ = world.look(1, turns(0));
    world.begin_turn();
    assert_eq!(world.look(600, turns(0)), None);
}

#[test]
fn many_short_turns_that_use_all_of_a_processor_are_none() {
    let mut world = World::new();
    let busy = |sight: &mut Sight| {
        use_cpu(sight, 100);
        sight.threads[0].turn.changes += 2;
    };
    world.begin_turn();
    assert_eq!(world.look(600, busy), None);
}

#[test]
fn a_runtime_that_answers_nothing_and_changes_nothing_is_stuck() {
    let mut world = World::new();
    let _ = world.look(5, turns(0));
    world.begin_turn();
    let silent = |sight: &mut Sight| sight.asked = sight.answered + 1;
    assert_eq!(world.look(9, silent), None, "not yet");
    let wedge = world.look(3, silent).expect("a wedge");
    assert!(matches!(wedge, Wedge::Stuck { .. }), "{wedge:?}");
    assert_eq!(
        wedge.subject(),
        Some(PANE),
        "the one turn there is explains it"
    );
}

#[test]
fn two_turns_on_stuck_threads_explain_nothing() {
    let mut world = World::new();
    world.begin_turn();
    world.sight.threads[1].turn.subject = Some(PANE + 1);
    let silent = |sight: &mut Sight| sight.asked = sight.answered + 1;
    let wedge = world.look(12, silent).expect("a wedge");
    assert_eq!(wedge.subject(), None);
}

#[test]
fn an_idle_runtime_that_answers_is_none() {
    let mut world = World::new();
    assert_eq!(world.look(3600, |_| {}), None);
}

#[test]
fn a_process_that_was_stopped_begins_anew() {
    let mut world = World::new();
    world.begin_turn();
    let turning = |sight: &mut Sight| {
        use_cpu(sight, 100);
        sight.asked = sight.answered + 1;
    };
    assert_eq!(world.look(9, turning), None);
    // SIGSTOP for 30 s: the next look comes late, and nothing before it counts.
    world.sight.at += Duration::from_secs(30);
    assert_eq!(world.look(9, turning), None);
    assert!(world.look(3, turning).is_some());
}

#[test]
fn a_starved_process_is_none() {
    // Threads that wait for a processor most of the time, and looks that come late as well.
    let starved = |sight: &mut Sight| {
        use_cpu(sight, 1);
        sight.asked = sight.answered + 1;
        for thread in &mut sight.threads {
            thread.waited += LOOK * 90 / 100;
        }
    };
    let mut world = World::new();
    world.begin_turn();
    assert_eq!(world.look(120, starved), None);
    let mut world = World::new();
    world.begin_turn();
    assert_eq!(world.look_every(LATE + LOOK, 600, starved), None);
}

#[test]
fn a_kernel_that_counts_nothing_takes_only_the_way_of_silence() {
    let mut world = World::new();
    world.begin_turn();
    let unknown = |sight: &mut Sight| {
        sight.threads[0].used = None;
        sight.threads[1].turn.changes += 1;
    };
    assert_eq!(world.look(60, unknown), None);
}

proptest! {
    /// Whatever the looks show, there is no wedge before its limit has passed on looks that came in time.
    #[test]
    fn no_wedge_before_its_limit(steps in prop::collection::vec((1_u64..4000, any::<bool>(), 0_u32..100, any::<bool>()), 1..80)) {
        let mut world = World::new();
        let mut since = None;
        for (pause_ms, change, share, answer) in steps {
            let pause = Duration::from_millis(pause_ms);
            world.sight.at += pause;
            let thread = &mut world.sight.threads[0];
            thread.used = thread.used.map(|used| used + pause * share / 100);
            if change {
                thread.turn.changes += 1;
                thread.turn.subject = Some(PANE);
            }
            world.sight.asked = world.sight.answered + u64::from(!answer);
            if since.is_none() || change || pause > LATE {
                since = Some(world.sight.at);
            }
            let wedge = world.detector.look(&world.sight);
            let lasted = world.sight.at - since.unwrap();
            prop_assert!(wedge.is_none() || lasted >= LIMIT, "{wedge:?} after {lasted:?}");
        }
    }
}
