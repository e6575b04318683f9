//! Orchestrations: the plan of one, how far it is, and the form in which it is stored.

pub mod plan;
pub mod progress;
pub mod stored;
