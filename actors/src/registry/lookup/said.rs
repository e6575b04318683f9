//! The words in which a target that means nothing, or several things, is refused.

use std::fmt;

use model::session::snapshot::SessionSnapshot;
use protocol::reply::PaneEnd;
use protocol::target::Part;
use protocol::{Error, ErrorCode, Target};

/// So many names are given at most.
pub(super) const MOST: usize = 8;

/// The error for a target that is of another kind than is wanted.
#[must_use]
pub(super) fn wrong_kind(target: &Target, is: &str, wanted: &str) -> Error {
    Error::invalid(format!("{target} is a {is}, and a {wanted} is meant here"))
        .hint(format!("name a {wanted}: {}", listed(wanted)))
}

/// The sentence about the place where things of a kind are listed.
fn listed(kind: &str) -> &'static str {
    match kind {
        "session" => "`fugue ls` or fugue_list_sessions lists them",
        "window" => "`fugue windows` or fugue_list_windows lists them",
        _ => "`fugue panes --all` or fugue_list_panes lists them",
    }
}

/// The error for something that is not there.
#[must_use]
pub(super) fn not_found(kind: &str, target: &Target) -> Error {
    let message = match target {
        Target::Name(name) => format!("no {kind} {:?}", name.as_str()),
        Target::Id(_) | Target::Session(_) | Target::Window(_) | Target::Pane(_) => {
            format!("no {kind} {target}")
        }
        Target::Path(path) => format!("no {kind} {path}"),
    };
    Error::new(ErrorCode::NotFound, message).hint(listed(kind))
}

/// The error for a session or window that has no pane at this moment.
#[must_use]
pub(super) fn no_pane_now(snapshot: &SessionSnapshot) -> Error {
    let name = &snapshot.name;
    let message = format!("session {name} has no pane at this moment");
    Error::new(ErrorCode::NotFound, message)
        .hint("try again when its orchestration has started one")
}

/// The error for a removed pane.
#[must_use]
pub(super) fn pane_exited(target: &Target, end: &PaneEnd) -> Error {
    let how = end.status.exit.as_ref().map_or_else(
        || "it was closed".to_owned(),
        |exit| format!("its program has ended ({exit})"),
    );
    Error::new(
        ErrorCode::PaneExited,
        format!("pane {target} is gone: {how}"),
    )
    .hint("`fugue wait` or fugue_expect still gives its status, and `fugue read` or fugue_read_pane the end of its output; `--remain` or remain_on_exit keeps panes that end")
}

/// The end of the last pane of an ended session, in words.
#[must_use]
pub(super) fn last_end(end: &PaneEnd) -> String {
    let how = end.status.exit.as_ref();
    let how = how.map_or_else(|| "closed".to_owned(), |exit| exit.to_string());
    let pane = end
        .number
        .map_or_else(|| end.pane_id.to_string(), |n| n.to_string());
    format!("the last one has ended, with pane {pane} ({how})")
}

/// The one thing that was found.
///
/// # Errors
/// `not_found`; `ambiguous_name` with all of them.
pub(super) fn only<T>(
    mut found: Vec<T>,
    kind: &str,
    target: &Target,
    shown: impl Fn(&T) -> String,
) -> Result<T, Error> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(not_found(kind, target)),
        _ => Err(ambiguous(kind, target, found.iter().map(shown))),
    }
}

/// The one thing that a part of a path means within `within`.
///
/// # Errors
/// As [`only`].
pub(super) fn only_part<T, N: fmt::Display>(
    mut found: Vec<T>,
    kind: &str,
    part: &Part<N>,
    within: &impl fmt::Display,
    shown: impl Fn(&T) -> String,
) -> Result<T, Error> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let message = format!("no {kind} {part} in {within}");
            Err(Error::new(ErrorCode::NotFound, message).hint(listed(kind)))
        }
        _ => Err(ambiguous(kind, part, found.iter().map(shown))),
    }
}

fn ambiguous(
    kind: &str,
    what: &impl fmt::Display,
    candidates: impl ExactSizeIterator<Item = String>,
) -> Error {
    let message = format!("{what} fits {} {kind}s", candidates.len());
    Error::new(ErrorCode::AmbiguousName, message)
        .hint("name one of them by its path or its number")
        .candidates(candidates.take(MOST))
}

/// An error for something that is not there, with what there is.
#[must_use]
pub(super) fn with_choices(error: Error, choices: impl FnOnce() -> Vec<String>) -> Error {
    if error.code == ErrorCode::NotFound {
        return error.candidates(choices());
    }
    error
}
