//! Named steps of operations that have several: where a test puts a fault. Nothing of it is in a release build.
//!
//! `tests/steps.rs` walks each name with each fault.

#[cfg(debug_assertions)]
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
#[cfg(debug_assertions)]
use std::time::Duration;

#[cfg(debug_assertions)]
use protocol::{Error, ErrorCode};

/// A step with its name: a `Result`, whose error is a failure there. `sure` marks one that cannot fail, `sync` one outside of a task.
#[cfg(debug_assertions)]
macro_rules! step {
    ($name:literal) => {
        $crate::step::reached($name).await
    };
    ($name:literal, sure) => {
        $crate::step::passed($name).await
    };
    ($name:literal, sync) => {
        $crate::step::reached_now($name)
    };
}

#[cfg(not(debug_assertions))]
macro_rules! step {
    ($name:literal) => {
        Ok::<(), protocol::Error>(())
    };
    ($name:literal, sure) => {
        ()
    };
    ($name:literal, sync) => {
        Ok::<(), protocol::Error>(())
    };
}

pub(crate) use step;

/// The variable with the fault of a daemon that cannot be asked yet.
#[cfg(debug_assertions)]
const VARIABLE: &str = "FUGUE_TEST_STEP";

/// The fault that happens at a step.
#[cfg(debug_assertions)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Fails,
    Slow(Duration),
    Panics,
    Killed,
}

/// The fault that is wanted, once.
#[cfg(debug_assertions)]
struct Wanted {
    step: String,
    fault: Fault,
    met: bool,
}

#[cfg(debug_assertions)]
static WANTED: LazyLock<Mutex<Option<Wanted>>> = LazyLock::new(|| {
    let asked = std::env::var(VARIABLE).ok();
    Mutex::new(asked.and_then(|asked| parse(&asked)))
});

/// `step=fails`, `step=slow 500` (milliseconds), `step=panics`, `step=killed`.
#[cfg(debug_assertions)]
fn parse(asked: &str) -> Option<Wanted> {
    let (step, fault) = asked.split_once('=')?;
    let fault = match fault.split_once(' ') {
        Some(("slow", ms)) => Fault::Slow(Duration::from_millis(ms.parse().ok()?)),
        None if fault == "fails" => Fault::Fails,
        None if fault == "panics" => Fault::Panics,
        None if fault == "killed" => Fault::Killed,
        _ => return None,
    };
    Some(Wanted {
        step: step.to_owned(),
        fault,
        met: false,
    })
}

#[cfg(debug_assertions)]
fn wanted() -> MutexGuard<'static, Option<Wanted>> {
    WANTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fault is wanted from now on.
///
/// # Errors
/// `invalid_argument` when it is none.
#[cfg(debug_assertions)]
pub(crate) fn want(asked: &str) -> Result<(), Error> {
    let fault = parse(asked).ok_or_else(|| Error::invalid(format!("{asked} is no fault")))?;
    *wanted() = Some(fault);
    Ok(())
}

/// True if the fault that was wanted has happened.
#[cfg(debug_assertions)]
pub(crate) fn is_met() -> bool {
    wanted().as_ref().is_some_and(|wanted| wanted.met)
}

/// The fault that is to happen at this step: once.
#[cfg(debug_assertions)]
fn take(name: &str) -> Option<Fault> {
    let mut wanted = wanted();
    let wanted = wanted
        .as_mut()
        .filter(|wanted| wanted.step == name && !wanted.met)?;
    wanted.met = true;
    tracing::warn!(step = name, fault = ?wanted.fault, "a test asked for it");
    Some(wanted.fault)
}

#[cfg(debug_assertions)]
fn failed(name: &str) -> Error {
    Error::new(ErrorCode::Limit, format!("{name}: a test asked for it"))
}

#[cfg(debug_assertions)]
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

/// A step within a task.
#[cfg(debug_assertions)]
pub(crate) async fn reached(name: &str) -> Result<(), Error> {
    match take(name) {
        None => Ok(()),
        Some(Fault::Fails) => Err(failed(name)),
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        Some(Fault::Panics) => panic!("a test asked for it"),
        Some(Fault::Killed) => die(),
    }
}

/// A step that cannot fail: it panics where a test wants that all the same.
#[cfg(debug_assertions)]
pub(crate) async fn passed(name: &str) {
    if let Err(error) = reached(name).await {
        panic!("{error}");
    }
}

/// A step outside of a task.
#[cfg(debug_assertions)]
pub(crate) fn reached_now(name: &str) -> Result<(), Error> {
    match take(name) {
        None => Ok(()),
        Some(Fault::Fails) => Err(failed(name)),
        Some(Fault::Slow(pause)) => {
            std::thread::sleep(pause);
            Ok(())
        }
        Some(Fault::Panics) => panic!("a test asked for it"),
        Some(Fault::Killed) => die(),
    }
}
