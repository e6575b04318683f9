//! Tests of the errors of layouts.

use protocol::ErrorCode;

use super::*;

#[test]
fn an_error_says_which_pane_it_is_about_and_keeps_its_remedy() {
    let error = Error::new(ErrorCode::SpawnFailed, "cannot start x: its keeper is away")
        .hint("no pane was made; install fugue again");
    let error = at("the first pane", error);
    let (message, hint) = (&error.message, &error.hint);
    assert_eq!(
        message,
        "the first pane: cannot start x: its keeper is away"
    );
    assert_eq!(hint, "no pane of the layout was made; install fugue again");
}
