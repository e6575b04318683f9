//! Requests about panes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{
    ExpectOutcome, Expected, InputSent, Killed, PaneCreated, PaneInfo, PaneStatus, PaneText,
    PaneWaited, Panes, SessionContext,
};
use protocol::request::{
    ClosePane, CreatePane, Expect, ListPanes, ReadPane, SendInput, Until, UpdatePane, WaitPane,
};
use protocol::{Error, ErrorCode, SessionUuid, Size, Target, WindowUuid};
use pty::{ExpectOrder, Input, Line, WriteOrder};
use terminal::screen::{self, Text, TextCursor};

use super::guard;
use super::listing::{info_of, infos};
use super::rename::rename;
use super::session::{change, pane_created};
use crate::clock::{millis, steady_ms};
use crate::pane::{self, PaneEntry};
use crate::registry::{Caller, EndedPane, Leaf};
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::mirror;
use crate::spawn::{self, SpawnOrder};
use model::session::change::{Change, Place};

/// Longest wait of one call.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// The time by which the recorded end of a program may lag behind the end of a wait for it.
const RECORD_LIMIT: Duration = Duration::from_secs(2);

/// Text of one answer unless less is asked for, in bytes.
const TEXT_BYTES: u32 = 1024 * 1024;

/// Text of one answer at most: with its frame it stays below a frame's limit.
const MOST_TEXT_BYTES: u32 = 8 * 1024 * 1024;

/// Typed at once at most, in bytes.
const INPUT_BYTES: usize = 4 * 1024 * 1024;

/// The time that a program may take to read its input, unless the caller says so.
const INPUT_LIMIT: Duration = Duration::from_secs(5);

/// The longest pattern, in bytes.
const PATTERN_BYTES: usize = 4 * 1024;

/// The cursor before all output of a new pane.
pub(super) fn begin_cursor() -> String {
    TextCursor::start().to_string()
}

/// A wait's time limit.
///
/// # Errors
/// `invalid_argument` above one hour.
pub(super) fn wait_limit(timeout_ms: u64) -> Result<Duration, Error> {
    let limit = Duration::from_millis(timeout_ms);
    if limit > LONGEST_WAIT {
        return Err(Error::invalid(format!(
            "a wait of {timeout_ms} ms is too long; at most {} are possible",
            LONGEST_WAIT.as_millis()
        ))
        .hint("wait in several calls"));
    }
    Ok(limit)
}

pub(super) fn session_of(
    server: &Server,
    session: SessionUuid,
    pane: &str,
) -> Result<Arc<SessionEntry>, Error> {
    let session = server.registry.session(session);
    session.ok_or_else(|| closed_with_session(pane))
}

fn closed_with_session(pane: &str) -> Error {
    let message = format!("pane {pane} has just been closed with its session");
    Error::new(ErrorCode::PaneExited, message)
}

/// The new part's share of a split space.
///
/// # Errors
/// `invalid_argument` unless it is above 0 and below 1.
pub(super) fn checked_ratio(ratio: f64) -> Result<f64, Error> {
    if ratio > 0.0 && ratio < 1.0 {
        return Ok(ratio);
    }
    Err(
        Error::invalid(format!("a ratio of {ratio} is out of range"))
            .hint("give the pane's share, above 0 and below 1"),
    )
}

/// The named window with its session, else the named or default session.
pub(super) fn session_and_window(
    server: &Server,
    caller: &Caller,
    session: Option<&Target>,
    window: Option<&Target>,
) -> Result<(Arc<SessionEntry>, Option<WindowUuid>), Error> {
    let registry = &server.registry;
    let Some(window) = window else {
        return Ok((registry.session_or_default(session, caller)?, None));
    };
    let within = session.map(|s| registry.find_session(s)).transpose()?;
    let (session, window) = registry.find_window(window, within.as_ref(), caller)?;
    Ok((session, Some(window)))
}

pub(super) async fn create(
    server: &Arc<Server>,
    caller: &Caller,
    params: CreatePane,
) -> Result<PaneCreated, Error> {
    let ratio = checked_ratio(params.ratio.unwrap_or(0.5))?;
    let beside = params.beside.as_ref();
    let beside = beside
        .map(|target| server.registry.find_leaf(target, caller))
        .transpose()?;
    let (session, window) = match (&params.window, &beside) {
        (None, Some(leaf)) => (session_of(server, leaf.session(), &leaf.shown())?, None),
        (window, _) => {
            session_and_window(server, caller, params.session.as_ref(), window.as_ref())?
        }
    };
    let place = Place::Beside {
        window,
        pane: beside.map(|leaf| leaf.id()),
        direction: params.direction,
        ratio,
    };
    let order = SpawnOrder::terminal(&session, params.pane, place, params.select);
    let spawned = spawn::spawn(server, order).await?;
    pane_created(server, &session, &spawned).await
}

