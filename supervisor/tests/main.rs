//! Integration tests of the supervisor crate: real ractor under tokio's paused clock, the rule table,
//! and the comparison with Erlang/OTP.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what is wanted"
)]

mod actors;
mod differential;
mod dynamic;
mod shell;
mod support;
mod table;
mod window;
