//! All tests of the whole: one binary, one module per promise.

mod process_truth;
mod support;
mod tidy;
