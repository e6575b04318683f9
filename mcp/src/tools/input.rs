//! Talking with a program: read its pane, type into it, wait for what it says.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use protocol::reply::{ExpectOutcome, Expected, InputSent, PaneText, ProgramState};
use protocol::request::Until;
use protocol::{Error, Target, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::route::{Place, QUICK};
use crate::waiting::{GRACE, default_wait_ms};
use crate::{schema, shape};

/// Output returned beside the result of a wait or of typing, in lines and bytes.
const GLANCE_LINES: u32 = 50;
const GLANCE_BYTES: u32 = 16_384;

/// A program that has been silent for so long after input is taken to have answered.
const QUIET: Duration = Duration::from_millis(300);

/// Use to see a pane's text, also after its end. since, a cursor, gives what is new.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReadPane {
    pane_id: String,
    #[schemars(range(min = 1, max = 100_000), extend("default" = GLANCE_LINES))]
    lines: Option<u32>,
    since: Option<String>,
    #[serde(default = "yes")]
    include_scrollback: bool,
    #[serde(default)]
    ansi: bool,
    #[serde(default = "glance_bytes")]
    #[schemars(range(min = 1, max = 1_048_576))]
    max_bytes: u32,
    server: Option<String>,
}

fn glance_bytes() -> u32 {
    GLANCE_BYTES
}

fn yes() -> bool {
    true
}

impl Tool for ReadPane {
    const NAME: &'static str = "fugue_read_pane";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let on = self.since.is_some();
        let params = request::ReadPane {
            pane,
            lines: Some(self.lines.unwrap_or(GLANCE_LINES)),
            since: self.since,
            scrollback: self.include_scrollback,
            ansi: self.ansi,
            max_bytes: Some(self.max_bytes),
        };
        let read = place.look(&params, QUICK).await?;
        // What is read on is given as it is: each piece goes on where the last one ended.
        let text = shown(&read, self.ansi || on);
        // The daemon returns everything since a cursor; fewer lines of it are the newest.
        let (text, omitted) = match self.lines {
            Some(lines) if on => last_lines(text, lines as usize),
            Some(_) | None => (text, 0),
        };
        let mut fields = shape::fields(json!({
            "session_context": place.context(&read.context),
            "pane_id": place.id(read.pane_id),
            "text": text,
            "cursor": read.cursor,
            "truncated": read.truncated,
            "dropped_lines": dropped(&read),
        }));
        fields.extend(kind_of_text(&read));
        if omitted > 0 {
            fields.insert("omitted_lines".to_owned(), omitted.into());
        }
        fields.extend(shape::status(&read.status));
        let cut = if on { Cut::More } else { Cut::Older };
        let line = status_line(&place, &read, cut);
        Ok(Answer::screen(Value::Object(fields), text, line))
    }
}

/// The number of lines that are lost; null where nobody can know.
fn dropped(read: &PaneText) -> Option<u64> {
    (!read.alternate).then_some(read.dropped_lines)
}

/// The facts that are needed to read a text rightly, where it is not as usual.
fn kind_of_text(read: &PaneText) -> shape::Fields {
    let mut fields = shape::Fields::new();
    if read.alternate {
        fields.insert("alternate".to_owned(), true.into());
    }
    if read.joined_rows > 0 {
        fields.insert("joined_rows".to_owned(), read.joined_rows.into());
    }
    fields
}

/// The part of a pane's text that is shown: as it is, or without the blank rows at its end.
fn shown(read: &PaneText, as_it_is: bool) -> &str {
    if as_it_is {
        &read.text
    } else {
        shape::without_blank_end(&read.text)
    }
}

/// The last `lines` lines of `text`, and how many are before them.
fn last_lines(text: &str, lines: usize) -> (&str, usize) {
    let all = text.lines().count();
    let omitted = all.saturating_sub(lines);
    let start = match omitted {
        0 => 0,
        _ => text
            .match_indices('\n')
            .nth(omitted - 1)
            .map_or(0, |(at, _)| at + 1),
    };
    (&text[start..], omitted)
}

/// The part that a truncated text lacks.
#[derive(Clone, Copy)]
enum Cut {
    /// What comes after it: the cursor leads on.
    More,
    /// What was before it.
    Older,
}

fn status_line(place: &Place, read: &PaneText, cut: Cut) -> String {
    let mut line = format!(
        "[pane {}: {}; cursor {}",
        place.id(read.pane_id),
        shape::status_words(&read.status),
        read.cursor
    );
    if read.truncated {
        line += match cut {
            Cut::More => "; there is more: read on with this cursor",
            Cut::Older => "; older text is left out",
        };
    }
    if read.alternate {
        line += "; alternate screen: what scrolled away on it is not kept";
    } else if read.dropped_lines > 0 {
        line += &format!("; {} lines were lost before this", read.dropped_lines);
    }
    line + "]"
}

