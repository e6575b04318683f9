//! Tests of `session_id`.
