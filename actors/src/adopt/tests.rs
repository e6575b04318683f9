//! Tests of adoption.