/// The text that came after `since`, when that is not too much, else the last output of a pane. A pane that has gone
/// meanwhile has none.
async fn glance(place: &Place, pane: &Target, since: Option<String>) -> Option<PaneText> {
    let mut params = request::ReadPane {
        pane: pane.clone(),
        lines: Some(GLANCE_LINES),
        since,
        scrollback: true,
        ansi: false,
        max_bytes: Some(GLANCE_BYTES),
    };
    let read = place.look(&params, QUICK).await.ok()?;
    if params.since.is_none() || !(read.truncated || read.dropped_lines > 0) {
        return Some(read);
    }
    params.since = None;
    let mut last = place.look(&params, QUICK).await.ok()?;
    last.truncated = true;
    Some(last)
}

/// Use to type into a pane: input (last newline: Enter), keys, Enter if submit; expect awaits a regex.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SendInput {
    pane_id: String,
    input: Option<String>,
    /// Like Enter, C-c, F5
    keys: Option<Vec<String>>,
    #[serde(default)]
    submit: bool,
    paste: Option<bool>,
    #[schemars(range(min = 0, max = 600_000))]
    read_after_ms: Option<u64>,
    expect: Option<String>,
    #[serde(default = "default_wait_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    timeout_ms: u64,
    idempotency_key: Option<String>,
    server: Option<String>,
}

impl Tool for SendInput {
    const NAME: &'static str = "fugue_send_input";
    const CORE: bool = true;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let text = self.input.unwrap_or_default();
        let keys = self.keys.unwrap_or_default();
        if text.is_empty() && keys.is_empty() && !self.submit {
            return Err(Error::invalid("fugue_send_input was given nothing to type")
                .hint("give input, keys or submit"));
        }
        if self.expect.is_some() && self.read_after_ms.is_some() {
            return Err(Error::invalid(
                "fugue_send_input was given two things to wait for: expect and read_after_ms",
            )
            .hint("give one of them; nothing was typed"));
        }
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let submit = self.submit;
        let params = request::SendInput {
            pane,
            text,
            paste: self.paste,
            keys,
            submit,
            timeout_ms: None,
        };
        let limit = QUICK + params.more_time();
        let sent = place.act(&params, self.idempotency_key, limit).await?;
        let mut fields = shape::fields(json!({
            "session_context": place.context(&sent.context),
            "pane_id": place.id(sent.pane_id),
            "bytes": sent.bytes,
            "pasted": sent.pasted,
            "submitted": sent.submitted,
            "cursor": sent.cursor,
        }));
        if let Some(pattern) = self.expect {
            let limit = Duration::from_millis(self.timeout_ms);
            return answer_to(&call, &place, &sent, pattern, limit).await;
        }
        let Some(limit_ms) = self.read_after_ms else {
            return Ok(Answer::object(Value::Object(fields)));
        };
        // By id from here on: a name could mean another pane by the time of the answer.
        let pane = Target::from(sent.pane_id);
        let limit = Duration::from_millis(limit_ms);
        let reply = reply_to(&place, &pane, &sent.cursor, limit);
        let waited = call.while_waiting("waiting for output", limit, reply).await;
        let Some(read) = glance(&place, &pane, Some(sent.cursor)).await else {
            return Ok(Answer::object(Value::Object(fields)));
        };
        let text = shown(&read, !read.truncated);
        fields.insert("text".to_owned(), text.into());
        fields.insert("cursor".to_owned(), read.cursor.clone().into());
        fields.insert("truncated".to_owned(), read.truncated.into());
        fields.extend(kind_of_text(&read));
        if let Ok(waited) = &waited {
            fields.insert("outcome".to_owned(), waited.outcome.to_string().into());
        }
        fields.extend(shape::status(&read.status));
        let line = status_line(&place, &read, Cut::Older);
        Ok(Answer::screen(Value::Object(fields), text, line))
    }
}

/// Waits for a match in what is printed after what was `sent`.
async fn answer_to(
    call: &Call,
    place: &Place,
    sent: &InputSent,
    pattern: String,
    limit: Duration,
) -> Result<Answer, Error> {
    let wait = wait_for(sent.pane_id.into(), Some(pattern), limit, &sent.cursor);
    let look = place.look(&wait, limit + GRACE);
    let seen = call
        .while_waiting("waiting for a match", limit, look)
        .await?;
    let read = glance(place, &seen.pane_id.into(), wait.since).await;
    Ok(expected(place, &seen, read.as_ref()).with("bytes", sent.bytes.into()))
}

