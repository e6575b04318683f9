//! Faults of the surroundings: what the system takes away, the daemon does without, and uses again.

mod runtime_dir;
