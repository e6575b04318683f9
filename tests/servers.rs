//! Many servers from one place: over ssh as here, and each that fails fails alone.

mod dead;
mod ssh;
