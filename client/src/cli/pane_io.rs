//! Input and output of a pane: typing, reading and waiting.

use std::io::Read;
use std::time::{Duration, Instant};

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::{ExpectOutcome, Expected, PaneText, PaneWaited, ProgramState};
use protocol::request::{Expect, ReadPane, SendInput, Until, WaitPane};
use protocol::time::millis;
use protocol::{Error, Target};

use super::args::duration;
use super::caller::Again;
use super::failure::{TIMED_OUT, note};
use super::states::{self, ended as ended_words};
use super::tail::{self, Followed};
use super::units::{COMMAND_CHARS, brief, span};
use super::{Caller, Outcome, output};
use crate::cli::state_wait::StateWait;

/// The time beyond the server's own limit that a call may take.
pub(super) const MARGIN: Duration = Duration::from_secs(10);

/// One call of a wait without a limit of its own. Shorter than the server's one hour, so that a
/// server that hangs is noticed.
pub(super) const WAIT_PIECE: Duration = Duration::from_secs(60);

/// Text that is asked for in one answer, in bytes: what a server gives at most.
pub(super) const MOST_BYTES: u32 = 8 * 1024 * 1024;

/// `fugue send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Which pane
    pane: String,
    /// Literal text; a newline at its end is Enter
    #[arg(allow_hyphen_values = true, required_unless_present_any = ["key", "enter", "stdin"])]
    text: Option<String>,
    /// The text comes from standard input, as it is
    #[arg(long, conflicts_with = "text")]
    stdin: bool,
    /// The text is one paste (true) or keystrokes (false) [default: a paste when it has several lines, tabs, @ or !, or is long]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    paste: Option<bool>,
    /// A named key after the text, such as C-c, Up or F5; may be given several times
    #[arg(short, long, value_name = "KEY")]
    key: Vec<String>,
    /// Press Enter at the end
    #[arg(short, long)]
    enter: bool,
    /// How long the program may take to read it
    #[arg(long, value_parser = duration, default_value = "5s")]
    timeout: Duration,
    /// Print the cursor for `read --since` and `expect --since`
    #[arg(long, conflicts_with = "expect")]
    cursor: bool,
    /// Then wait for this regular expression in the output, and print what matched
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    expect: Option<String>,
    /// How long to wait for it at most
    #[arg(long, value_parser = duration, default_value = "30s", requires = "expect")]
    within: Duration,
}

/// `fugue read`.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Which pane
    pane: String,
    /// The last so many lines, those above the screen too [default: the visible screen]
    #[arg(short = 'n', long)]
    lines: Option<u32>,
    /// Only what came after this cursor
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
    /// Go on printing what comes, over restarts of the program and of the server, until it ends
    #[arg(short, long, conflicts_with_all = ["since", "ansi"])]
    follow: bool,
    /// With colours and attributes as escape sequences
    #[arg(long)]
    ansi: bool,
    /// All of the scrollback and the screen
    #[arg(long)]
    scrollback: bool,
}

/// `fugue expect`.
#[derive(Debug, Args)]
pub(crate) struct ExpectArgs {
    /// Which pane
    pane: String,
    /// A regular expression over the rendered text
    #[arg(allow_hyphen_values = true, required_unless_present = "until")]
    regex: Option<String>,
    /// How long at most
    #[arg(long, value_parser = duration, default_value = "30s")]
    timeout: Duration,
    /// Only what came after this cursor [default: from the screen's top]
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
    /// What ends the wait: match, exit or idle [default: match]
    #[arg(long, value_parser = until)]
    until: Option<Until>,
    /// Quiet for so long ends the wait
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    idle: Option<Duration>,
}

/// `fugue wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Which pane
    pane: String,
    /// How long at most [default: until it ends]
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
    /// Wait until the program tells one of these states, at once if it does already: needs_input, idle, done, working, failed
    #[arg(long, value_name = "STATE", value_parser = state, value_delimiter = ',')]
    state: Vec<ProgramState>,
}