pub(super) async fn list(
    server: &Arc<Server>,
    caller: &Caller,
    params: ListPanes,
) -> Result<Panes, Error> {
    let registry = &server.registry;
    if params.all {
        let panes = registry.sessions().into_iter();
        return Ok(Panes {
            context: None,
            panes: panes.flat_map(|session| infos(server, &session)).collect(),
        });
    }
    let (session, window) = (params.session.as_ref(), params.window.as_ref());
    let (session, window) = session_and_window(server, caller, session, window)?;
    let mut panes = infos(server, &session);
    if let Some(window) = window {
        panes.retain(|pane| pane.window_id == window);
    }
    Ok(Panes {
        context: Some(session.context(&server.name)),
        panes,
    })
}

pub(super) async fn update(
    server: &Arc<Server>,
    caller: &Caller,
    params: UpdatePane,
) -> Result<PaneInfo, Error> {
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let session = session_of(server, leaf.session(), &leaf.shown())?;
    let now = leaf.pane().io.size();
    Size::new(
        params.rows.unwrap_or(now.rows),
        params.cols.unwrap_or(now.cols),
    )
    .checked()?;
    let resizes = params.rows.is_some() || params.cols.is_some() || params.ratio.is_some();
    let wanted = Change::Pane {
        pane: leaf.id(),
        focus: params.focus,
        rows: params.rows,
        cols: params.cols,
        ratio: params.ratio.map(checked_ratio).transpose()?,
    };
    // First, because it can be undone: a call that fails has changed nothing.
    let renamed = match params.name {
        Some(name) => Some(rename(server, &leaf, name).await?),
        None => None,
    };
    if params.focus || resizes {
        change(&session, wanted).await?;
    }
    if let Some(renamed) = renamed {
        renamed.settled();
    }
    info_of(server, &session, &leaf)
}

pub(super) async fn close(
    server: &Arc<Server>,
    caller: &Caller,
    params: ClosePane,
) -> Result<Killed, Error> {
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let session = session_of(server, leaf.session(), &leaf.shown())?;
    if params.guarded {
        guard::pane(server, caller, &leaf, &session)?;
    }
    let context = session.context(&server.name);
    let end = match &leaf {
        Leaf::Pane(pane) => pane::close(server, pane, params.force).await,
        Leaf::Mirror(mirror) => mirror::close(server, mirror).await,
    };
    recorded(server, "the pane").await?;
    let snapshot = session.snapshot();
    Ok(Killed {
        context,
        session_ended: snapshot.windows.is_empty() && snapshot.leases.is_empty(),
        panes: vec![end],
    })
}

/// Waits until the end of `what` is in the database.
///
/// # Errors
/// Those of a commit: it has ended all the same.
pub(super) async fn recorded(server: &Server, what: &str) -> Result<(), Error> {
    server.store.flush().await.map_err(|error| {
        let message = format!(
            "{what} has ended, but that is not recorded: {}",
            error.message
        );
        Error::new(error.code, message).hint(
            "it is tried on by itself; a server that is killed before may start the program again",
        )
    })
}

/// A live pane with its session, or what is remembered of a removed one.
enum LiveOrEnded {
    Live(Arc<PaneEntry>, SessionContext),
    Ended(Arc<EndedPane>),
}

/// The pane that a target means. One that has ended is found by its id, its name and its session's
/// name for as long as its end is remembered, unless something that lives has the name.
fn find(server: &Server, caller: &Caller, target: &Target) -> Result<LiveOrEnded, Error> {
    let registry = &server.registry;
    match registry.find_pane(target, caller) {
        Ok(pane) => match registry.session(pane.session) {
            Some(session) => {
                let context = session.context(&server.name);
                Ok(LiveOrEnded::Live(pane, context))
            }
            // Its end is remembered before its session goes.
            None => gone(server, &pane),
        },
        Err(error) => {
            let ended = registry.find_ended(target, &error);
            ended.map(LiveOrEnded::Ended).ok_or(error)
        }
    }
}

fn gone(server: &Server, pane: &PaneEntry) -> Result<LiveOrEnded, Error> {
    let ended = server.registry.ended_pane(pane.id).map(LiveOrEnded::Ended);
    ended.ok_or_else(|| closed_with_session(&pane.shown()))
}

/// Waits for the next end of the pane's program after the call: of the life that runs, or of the next
/// one when it is about to be started again. A program that stays ended is answered at once.
pub(super) async fn wait(
    server: &Arc<Server>,
    caller: &Caller,
    params: WaitPane,
) -> Result<PaneWaited, Error> {
    let limit = wait_limit(params.timeout_ms)?;
    let (pane, context) = match find(server, caller, &params.pane)? {
        LiveOrEnded::Live(pane, context) => (pane, context),
        LiveOrEnded::Ended(ended) => {
            return Ok(PaneWaited {
                context: ended.context.clone(),
                pane_id: ended.end.pane_id,
                number: ended.end.number,
                status: ended.end.status.clone(),
            });
        }
    };
    Ok(PaneWaited {
        context,
        pane_id: pane.id,
        number: pane.record.number.told(),
        status: pane.next_end(limit).await,
    })
}

