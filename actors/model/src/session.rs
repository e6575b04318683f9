//! Sessions: the state of one, its layouts, and every change from one state to the next.

pub mod change;
pub mod layout;
pub mod sizes;
pub mod snapshot;
pub mod undo;
