//! Watches that the root supervisor and each well-known actor go on with their work, and tells systemd as long as they do.

use std::time::Duration;

use supervisor::{Pulse, Tree};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::notify::Notify;

#[cfg(test)]
mod tests;

/// The time that an actor that has work may take without finishing a piece of it.
const PROGRESS_LIMIT: Duration = Duration::from_secs(10);

/// The pause between two looks when nobody wants a sign of life more often.
const LOOK: Duration = Duration::from_secs(2);

/// An actor that is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    /// Its path in the tree.
    pub path: &'static str,
    /// No sign of life is given while it is stuck. Not so for one that a restart of the daemon does not mend.
    pub vital: bool,
}

/// The actors that the daemon watches. The HTTP listener is watched only when there is one.
const WATCHES: [Watch; 7] = [
    vital("fugued"),
    // It waits for a disk, which hangs for the next daemon too; panes go on without it.
    Watch {
        path: "fugued/store",
        vital: false,
    },
    vital("fugued/sessions"),
    vital("fugued/orchestrations"),
    vital("fugued/clients"),
    vital("fugued/surfaces"),
    vital("fugued/surfaces/unix"),
];

/// See [`WATCHES`].
const HTTP: Watch = vital("fugued/surfaces/http");

const fn vital(path: &'static str) -> Watch {
    Watch { path, vital: true }
}

/// The actors that the daemon watches, with the HTTP listener or without.
#[must_use]
pub(crate) fn watches(http: bool) -> Vec<Watch> {
    let mut all = WATCHES.to_vec();
    all.extend(http.then_some(HTTP));
    all
}

/// An actor under watch, and the facts that are known of it.
struct WatchedActor {
    watch: Watch,
    /// How far it was when it last went on.
    handled: Option<u64>,
    /// When it last went on, or had nothing to do.
    since: Instant,
    stuck: bool,
}

impl WatchedActor {
    /// Takes a look. True as long as it goes on.
    fn look(&mut self, pulse: Option<&Pulse>, now: Instant) -> bool {
        let handled = pulse.map(|pulse| pulse.handled);
        let idle = pulse.is_some_and(|pulse| pulse.busy.is_none() && pulse.waiting == 0);
        // One that does not run, because it is being started again, is not idle.
        if idle || handled != self.handled {
            self.since = now;
        }
        self.handled = handled;
        now.duration_since(self.since) < PROGRESS_LIMIT
    }

    fn note(&mut self, well: bool, pulse: Option<&Pulse>) {
        let path = self.watch.path;
        if !well && !self.stuck {
            let doing = match pulse {
                None => "does not run".to_owned(),
                Some(Pulse { busy: Some(b), .. }) => format!("busy {} ms in {}", b.for_ms, b.label),
                Some(pulse) => format!("leaves {} messages", pulse.waiting),
            };
            tracing::error!(child = path, doing, "no progress for {PROGRESS_LIMIT:?}");
        } else if well && self.stuck {
            tracing::info!(child = path, "progress again");
        }
        self.stuck = !well;
    }
}

/// Looks for ever. Dropping the future ends it.
pub(crate) async fn run(
    tree: &Tree,
    watches: Vec<Watch>,
    notify: &Notify,
    status: impl Fn() -> String,
) {
    let begun = Instant::now();
    let watched = |watch| WatchedActor {
        watch,
        handled: None,
        since: begun,
        stuck: false,
    };
    let mut all: Vec<_> = watches.into_iter().map(watched).collect();
    let (pause, looks) = rhythm(notify.watchdog());
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since_fed = looks;
    let mut told = String::new();
    loop {
        let now = ticks.tick().await;
        let mut lives = true;
        for one in &mut all {
            let pulse = tree.pulse(one.watch.path);
            let well = one.look(pulse.as_ref(), now);
            one.note(well, pulse.as_ref());
            lives &= well || !one.watch.vital;
        }
        since_fed += 1;
        if lives && since_fed >= looks && notify.watchdog().is_some() {
            notify.alive();
            since_fed = 0;
        }
        if notify.is_heard() {
            let status = status();
            if status != told {
                notify.status(&status);
                told = status;
            }
        }
    }
}

/// The pause between two looks, and after how many of them a sign of life is due: at half of the time, so that one that
/// is late is not too late.
fn rhythm(watchdog: Option<Duration>) -> (Duration, u32) {
    let half = watchdog.map_or(LOOK, |period| period / 2);
    let half = half.max(Duration::from_millis(1));
    let looks = half.as_millis().div_ceil(LOOK.as_millis());
    let looks = u32::try_from(looks).unwrap_or(u32::MAX).max(1);
    (half / looks, looks)
}
