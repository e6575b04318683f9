//! The server: whether one runs and answers, and what is left of one that does not.

use std::time::Duration;

use protocol::reply::ServerStatus;
use protocol::request::Status;
use protocol::{Error, transport};

use super::Finding;
use crate::cli::Caller;
use crate::cli::units::{count, rough};

/// The time that the server may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The answer of the server.
pub(super) enum Asked {
    /// It runs.
    Answers(Box<ServerStatus>),
    /// Something listens and does not answer as a server does.
    Silent(Error),
    /// None runs.
    Absent,
}

impl Asked {
    /// The status of one that answers.
    pub(super) fn status(&self) -> Option<&ServerStatus> {
        match self {
            Self::Answers(status) => Some(status),
            Self::Silent(_) | Self::Absent => None,
        }
    }
}

/// Asks the server without starting one.
pub(super) async fn ask(caller: &Caller) -> Asked {
    let server = match caller.server() {
        Ok(server) => server,
        Err(error) => return Asked::Silent(error),
    };
    if server.socket().is_some_and(transport::is_absent) {
        return Asked::Absent;
    }
    let asked = async {
        let (connection, _events) =
            transport::connect_over(server.route(), server.name().as_str(), server.hello()).await?;
        connection.call(&Status {}, LIMIT).await
    };
    let silent = || {
        let what = format!("no answer within {LIMIT:?}");
        Err(Error::new(protocol::ErrorCode::Timeout, what))
    };
    let answer = tokio::time::timeout(LIMIT, asked).await;
    match answer.unwrap_or_else(|_| silent()) {
        Ok(status) => Asked::Answers(Box::new(status)),
        Err(error) => Asked::Silent(error),
    }
}

pub(super) fn check(caller: &Caller, asked: &Asked, found: &mut Vec<Finding>) {
    let left = caller.server().map(|server| server.left());
    match asked {
        Asked::Answers(status) => answers(status, found),
        Asked::Silent(error) => found.push(Finding::wrong(
            "server",
            format!("it does not answer: {}", error.message),
            "see `fugue logs`; `kill -9` of fugued ends one that hangs: its programs go on, and the next command starts it again",
        )),
        Asked::Absent => {
            let left = left.unwrap_or_default();
            found.push(match (left.programs, left.unfinished) {
                (0, false) => Finding::ok("server", "none runs; a command that needs one starts it"),
                (0, true) => Finding::warning(
                    "server",
                    "none runs: the last one was killed",
                    "any command, such as `fugue ls`, starts one, which tells how its programs have ended",
                ),
                (programs, _) => Finding::warning(
                    "server",
                    format!("none runs, and {} on", goes_on(programs)),
                    "any command, such as `fugue ls`, starts a server, which takes them over",
                ),
            });
        }
    }
}

fn goes_on(programs: usize) -> String {
    match programs {
        1 => "1 program goes".to_owned(),
        many => format!("{many} programs go"),
    }
}

fn answers(status: &ServerStatus, found: &mut Vec<Finding>) {
    let unwell = status.health.iter().find(|check| !check.ok);
    let said = format!(
        "{} runs since {} (pid {}), with {} and {}",
        status.server,
        rough(status.uptime_ms),
        status.pid,
        count(status.sessions as usize, "session"),
        count(status.panes as usize, "pane"),
    );
    found.push(match unwell {
        None => Finding::ok("server", said),
        Some(check) => Finding::wrong(
            "server",
            format!("{said}; {} is not well: {}", check.name, check.detail),
            "see `fugue status` and `fugue logs`",
        ),
    });
    if let Some(why) = &status.careful {
        found.push(Finding::warning(
            "careful",
            format!("the server has started carefully: {why}"),
            "`fugue retry --all` enters the panes again",
        ));
    }
    if let Some(why) = &status.http_problem {
        found.push(Finding::warning(
            "http",
            format!("HTTP is not served: {why}"),
            "it is tried again; see `[http]` in the configuration",
        ));
    }
}
