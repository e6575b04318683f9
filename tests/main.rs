//! All tests of the whole: one binary, one module per promise.

#![allow(unreachable_pub, reason = "one binary: nothing is reached from outside")]
#![allow(missing_docs, reason = "tests say what they show by their names")]

mod attach;
mod crashes;
mod isolation;
mod orchestration;
mod process_truth;
mod support;
mod tidy;
