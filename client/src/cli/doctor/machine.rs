//! Limits of the machine, control groups and systemd.

use std::path::Path;

use protocol::reply::ServerStatus;
use rustix::process::{Resource, getrlimit};

use super::Finding;
use super::server::Asked;
use crate::cli::unit;

/// With fewer open files there is no room for a hundred panes.
const FILES: u64 = 1_024;

/// With fewer processes the same.
const PROCESSES: u64 = 256;

/// With fewer free terminals the next panes are in doubt.
const TERMINALS: u64 = 64;

pub(super) async fn check(server: &Asked, found: &mut Vec<Finding>) {
    found.push(files(server.status()));
    found.push(processes());
    found.push(terminals());
    found.push(control_groups(server.status()));
    found.extend(systemd().await);
}

/// A limit as `/proc/PID/limits` or this process has it; absent where there is none.
fn of_process(pid: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    soft_limit(&text, name)
}

/// The soft limit in a line such as `Max open files            1024                 524288               files`.
///
/// Source: proc_pid_limits(5).
pub(super) fn soft_limit(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn files(status: Option<&ServerStatus>) -> Finding {
    let (limit, used, whose) = match status {
        Some(status) => (
            of_process(status.pid, "Max open files"),
            u64::from(status.open_fds),
            "the server",
        ),
        None => (getrlimit(Resource::Nofile).maximum, 0, "a server"),
    };
    let next = "raise it: `ulimit -n`, or LimitNOFILE of the service; each pane takes about four";
    match limit {
        None => Finding::ok(
            "open files",
            format!("{whose} may open any number, {used} are open"),
        ),
        Some(limit) => {
            let said = format!("{whose} may open {limit}, {used} are open");
            match limit.saturating_sub(used) {
                0..64 => Finding::wrong("open files", said, next),
                _ if limit < FILES => Finding::warning("open files", said, next),
                _ => Finding::ok("open files", said),
            }
        }
    }
}

fn processes() -> Finding {
    match getrlimit(Resource::Nproc).current {
        Some(limit) if limit < PROCESSES => Finding::warning(
            "processes",
            format!("you may have {limit}"),
            "raise it: `ulimit -u`; each pane takes two and those of its program",
        ),
        Some(limit) => Finding::ok("processes", format!("you may have {limit}")),
        None => Finding::ok("processes", "you may have any number"),
    }
}

/// Source: pty(7), `/proc/sys/kernel/pty`.
fn terminals() -> Finding {
    let number = |name: &str| -> Option<u64> {
        let path = Path::new("/proc/sys/kernel/pty").join(name);
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let Some((most, used)) = number("max").zip(number("nr")) else {
        return Finding::warning(
            "terminals",
            "their number is not known: no /proc/sys/kernel/pty",
            "",
        );
    };
    let said = format!("{used} of {most} are in use");
    let next = "raise it: `sysctl kernel.pty.max=8192`";
    match most.saturating_sub(used) {
        0 => Finding::wrong("terminals", said, next),
        1..TERMINALS => Finding::warning("terminals", said, next),
        _ => Finding::ok("terminals", said),
    }
}

fn control_groups(status: Option<&ServerStatus>) -> Finding {
    let check = "control groups";
    let next =
        "`fugue service install` gives fugued one; without it a pane's memory cannot be limited";
    if let Some(contained) = status.and_then(|status| status.containment.as_ref()) {
        return match (contained.on, contained.memory) {
            (true, true) => Finding::ok(check, "each pane has one, and its memory can be limited"),
            (true, false) => Finding::warning(
                check,
                format!(
                    "each pane has one, without a limit of memory: {}",
                    contained.detail
                ),
                next,
            ),
            (false, _) => Finding::warning(
                check,
                format!("panes have none: {}", contained.detail),
                next,
            ),
        };
    }
    match Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        true => Finding::ok(
            check,
            "version 2 is there; a server says what it may do with it",
        ),
        false => Finding::warning(
            check,
            "version 2 is not mounted at /sys/fs/cgroup",
            "panes work without",
        ),
    }
}

async fn systemd() -> Vec<Finding> {
    let Some(service) = unit::state().await else {
        return vec![Finding::ok(
            "service",
            "no systemd of the user answers, so there is none",
        )];
    };
    let lingers = unit::lingers();
    let state = match service {
        Ok(state) => state,
        Err(error) => {
            return vec![Finding::warning(
                "service",
                error.message,
                "see `systemctl --user`",
            )];
        }
    };
    let mut found = Vec::new();
    let installed = state.enabled != "not-found";
    found.push(match (installed, state.active.as_str()) {
        (false, _) => Finding::ok(
            "service",
            "not installed; `fugue service install` starts fugued with each login",
        ),
        (true, "failed") => Finding::wrong(
            "service",
            format!("fugued.service has failed ({})", state.enabled),
            "see `systemctl --user status fugued` and `fugue logs`",
        ),
        (true, active) => Finding::ok(
            "service",
            format!("fugued.service is {}, {active}", state.enabled),
        ),
    });
    if installed {
        found.push(match lingers {
            true => Finding::ok("linger", "the service goes on after the last login ends"),
            false => Finding::warning(
                "linger",
                "the service ends with the last login",
                "`loginctl enable-linger` keeps it",
            ),
        });
    }
    found
}
