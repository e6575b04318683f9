//! Many servers from one place: over ssh as here, and each that fails fails alone.

mod cuts;
mod dead;
mod ssh;
