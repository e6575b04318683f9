//! Each step of each operation with each fault: what nobody owns is not left, and what somebody does is.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

mod operations;
pub mod table;
mod world;

use table::{Kind, Operation, TABLE};
use world::World;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Fails,
    /// It takes longer than whoever waits for it has time.
    Slow,
    Panics,
    /// The daemon is killed there.
    Killed,
}

impl Fault {
    /// As the daemon is told.
    fn word(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Slow => "slow 5000",
            Self::Panics => "panics",
            Self::Killed => "killed",
        }
    }
}

/// Rows at the same time: most of them wait.
const AT_ONCE: usize = 6;

fn rows() -> Vec<(Operation, &'static str, Fault)> {
    let faults = |kind| match kind {
        Kind::Fails => &[Fault::Fails, Fault::Slow, Fault::Panics, Fault::Killed][..],
        Kind::Sure => &[Fault::Slow, Fault::Panics, Fault::Killed],
    };
    // A part of the table, for whoever works on that.
    let wanted = std::env::var("FUGUE_TEST_ROWS").unwrap_or_default();
    let rows = TABLE.iter().flat_map(|(operation, step, kind)| {
        faults(*kind)
            .iter()
            .map(|fault| (*operation, *step, *fault))
    });
    rows.filter(|row| format!("{row:?}").contains(&wanted))
        .collect()
}

async fn walk(operation: Operation, step: &str, fault: Fault) {
    let mut world = World::begin(operation).await;
    let told = operations::carry_out(&mut world, operation, step, fault).await;
    operations::check(&mut world, (operation, step, fault), told).await;
    world.end().await;
}

#[test]
fn after_each_fault_in_each_step_nothing_is_left_that_nobody_owns() {
    let rows = rows();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(&(operation, step, fault)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let walked = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.unwrap().block_on(walk(operation, step, fault));
            }));
            eprintln!("{operation:?}, {step}, {fault:?}: {:?}", begun.elapsed());
            if let Err(panic) = walked {
                let why = panic.downcast_ref::<String>().cloned();
                let why = why.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                let why = why.unwrap_or_default();
                wrong
                    .lock()
                    .unwrap()
                    .push(format!("{operation:?}, {step}, {fault:?}: {why}"));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}
