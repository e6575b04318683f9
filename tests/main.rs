//! All tests of the whole: one binary, one module per promise.

#![allow(
    unreachable_pub,
    reason = "one binary: nothing is reached from outside"
)]
#![allow(clippy::unwrap_used, reason = "everything here is a test or helps one")]
#![allow(clippy::too_many_lines, reason = "a story is told in one piece")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test names what it wants and prints the rest"
)]
#![allow(missing_docs, reason = "tests say what they show by their names")]

mod addresses;
mod adoption;
mod attach;
mod bad_input;
mod completing;
mod containment;
mod crashes;
mod doctor;
mod faults;
mod hands;
mod hidden;
mod installing;
mod isolation;
mod keeper;
mod keeper_versions;
mod layouts;
mod lives;
mod mcp_wire;
mod orchestration;
mod process_truth;
mod raw_names;
mod readme;
mod restarting;
mod rights;
mod secrets;
mod servers;
mod shutdown;
mod soak;
mod steps;
mod stopping;
mod support;
mod surface;
mod systemd;
mod tailing;
mod tidy;
mod told;
mod trust;
mod typing;
mod walk;
mod wedge;
