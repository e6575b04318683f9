//! `fugue wait --state`: until a pane's program tells one of several states.

use std::time::{Duration, Instant};

use protocol::fleet::Remote;
use protocol::reply::{ExpectOutcome, Expected, ProgramState};
use protocol::request::{Expect, Until};
use protocol::time::millis;
use protocol::{Error, Target};

use super::caller::Again;
use super::failure::{TIMED_OUT, note};
use super::pane_io::{MARGIN, WAIT_PIECE};
use super::units::{COMMAND_CHARS, brief};
use super::{Caller, Outcome, output, states};

/// A wait for a state of a pane's program.
pub(super) struct StateWait {
    pane: Target,
    /// The pane as the caller has named it.
    named: String,
    states: Vec<ProgramState>,
    end: Option<Instant>,
}

impl StateWait {
    pub(super) fn new(
        pane: Target,
        named: &str,
        states: Vec<ProgramState>,
        limit: Option<Duration>,
    ) -> Self {
        let end =
            limit.map(|limit| Instant::now() + limit.min(Duration::from_secs(u64::from(u32::MAX))));
        Self {
            pane,
            named: brief(named, COMMAND_CHARS),
            states,
            end,
        }
    }

    /// 0 for one of the states, 1 when the program ended before.
    pub(super) async fn run(self, caller: &Caller, server: &Remote) -> Outcome {
        let reply = self.wait(server).await?;
        output::answer(caller, server.name(), &reply, |reply| {
            let state = reply.status.state.as_ref();
            state.map(ToString::to_string).unwrap_or_default()
        })?;
        let (status, missed) = match reply.outcome {
            ExpectOutcome::State => return Ok(0),
            ExpectOutcome::Exit => (1, "the program ended first"),
            ExpectOutcome::Timeout | ExpectOutcome::Match | ExpectOutcome::Idle => {
                (TIMED_OUT, "it is in none of these states")
            }
        };
        if !caller.json {
            note(&format!(
                "fugue: {}: {missed}, {}; see `fugue read {0}`",
                self.named,
                states::program(&reply.status).words
            ));
        }
        Ok(status)
    }

    /// Waits in pieces. A server that is restarted in between is asked again: the state is kept.
    async fn wait(&self, server: &Remote) -> Result<Expected, Error> {
        let mut again = Again::default();
        loop {
            let left = self.end.map_or(WAIT_PIECE, |end| {
                end.saturating_duration_since(Instant::now())
            });
            let piece = left.min(WAIT_PIECE);
            let call = Expect {
                pane: self.pane.clone(),
                pattern: None,
                until: Until::Match,
                idle_ms: None,
                after_input: false,
                timeout_ms: millis(piece),
                since: None,
                output_only: true,
                states: self.states.clone(),
            };
            match server.call(&call, piece + MARGIN).await {
                Ok(reply) => {
                    let over = self.end.is_some_and(|end| Instant::now() >= end);
                    if reply.outcome != ExpectOutcome::Timeout || over {
                        return Ok(reply);
                    }
                    again = Again::default();
                }
                Err(error) => again.after(server, error).await?,
            }
        }
    }
}