pub(super) async fn read(
    server: &Arc<Server>,
    caller: &Caller,
    params: ReadPane,
) -> Result<PaneText, Error> {
    let most = params
        .max_bytes
        .unwrap_or(TEXT_BYTES)
        .clamp(1, MOST_TEXT_BYTES) as usize;
    let since = params.since.as_deref().map(parse_cursor).transpose()?;
    let (pane, context) = match find(server, caller, &params.pane)? {
        LiveOrEnded::Live(pane, context) => (pane, context),
        LiveOrEnded::Ended(ended) => return Ok(read_ended(&ended, since, params.lines, most)),
    };
    // The status first: text that is read after it is at least as new.
    let status = pane.status();
    let (lines, scrollback, ansi) = (params.lines, params.scrollback, params.ansi);
    let looked = pane
        .io
        .look(move |screen| match since {
            Some(since) if ansi => screen.read_styled_since(&since, most),
            Some(since) => screen.read_since(&since, most),
            None => {
                let lines = lines.map_or(usize::MAX, |lines| lines as usize);
                screen.read_last(lines, scrollback, ansi, most)
            }
        })
        .await;
    let text = match (looked, server.registry.ended_pane(pane.id)) {
        (Ok(text), _) => text,
        // It was closed meanwhile.
        (Err(_), Some(ended)) => return Ok(read_ended(&ended, since, lines, most)),
        (Err(error), None) => return Err(error),
    };
    let Text {
        text,
        cursor,
        dropped_lines,
        truncated,
        joined_rows,
        alternate,
        rewritten,
    } = text;
    Ok(PaneText {
        context,
        pane_id: pane.id,
        text,
        cursor: cursor.to_string(),
        truncated,
        dropped_lines,
        alternate,
        joined_rows,
        rewritten,
        status,
    })
}

fn read_ended(
    ended: &EndedPane,
    since: Option<TextCursor>,
    lines: Option<u32>,
    most: usize,
) -> PaneText {
    let tail = &ended.tail;
    let Text {
        text,
        cursor,
        dropped_lines,
        truncated,
        joined_rows,
        alternate,
        rewritten,
    } = match since {
        Some(since) => tail.read_since(&since, most),
        None => tail.read_last(lines.map_or(usize::MAX, |lines| lines as usize), most),
    };
    PaneText {
        context: ended.context.clone(),
        pane_id: ended.end.pane_id,
        text,
        cursor: cursor.to_string(),
        truncated,
        dropped_lines,
        alternate,
        joined_rows,
        rewritten,
        status: ended.end.status.clone(),
    }
}

fn parse_cursor(text: &str) -> Result<TextCursor, Error> {
    text.parse().map_err(|error| {
        Error::invalid(format!(
            "{} is no cursor: {error}",
            protocol::name::shown(text)
        ))
        .hint("give the cursor of an earlier answer as it was, or omit it")
    })
}

pub(super) async fn send_input(
    server: &Arc<Server>,
    caller: &Caller,
    params: SendInput,
) -> Result<InputSent, Error> {
    if params.text.len() > INPUT_BYTES {
        return Err(Error::invalid(format!(
            "the text has {} bytes; at most {INPUT_BYTES} can be typed at once",
            params.text.len()
        ))
        .hint("send it in pieces, or write it to a file"));
    }
    if params.text.is_empty() && params.keys.is_empty() && !params.submit {
        return Err(Error::invalid("there is nothing to type")
            .hint("give text, keys, or submit for Enter alone"));
    }
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let pane = leaf.writable()?;
    pane.typeable()?;
    let session = session_of(server, pane.session, &pane.shown())?;
    let limit = match params.timeout_ms {
        Some(timeout_ms) => wait_limit(timeout_ms)?,
        None => INPUT_LIMIT,
    };
    let limit = Some(limit + params.more_time());
    let line = Line {
        text: params.text,
        paste: params.paste,
        keys: params.keys,
        submit: params.submit,
        pause: Duration::from_millis(server.config.submit_pause_ms),
    };
    let input = Input::Line(line);
    let order = WriteOrder { input, limit };
    let written = pane.io.write(order).await?;
    if written.bytes > 0 {
        session.note_use(&server.store);
    }
    match written.failed {
        None => Ok(InputSent {
            context: session.context(&server.name),
            pane_id: pane.id,
            bytes: written.bytes,
            cursor: written.cursor.to_string(),
            pasted: written.pasted,
            submitted: written.submitted,
        }),
        Some(mut error) => {
            if error.code == ErrorCode::InputBlocked {
                error.message = format!("{} ({} bytes went in)", error.message, written.bytes);
            }
            Err(error)
        }
    }
}

