//! What tests type into panes and wait for.

use std::time::Duration;

use protocol::Target;
use protocol::id::PaneUuid;
use protocol::request::{Expect, SendInput, Until};

use super::LIMIT;

/// A line, with Enter.
pub fn input(pane: PaneUuid, text: &str) -> SendInput {
    SendInput {
        pane: Target::from(pane),
        text: text.to_owned(),
        keys: Vec::new(),
        submit: true,
        paste: None,
        timeout_ms: None,
    }
}

/// A wait for a pattern, which says that it ran over before the call does.
pub fn pattern(pane: PaneUuid, pattern: &str) -> Expect {
    let limit = LIMIT - Duration::from_secs(2);
    Expect {
        pane: Target::from(pane),
        pattern: Some(pattern.to_owned()),
        until: Until::Match,
        idle_ms: None,
        after_input: false,
        timeout_ms: limit.as_millis() as u64,
        since: None,
        states: Vec::new(),
        output_only: true,
    }
}
