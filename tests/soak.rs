//! Chaos: random users and random faults, with what must hold checked after each step.
//!
//! The seed decides every step. `FUGUE_SOAK_SEED` repeats one, `FUGUE_SOAK_SECONDS` says for how long.

mod checks;
mod faults;
mod users;
mod world;

use std::time::{Duration, Instant};

use crate::support::run_within;
use world::World;

/// How long a run among the other tests takes, in seconds.
const SECONDS: u64 = 60;

/// The seed of a run among the other tests.
const SEED: u64 = 4;

/// What closing everything and ending the daemon may take on top.
const END: Duration = Duration::from_secs(90);

fn setting(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(otherwise)
}

#[test]
fn nothing_is_lost_in_a_minute_of_chaos() {
    let seed = setting("FUGUE_SOAK_SEED", SEED);
    let length = Duration::from_secs(setting("FUGUE_SOAK_SECONDS", SECONDS));
    eprintln!("soak: seed {seed}, {} s", length.as_secs());
    run_within(length + END, async {
        let begun = Instant::now();
        let mut world = World::new(seed).await;
        while begun.elapsed() < length {
            step(&mut world).await;
            checks::all(&mut world).await;
        }
        checks::end(world).await;
    });
}

/// One thing that a user does, or that goes wrong.
async fn step(world: &mut World) {
    match world.random.below(100) {
        0..14 => users::create(world).await,
        14..18 => users::split(world).await,
        18..34 => users::type_into(world).await,
        34..40 => users::attach(world).await,
        40..44 => users::detach(world).await,
        44..47 => users::resize(world).await,
        47..50 => users::rename(world).await,
        50..58 => users::harvest(world).await,
        58..61 => users::close_pane(world).await,
        61..63 => users::kill_session(world).await,
        63..67 => users::begin_run(world).await,
        67..71 => users::end_run(world).await,
        71..74 => users::attach_terminal(world).await,
        74..78 => faults::kill_daemon(world).await,
        78..80 => faults::kill_daemon_beside_stopped_keepers(world).await,
        80..84 => faults::kill_daemon_during_a_create(world).await,
        84..86 => faults::stop_and_start(world).await,
        86..88 => faults::suspend_daemon(world).await,
        88..90 => faults::kill_keeper(world).await,
        90..92 => faults::kill_client(world).await,
        92..93 => faults::delete_runtime_directory(world).await,
        _ => faults::crash_actor(world).await,
    }
}