pub(super) async fn expect(
    server: &Arc<Server>,
    caller: &Caller,
    params: Expect,
) -> Result<Expected, Error> {
    let begun = Instant::now();
    let limit = wait_limit(params.timeout_ms)?;
    let order = expect_order(&params, limit)?;
    let (pane, context) = match find(server, caller, &params.pane)? {
        LiveOrEnded::Live(pane, context) => (pane, context),
        LiveOrEnded::Ended(ended) => return Ok(expect_ended(&ended, &order, begun)),
    };
    if params.until != Until::Exit {
        pane.reachable()?;
    }
    let waited = match pane.io.expect(order).await {
        Ok(waited) => waited,
        Err(error) => match server.registry.ended_pane(pane.id) {
            // It was closed before the wait began.
            Some(ended) => {
                let order = expect_order(&params, limit)?;
                return Ok(expect_ended(&ended, &order, begun));
            }
            None => return Err(error),
        },
    };
    if waited.outcome == ExpectOutcome::Exit {
        let mut state = pane.state();
        let recorded = state.wait_for(|state| state.has_ended());
        let _ = tokio::time::timeout(RECORD_LIMIT, recorded).await;
    }
    let (text, line, groups) = match waited.found {
        Some(found) => (Some(found.text), Some(found.line), found.groups),
        None => (None, None, Vec::new()),
    };
    let mut status = pane.status();
    if let Some(state) = waited.state {
        // It may be in another one by now.
        status.state = status
            .state
            .filter(|now| now.value == state.value)
            .or(Some(state));
    }
    Ok(Expected {
        context,
        pane_id: pane.id,
        number: pane.record.number.told(),
        outcome: waited.outcome,
        text,
        line,
        groups,
        cursor: waited.cursor.to_string(),
        status,
        waited_ms: millis(begun.elapsed()),
        alternate: pane.io.live().alternate(),
        output_idle_ms: Some(steady_ms().saturating_sub(pane.io.live().last_output_ms())),
    })
}

fn expect_order(params: &Expect, limit: Duration) -> Result<ExpectOrder, Error> {
    let pattern = match &params.pattern {
        Some(pattern) if pattern.len() > PATTERN_BYTES => {
            return Err(Error::invalid(format!(
                "the pattern has {} bytes; at most {PATTERN_BYTES} are possible",
                pattern.len()
            )));
        }
        Some(pattern) => Some(screen::pattern(pattern).map_err(|error| {
            Error::invalid(format!("the pattern is no regular expression: {error}"))
                .hint("escape what is meant literally: \\( \\[ \\. \\$")
        })?),
        None => None,
    };
    let idle = params.idle_ms.map(wait_limit).transpose()?;
    match params.until {
        Until::Match if pattern.is_none() && params.states.is_empty() => {
            return Err(Error::invalid("waiting for a match needs a pattern")
                .hint("give a pattern, states, or until exit or idle"));
        }
        Until::Idle if idle.is_none() => {
            return Err(Error::invalid("waiting for quiet needs a time")
                .hint("give `--idle 500ms` or idle_ms"));
        }
        Until::Match | Until::Idle | Until::Exit => {}
    }
    Ok(ExpectOrder {
        pattern,
        idle,
        after_input: params.after_input,
        since: params.since.as_deref().map(parse_cursor).transpose()?,
        states: params.states.clone(),
        output_only: params.output_only || params.since.is_some(),
        limit,
    })
}

/// A wait on a removed pane: what is remembered may still match.
fn expect_ended(ended: &EndedPane, order: &ExpectOrder, begun: Instant) -> Expected {
    let since = order.since.unwrap_or_else(|| ended.tail.start());
    let pattern = order.pattern.as_ref();
    let found = pattern.and_then(|pattern| ended.tail.search_since(&since, pattern));
    Expected {
        context: ended.context.clone(),
        pane_id: ended.end.pane_id,
        number: ended.end.number,
        outcome: match &found {
            Some(_) => ExpectOutcome::Match,
            None => ExpectOutcome::Exit,
        },
        cursor: found
            .as_ref()
            .map_or_else(|| ended.tail.end(), |found| found.after)
            .to_string(),
        text: found.as_ref().map(|found| found.text.clone()),
        line: found.as_ref().map(|found| found.line.clone()),
        groups: found.map_or_else(Vec::new, |found| found.groups),
        status: PaneStatus::clone(&ended.end.status),
        waited_ms: millis(begun.elapsed()),
        alternate: false,
        output_idle_ms: None,
    }
}
