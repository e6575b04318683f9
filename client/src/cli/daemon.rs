//! The server itself: its health, its end, the caller's place in it, and the MCP front.

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use protocol::reply::{Containment, ServerStatus, Stopping, Whoami as Place};
use protocol::request::{Status, StopServer, Whoami};
use protocol::{Error, ErrorCode, ServerName};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::caller::CALL_LIMIT;
use super::places::Named;
use super::units::{count, micros, rough};
use super::{Caller, Outcome, output};

/// The time that a server may take to end once it has said that it will.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// `fugue stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Leave every program running; the next server takes them over
    #[arg(long)]
    keep_panes: bool,
}

/// `fugue mcp`.
#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// How many tools are offered
    #[arg(long, value_enum, default_value_t = ToolSet::Full)]
    tools: ToolSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ToolSet {
    /// The ones that agents need most.
    Core,
    /// All of them.
    Full,
}

pub(crate) async fn status(caller: &Caller) -> Outcome {
    let server = caller.server()?;
    let status = caller.call(&server, &Status {}).await?;
    output::answer(caller, server.name(), &status, |status| {
        status_text(server.name(), status)
    })?;
    Ok(u8::from(!status.health.iter().all(|check| check.ok)))
}

fn status_text(server: &ServerName, status: &ServerStatus) -> String {
    let mut text = format!(
        "{} {} pid {} up {}\n{}, {}, {}, {}\n{:.1} MiB resident, {} open file descriptors\n",
        server,
        status.version,
        status.pid,
        rough(status.uptime_ms),
        count(status.sessions as usize, "session"),
        count(status.panes as usize, "pane"),
        count(status.clients as usize, "client"),
        count(status.orchestrations as usize, "orchestration"),
        f64::from(u32::try_from(status.resident_kib).unwrap_or(u32::MAX)) / 1024.0,
        status.open_fds,
    );
    if let Some(http) = &status.http {
        text.push_str(&format!(
            "{} with the token in {}\n",
            http.url, http.token_file
        ));
    }
    if let Some(problem) = &status.http_problem {
        text.push_str(&format!("http: NOT SERVED, tried again: {problem}\n"));
    }
    if let Some(why) = &status.careful {
        text.push_str(&format!(
            "STARTED CAREFULLY, without HTTP and with no screen entered: {why}; `fugue retry --all` enters them\n"
        ));
    }
    if let Some(containment) = &status.containment {
        text.push_str(&containment_text(containment));
    }
    for check in &status.health {
        let state = if check.ok { "ok" } else { "NOT WELL" };
        text.push_str(&format!(
            "{}: {state} in {}",
            check.name,
            micros(check.took_us)
        ));
        if !check.detail.is_empty() {
            text.push_str(&format!(", {}", check.detail));
        }
        text.push('\n');
    }
    text
}

fn containment_text(containment: &Containment) -> String {
    let Containment {
        on,
        memory,
        detail,
        path,
    } = containment;
    match (on, memory) {
        (false, _) => format!("containment: off, {detail}\n"),
        (true, true) => format!(
            "containment: a control group for each pane in {}, with memory limits\n",
            path.as_deref().unwrap_or_default()
        ),
        (true, false) => format!(
            "containment: a control group for each pane in {}, without memory limits: {detail}\n",
            path.as_deref().unwrap_or_default()
        ),
    }
}

impl StopArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        let stopping = caller
            .call(
                &server,
                &StopServer {
                    keep_panes: self.keep_panes,
                },
            )
            .await?;
        wait_for_end(stopping.pid)?;
        let name = server.name().clone();
        let unrecorded = (!self.keep_panes && caller.is_own(&server))
            .then(|| caller.paths.ended())
            .filter(|marker| marker.exists());
        output::answer(caller, &name, &stopping, |stopping| {
            stopped_text(name.as_str(), stopping, unrecorded.as_deref())
        })?;
        Ok(0)
    }
}

