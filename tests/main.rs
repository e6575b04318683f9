//! All tests of the whole: one binary, one module per promise.

mod tidy;
