//! The words in which a target that means nothing, or several things, is refused.

use std::fmt;
use std::sync::Arc;

use model::session::snapshot::SessionSnapshot;
use protocol::reply::PaneEnd;
use protocol::target::Part;
use protocol::{Error, ErrorCode, PaneUuid, Target, WindowUuid};

use crate::session::SessionEntry;

/// So many names are given at most.
const MOST: usize = 8;

/// A command in a list of candidates is cut to so many characters.
const COMMAND_CHARS: usize = 40;

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

/// The names nearest to the wanted one. Nobody misspells an id or a number: what there is then stands in order.
#[must_use]
pub(super) fn nearest_names(target: &Target, names: Vec<String>) -> Vec<String> {
    let wanted = match target {
        Target::Name(name) => name.as_str(),
        Target::Id(_)
        | Target::Session(_)
        | Target::Window(_)
        | Target::Pane(_)
        | Target::Path(_) => "",
    };
    protocol::near::nearest(wanted, names, MOST)
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
        |exit| format!("its program {exit}"),
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
    let how = how.map_or_else(|| "was closed".to_owned(), |exit| exit.to_string());
    let pane = end
        .number
        .map_or_else(|| end.pane_id.to_string(), |n| n.to_string());
    format!("the last one has ended, with pane {pane}, which {how}")
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
        .candidates(candidates)
}

/// An error for something that is not there, with what there is.
#[must_use]
pub(super) fn with_choices(error: Error, choices: impl FnOnce() -> Vec<String>) -> Error {
    if error.code == ErrorCode::NotFound {
        return error.candidates(choices());
    }
    error
}

/// The windows of these sessions by their names, nearest first.
#[must_use]
pub(super) fn windows_near(target: &Target, sessions: &[Arc<SessionEntry>]) -> Vec<String> {
    let snapshots = sessions.iter().map(|entry| entry.snapshot());
    let windows = snapshots.flat_map(|snapshot| {
        let names = snapshot
            .windows
            .iter()
            .map(|window| window.name.to_string());
        names.collect::<Vec<_>>()
    });
    nearest_names(target, windows.collect())
}

/// All windows of a session, as paths.
#[must_use]
pub(super) fn window_paths(snapshot: &SessionSnapshot) -> Vec<String> {
    let windows = snapshot.windows.iter();
    windows
        .map(|window| shown_window(snapshot, window.id))
        .collect()
}

/// A window by its path and, where that says more, its name: `build/1 (logs)`.
#[must_use]
pub(super) fn shown_window(snapshot: &SessionSnapshot, id: WindowUuid) -> String {
    let path = window_path(snapshot, id);
    match snapshot.window(id) {
        Some(window) if !path.ends_with(&format!("/{}", window.name)) => {
            format!("{path} ({})", window.name)
        }
        _ => path,
    }
}

/// A window's path by its index: `build/1`.
#[must_use]
pub(super) fn window_path(snapshot: &SessionSnapshot, id: WindowUuid) -> String {
    let mut windows = snapshot.windows.iter();
    let index = windows.position(|window| window.id == id);
    index.map_or_else(
        || format!("{}/{id}", snapshot.name),
        |index| format!("{}/{index}", snapshot.name),
    )
}

/// A pane's path by its indexes: `build/0.1`.
#[must_use]
pub(super) fn pane_path(snapshot: &SessionSnapshot, id: PaneUuid) -> Option<String> {
    let window = snapshot.window_of(id)?;
    let index = window.layout.panes().iter().position(|pane| *pane == id)?;
    Some(format!("{}.{index}", window_path(snapshot, window.id)))
}

/// A command in one short line.
#[must_use]
pub(super) fn brief(command: &str) -> String {
    let line = command.replace(['\n', '\t'], " ");
    match line.char_indices().nth(COMMAND_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
