//! What programs do to their pipeline's shell changes no status; what contradicts itself is unknown and fails the run.

use std::path::Path;

use protocol::reply::{Orchestration, RunStatus};
use protocol::request::{RunOptions, RunPipeline};

use super::{Client, outputs, pipeline, run_pipeline, statuses};
use crate::support::daemon::with_daemon;

/// Reports through the socket of its parent, which it copies: as itself, as itself with another user's rights, or with the shell's pid.
const FORGER: &str = r#"
import ctypes, os, socket, struct, sys
how, lines = sys.argv[1], sys.argv[2:]
shell = os.getppid()
libc = ctypes.CDLL(None, use_errno=True)
handle, said = os.pidfd_open(shell), None
for fd in range(9, 40):
    got = libc.syscall(438, handle, fd, 0)
    if got >= 0:
        try: said = socket.socket(fileno=got); break
        except OSError: os.close(got)
if said is None: sys.exit(3)
if how == "user":
    os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
for line in lines:
    packet = (line + "\n").encode()
    try:
        claim = struct.pack("iII", shell, os.getuid(), os.getgid())
        if how == "copy": said.send(packet)
        else: said.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, claim)])
    except PermissionError:
        said.send(packet)
sys.exit(3)
"#;

async fn run(client: &Client, lines: &[&str], stop_on_error: bool) -> Orchestration {
    // The one that goes on is stopped, when its reports have come long since.
    let goes_on = lines.iter().any(|line| line.contains("sleep 300"));
    let options = RunOptions {
        timeout_ms: goes_on.then_some(4_000),
        output_lines: 20,
        cleanup: Some(true),
        ..RunOptions::default()
    };
    let params = RunPipeline {
        stop_on_error: Some(stop_on_error),
        ..pipeline(lines, options)
    };
    run_pipeline(client, params).await
}

fn forger(dir: &Path) -> String {
    let file = dir.join("forge.py");
    std::fs::write(&file, FORGER).unwrap();
    format!("python3 {}", file.display())
}

#[test]
fn a_shell_that_cannot_report_begins_no_further_step() {
    with_daemon(async |daemon, client| {
        let steps = [
            "exec 10>&-",
            "for fd in /proc/$$/fd/*; do eval \"exec ${fd##*/}>&-\"; done",
            "exec 8>&10 10>&-",
            "command() { return 0; }",
            "enable -n command",
            "ulimit -n 9",
        ];
        for (number, step) in steps.iter().enumerate() {
            let file = daemon.dir.path().join(format!("ran{number}"));
            let next = format!("touch {}; exit 3", file.display());
            let ended = run(&client, &["true", step, &next], true).await;
            let ran = file.exists();
            let told = statuses(&ended);
            // What ran is never told as skipped, and no step gets the status of another one.
            match ran {
                true => assert_eq!(told[2], RunStatus::Failed, "{step}: {ended:?}"),
                false => {
                    assert!(ended.commands[1].unknown, "{step}: {ended:?}");
                    assert_eq!(told[2], RunStatus::Skipped, "{step}: {ended:?}");
                    assert_eq!(ended.commands[1].exit_code, None, "{step}: {ended:?}");
                }
            }
            assert_eq!(told[0], RunStatus::Completed, "{step}: {ended:?}");
        }
    });
}

#[test]
fn what_a_steps_programs_report_changes_nothing() {
    with_daemon(async |daemon, client| {
        let forge = forger(daemon.dir.path());
        let later = daemon.dir.path().join("later");
        let steps = [
            format!("{forge} copy '0 0' '1 0'"),
            format!("{forge} user '0 0' '1 0'"),
            "bash -c 'for fd in 9 10 11 12; do echo 0 0 >&$fd; done' 2>/dev/null; exit 3".to_owned(),
            "(setsid bash -c 'for fd in 9 10 11 12; do echo 0 0 >&$fd; done' 2>/dev/null & wait); (exit 3)".to_owned(),
            format!("exec {forge} copy '0 0' '1 0'"),
            "exec bash -c 'for fd in 9 10 11 12; do echo 0 0 >&$fd; done 2>/dev/null; exit 3'".to_owned(),
        ];
        // Only root can take another user's rights.
        let is_root = rustix::process::getuid().is_root();
        let can = |step: &&String| is_root || !step.contains("forge.py user");
        for step in steps.iter().filter(can) {
            let second = format!("touch {}", later.display());
            let ended = run(&client, &[step, &second], true).await;
            assert_eq!(ended.commands[0].exit_code, Some(3), "{step}: {ended:?}");
            assert_eq!(
                statuses(&ended),
                [RunStatus::Failed, RunStatus::Skipped],
                "{step}"
            );
            assert!(!ended.commands[0].unknown, "{step}: {ended:?}");
            assert!(!later.exists(), "{step}");
        }
    });
}

#[test]
fn a_job_that_outlives_its_step_reports_nothing_for_the_next() {
    with_daemon(async |_daemon, client| {
        let lines = [
            "(for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; for fd in 9 10 11 12; do echo 1 0 >&$fd; done; done) 2>/dev/null & true",
            "sleep 0.3; (exit 4)",
            "sleep 0.4; echo last",
        ];
        let ended = run(&client, &lines, false).await;
        let codes: Vec<_> = ended.commands.iter().map(|c| c.exit_code).collect();
        assert_eq!(codes, [Some(0), Some(4), Some(0)], "{ended:?}");
        assert_eq!(ended.status, RunStatus::Partial);
    });
}

#[test]
fn who_may_claim_any_pid_makes_the_run_fail() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    with_daemon(async |daemon, client| {
        let forge = forger(daemon.dir.path());
        let attempts = [
            // A second report of a step.
            (format!("{forge} claim '0 0'"), 0),
            (format!("{forge} claim '0 0' '1 0' '2 0'"), 0),
            // One of a step that had not begun, and its own is believed.
            (format!("{forge} claim '2 0'"), 2),
            (format!("{forge} claim '7 0'"), 2),
            // The shell ends otherwise than it has reported.
            (format!("{forge} claim '0 0' '1 0' '2 0'; kill -9 $$"), 2),
            (
                format!("{forge} claim '0 0' '1 0' '2 0'; exec sleep 300"),
                2,
            ),
        ];
        for (step, from) in attempts {
            // What the claims have left answers the shell's own report: it has to live on until that is heard.
            let step = format!("trap 'sleep 0.5' EXIT; {step}");
            for stop_on_error in [true, false] {
                let ended = run(&client, &[&step, "true", "true"], stop_on_error).await;
                assert_eq!(ended.status, RunStatus::Failed, "{step}: {ended:?}");
                for (index, command) in ended.commands.iter().enumerate() {
                    assert_eq!(command.unknown, index >= from, "{step}: {ended:?}");
                    let told = command.exit_code.is_none() && command.status == RunStatus::Failed;
                    assert!(told || index < from, "{step}: {ended:?}");
                }
            }
        }
    });
}

#[test]
fn output_of_a_step_cannot_pose_as_anothers() {
    with_daemon(async |_daemon, client| {
        let mark = "printf '\\033]777;notify;fugue-mark;%s\\033\\\\' x y 0-0 0 1";
        let lines = [
            format!(
                "{mark}; echo one; tr '\\0' ' ' </proc/$PPID/cmdline | grep -o 'fugue-mark;[0-9a-f]*' || echo two"
            ),
            format!("echo three; {mark}; echo four"),
        ];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let ended = run(&client, &lines, true).await;
        assert_eq!(outputs(&ended), ["one\ntwo", "three\nfour"], "{ended:?}");
    });
}
