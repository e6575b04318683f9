//! Tests of `waiting`.