/// The end of the server, in words; `unrecorded` is the file that tells it to the next server when the database could
/// not be written.
fn stopped_text(name: &str, stopping: &Stopping, unrecorded: Option<&Path>) -> String {
    let mut text = format!("{name} (pid {}) has ended", stopping.pid);
    if stopping.ended_panes > 0 {
        let panes = count(stopping.ended_panes as usize, "pane");
        text.push_str(&format!("; the programs of {panes} were ended"));
    }
    if stopping.kept_panes > 0 {
        let panes = count(stopping.kept_panes as usize, "pane");
        text.push_str(&format!(
            "; the programs of {panes} go on, `fugued` takes them over"
        ));
    }
    if let Some(marker) = unrecorded {
        text.push_str(&format!(
            "\nthe end could not be written to the database; the next server knows it from {}",
            marker.display()
        ));
    }
    text
}

/// Waits until the process is gone or is a zombie.
pub(super) fn wait_for_end(pid: u32) -> Result<(), Error> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // A process that cannot be opened has ended already.
    let Some(Ok(process)) = raw.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        return Ok(());
    };
    let limit = Timespec::try_from(STOP_LIMIT)
        .map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))?;
    let mut ends = [PollFd::new(&process, PollFlags::IN)];
    match rustix::io::retry_on_intr(|| poll(&mut ends, Some(&limit))) {
        Ok(1..) => Ok(()),
        Ok(0) => Err(Error::new(
            ErrorCode::Timeout,
            format!("the server (pid {pid}) has not ended within {STOP_LIMIT:?}"),
        )
        .hint(format!("see `fugue logs`, or end it with `kill {pid}`"))),
        Err(error) => Err(Error::new(
            ErrorCode::Internal,
            format!("cannot wait for the end of pid {pid}: {error}"),
        )),
    }
}

pub(crate) async fn whoami(caller: &Caller) -> Outcome {
    let server = caller.server()?;
    let reply = caller.call(&server, &Whoami {}).await?;
    let own = reply.session.as_ref().filter(|_| !caller.json);
    let panes = match own {
        Some(own) => Named::of(&server, Some(own.session_id.into()), CALL_LIMIT).await,
        None => Ok(Named::default()),
    };
    // Without the list the rest is known all the same.
    let panes = panes.unwrap_or_default();
    output::answer(caller, server.name(), &reply, |reply| {
        whoami_text(caller, server.name(), reply, &panes)
    })?;
    Ok(0)
}

fn whoami_text(caller: &Caller, server: &ServerName, place: &Place, panes: &Named) -> String {
    let with_id = |name: String, id: String| match caller.style.ids {
        true => format!("{name} {id}"),
        false => name,
    };
    let mut text = format!("server {server}\n");
    let session = |what: &str, session: &protocol::reply::SessionContext| {
        let name = caller.shown(server, &session.session_name);
        let id = caller.shown(server, session.session_id);
        format!("{what} {}\n", with_id(name, id))
    };
    if let Some(own) = &place.session {
        text.push_str(&session("session", own));
    }
    if let Some(id) = place.pane_id {
        let known = panes.pane(id).zip(panes.address(id));
        let name = match known {
            Some((pane, address)) => format!(
                "{} {}",
                caller.shown(server, address),
                caller.short(server, pane.number, id)
            ),
            None => caller.short(server, place.number, id),
        };
        text.push_str(&format!(
            "pane {}\n",
            with_id(name, caller.shown(server, id))
        ));
    }
    match &place.active {
        Some(active) => text.push_str(&session("active", active)),
        None => text.push_str("active none\n"),
    }
    if let Some(rights) = &place.rights {
        text.push_str(&format!("rights {rights}\n"));
    }
    text.push_str(&format!("attached clients {}\n", place.attached_clients));
    text
}

impl McpArgs {
    pub(crate) async fn run(&self, server: Option<String>) -> Outcome {
        let tools = match self.tools {
            ToolSet::Core => mcp::Profile::Core,
            ToolSet::Full => mcp::Profile::Full,
        };
        mcp::serve_stdio(mcp::Options { tools, server }).await?;
        Ok(0)
    }
}
