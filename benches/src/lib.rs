//! fugue's benchmarks.
