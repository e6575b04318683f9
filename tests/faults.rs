//! Faults of the surroundings: what the system takes away, the daemon does without, and uses again.

mod disk;
mod limits;
mod mounts;
mod runtime_dir;
mod shortage;
mod surroundings;
mod time;
mod unrecorded;