/// Waits for output after `since` and then until it pauses, at most `limit` in all. A program
/// that is slow to answer, such as a shell that is still starting, is not taken for a quiet one.
async fn reply_to(
    place: &Place,
    pane: &Target,
    since: &str,
    limit: Duration,
) -> Result<Expected, Error> {
    let began = Instant::now();
    let something = Some(r"\S".to_owned());
    let mut wait = wait_for(pane.clone(), something, limit, since);
    let first = place.look(&wait, limit + GRACE).await?;
    let left = limit.saturating_sub(began.elapsed());
    if first.outcome != ExpectOutcome::Match || left.is_zero() {
        return Ok(first);
    }
    wait.pattern = None;
    wait.until = Until::Idle;
    wait.idle_ms = Some(milliseconds(QUIET));
    // What a shell prints before it reads is no answer.
    wait.after_input = true;
    wait.timeout_ms = milliseconds(left);
    place.look(&wait, left + GRACE).await
}

fn wait_for(
    pane: Target,
    pattern: Option<String>,
    limit: Duration,
    since: &str,
) -> request::Expect {
    request::Expect {
        pane,
        pattern,
        until: Until::Match,
        idle_ms: None,
        after_input: false,
        timeout_ms: milliseconds(limit),
        since: Some(since.to_owned()),
        states: Vec::new(),
        output_only: true,
    }
}

/// At least one, as the daemon wants it.
fn milliseconds(time: Duration) -> u64 {
    protocol::time::millis(time).max(1)
}

/// Use to wait until a pane's output, not the echo, matches pattern (regex), its program exits or tells one of states, or its text rests idle_ms. since, a cursor, skips old output.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Expect {
    pane_id: String,
    pattern: Option<String>,
    #[schemars(schema_with = "schema::until")]
    #[serde(default)]
    until: Until,
    #[schemars(range(min = 1, max = 600_000))]
    idle_ms: Option<u64>,
    #[serde(default = "default_wait_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    timeout_ms: u64,
    since: Option<String>,
    #[schemars(schema_with = "schema::states")]
    #[serde(default)]
    states: Vec<ProgramState>,
    server: Option<String>,
}

impl Tool for Expect {
    const NAME: &'static str = "fugue_expect";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        // Without a time of its own, quiet means a second.
        const IDLE_MS: u64 = 1_000;
        if self.until == Until::Match && self.pattern.is_none() && self.states.is_empty() {
            return Err(Error::invalid("fugue_expect needs a pattern to match")
                .hint("give pattern, states, or until = exit or idle"));
        }
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let limit = Duration::from_millis(self.timeout_ms);
        let params = request::Expect {
            pane,
            pattern: self.pattern,
            until: self.until,
            idle_ms: self
                .idle_ms
                .or((self.until == Until::Idle).then_some(IDLE_MS)),
            after_input: false,
            timeout_ms: self.timeout_ms,
            since: self.since,
            states: self.states,
            output_only: true,
        };
        let work = async move {
            let seen = place.look(&params, limit + GRACE).await?;
            let read = glance(&place, &seen.pane_id.into(), params.since).await;
            Ok(expected(&place, &seen, read.as_ref()))
        };
        call.wait_or_task("waiting", limit, work.boxed()).await
    }
}

fn expected(place: &Place, seen: &Expected, read: Option<&PaneText>) -> Answer {
    let mut fields = shape::fields(json!({
        "session_context": place.context(&seen.context),
        "pane_id": place.id(seen.pane_id),
        "outcome": seen.outcome.to_string(),
        "cursor": seen.cursor,
        "waited_ms": seen.waited_ms,
    }));
    if let Some(output_idle_ms) = seen.output_idle_ms {
        fields.insert("output_idle_ms".to_owned(), output_idle_ms.into());
    }
    if seen.alternate {
        fields.insert("alternate".to_owned(), true.into());
    }
    if let Some(text) = &seen.text {
        fields.insert("match".to_owned(), text.as_str().into());
        fields.insert("line".to_owned(), json!(seen.line));
        fields.insert("groups".to_owned(), json!(seen.groups));
    }
    fields.extend(shape::status(&seen.status));
    let text = read.map_or("", |read| shown(read, false));
    fields.insert("text".to_owned(), text.into());
    let matched = seen
        .text
        .as_ref()
        .map_or_else(String::new, |text| format!(" {text:?}"));
    let line = format!(
        "[{}{matched} after {} ms; pane {}: {}; cursor {}]",
        seen.outcome,
        seen.waited_ms,
        place.id(seen.pane_id),
        shape::status_words(&seen.status),
        seen.cursor
    );
    Answer::screen(Value::Object(fields), text, line)
}

#[cfg(test)]
mod tests;