fn until(text: &str) -> Result<Until, String> {
    text.parse()
        .map_err(|_| "it is one of match, exit, idle".to_owned())
}

fn state(text: &str) -> Result<ProgramState, String> {
    text.parse()
        .map_err(|_| format!("it is one of {}", ProgramState::names().join(", ")))
}

/// All of standard input.
fn read_text() -> Result<String, Error> {
    let mut text = String::new();
    match std::io::stdin().lock().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Error::invalid(format!("cannot read standard input: {error}"))
            .hint("text to be typed is UTF-8; other bytes can be pasted by a person in `fugue attach`")),
    }
}

impl SendArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let text = match self.stdin {
            true => read_text()?,
            false => self.text.unwrap_or_default(),
        };
        let send = SendInput {
            pane,
            text,
            paste: self.paste,
            keys: self.key,
            submit: self.enter,
            timeout_ms: Some(millis(self.timeout)),
        };
        let limit = self.timeout.saturating_add(send.more_time());
        let sent = server.call(&send, limit.saturating_add(MARGIN)).await?;
        if let Some(pattern) = self.expect {
            let expect = Expect {
                pane: sent.pane_id.into(),
                pattern: Some(pattern),
                until: Until::Match,
                idle_ms: None,
                after_input: false,
                timeout_ms: millis(self.within),
                since: Some(sent.cursor),
                states: Vec::new(),
                output_only: true,
            };
            return wait_for(caller, &server, &expect, &self.pane).await;
        }
        output::answer(caller, server.name(), &sent, |sent| {
            if self.cursor {
                sent.cursor.clone()
            } else {
                String::new()
            }
        })?;
        Ok(0)
    }
}

impl ReadArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        if self.follow {
            let screen = crate::attach::terminal_size().map_or(24, |size| u32::from(size.rows));
            let lines = self
                .lines
                .unwrap_or(if self.scrollback { u32::MAX } else { screen });
            let followed = Followed::new(server, self.pane, pane, lines);
            return tail::follow(caller, vec![followed]).await;
        }
        let read = ReadPane {
            pane,
            lines: self.lines,
            since: self.since,
            // More lines than the screen has are those above it.
            scrollback: self.scrollback || self.lines.is_some(),
            ansi: self.ansi,
            max_bytes: Some(MOST_BYTES),
        };
        let reply = caller.call(&server, &read).await?;
        if reply.truncated && !caller.json {
            note(&left_out(&reply));
        }
        if caller.json && reply.alternate {
            let mut json = output::json_of(caller, server.name(), &reply)?;
            // Nobody knows what scrolled away there.
            json["dropped_lines"] = serde_json::Value::Null;
            output::print_json(caller, &json)?;
            return Ok(0);
        }
        let text = |reply: &PaneText| reply.text.clone();
        if self.ansi {
            output::answer_styled(caller, server.name(), &reply, text)?;
        } else {
            output::answer(caller, server.name(), &reply, text)?;
        }
        Ok(0)
    }
}

/// The message about a text that is not whole.
fn left_out(reply: &PaneText) -> String {
    format!(
        "fugue: older text is left out: these are the last {} bytes",
        reply.text.len()
    )
}

impl ExpectArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let until = self.until.unwrap_or_default();
        let expect = Expect {
            pane,
            pattern: self.regex,
            until,
            idle_ms: self.idle.map(millis),
            after_input: false,
            timeout_ms: millis(self.timeout),
            since: self.since,
            states: Vec::new(),
            output_only: true,
        };
        wait_for(caller, &server, &expect, &self.pane).await
    }
}

/// Waits, prints what matched, and fails when something else came first.
async fn wait_for(caller: &Caller, server: &Remote, expect: &Expect, pane: &str) -> Outcome {
    let reply = asked_again(server, expect).await?;
    output::answer(caller, server.name(), &reply, |reply| {
        reply.text.clone().unwrap_or_default()
    })?;
    let wanted = came(expect.until, &reply);
    if !wanted && !caller.json {
        note(&format!("fugue: {}", missed(&reply, pane)));
    }
    Ok(u8::from(!wanted))
}

/// The end of a wait. A server that is restarted meanwhile is asked again, for the rest of the time: a look changes nothing.
async fn asked_again(server: &Remote, expect: &Expect) -> Result<Expected, Error> {
    let begun = Instant::now();
    let mut expect = expect.clone();
    let limit_ms = expect.timeout_ms;
    let mut again = Again::default();
    loop {
        expect.timeout_ms = limit_ms.saturating_sub(millis(begun.elapsed()));
        let limit = Duration::from_millis(expect.timeout_ms).saturating_add(MARGIN);
        match server.call(&expect, limit).await {
            Ok(mut reply) => {
                reply.waited_ms = millis(begun.elapsed());
                return Ok(reply);
            }
            Err(error) => again.after(server, error).await?,
        }
    }
}

/// True if what ended the wait is what was waited for.
fn came(until: Until, reply: &Expected) -> bool {
    match until {
        Until::Match => reply.outcome == ExpectOutcome::Match,
        Until::Exit => matches!(reply.outcome, ExpectOutcome::Exit | ExpectOutcome::Match),
        Until::Idle => matches!(reply.outcome, ExpectOutcome::Idle | ExpectOutcome::Match),
    }
}

/// The message about a wait that came to nothing, with the pane as the caller has named it.
fn missed(reply: &Expected, pane: &str) -> String {
    let waited = span(reply.waited_ms);
    let pane = brief(pane, COMMAND_CHARS);
    match reply.outcome {
        ExpectOutcome::Exit => format!(
            "the program of {pane} ended first, {}; see `fugue read {pane}`",
            states::program(&reply.status).words
        ),
        ExpectOutcome::Idle => format!("{pane} was quiet first; see `fugue read {pane}`"),
        ExpectOutcome::Timeout | ExpectOutcome::Match | ExpectOutcome::State => {
            format!("not seen in {pane} within {waited}; see `fugue read {pane}`")
        }
    }
}

impl WaitArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        if !self.state.is_empty() {
            let wait = StateWait::new(pane, &self.pane, self.state, self.timeout);
            return wait.run(caller, &server).await;
        }
        let reply = wait(&server, pane, self.timeout).await?;
        output::answer(caller, server.name(), &reply, |_| String::new())?;
        let Some(exit) = &reply.status.exit else {
            if !caller.json {
                note(&format!(
                    "fugue: {} still runs; wait longer, or see `fugue read {0}`",
                    brief(&self.pane, COMMAND_CHARS)
                ));
            }
            return Ok(TIMED_OUT);
        };
        if !caller.json && !exit.success() {
            note(&format!("fugue: the program {}", ended_words(exit)));
        }
        Ok(u8::try_from(exit.shell_code()).unwrap_or(1))
    }
}

/// Waits in pieces. A server that is restarted in between is asked again: a wait changes nothing.
async fn wait(server: &Remote, pane: Target, limit: Option<Duration>) -> Result<PaneWaited, Error> {
    let end =
        limit.map(|limit| Instant::now() + limit.min(Duration::from_secs(u64::from(u32::MAX))));
    let mut again = Again::default();
    loop {
        let left = end.map_or(WAIT_PIECE, |end| {
            end.saturating_duration_since(Instant::now())
        });
        let piece = left.min(WAIT_PIECE);
        let call = WaitPane {
            pane: pane.clone(),
            timeout_ms: millis(piece),
        };
        match server.call(&call, piece + MARGIN).await {
            Ok(reply) => {
                let ended = reply.status.exit.is_some();
                if ended || end.is_some_and(|end| Instant::now() >= end) {
                    return Ok(reply);
                }
                again = Again::default();
            }
            Err(error) => again.after(server, error).await?,
        }
    }
}
