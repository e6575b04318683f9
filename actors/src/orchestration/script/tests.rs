//! The script with real shells, and reports among garbage.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use protocol::ErrorCode;
use protocol::request::{PipelineStep, RunOptions, RunPipeline};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use super::{Report, Reports, Told, checked, source};
use model::orchestration::plan::Plan;

const WORD: &str = "0123456789abcdef0123456789abcdef";

struct Run {
    reports: Vec<(usize, i32)>,
    exit: Option<i32>,
    output: String,
    /// What it printed on standard error.
    errors: String,
}

/// Answers each report as a keeper does, until the shell has ended, and returns what it said.
fn keep(socket: &OwnedFd) -> Vec<u8> {
    let answer = |line: &str| {
        for byte in line.bytes() {
            // A shell that has ended does not read it.
            let _ = send(socket, &[byte], SendFlags::NOSIGNAL);
        }
    };
    let mut told = Vec::new();
    let mut packet = [0; 64];
    while let Ok((_, count @ 1..)) = recv(socket, &mut packet[..], RecvFlags::empty()) {
        told.extend_from_slice(&packet[..count]);
        if packet[..count].ends_with(b"\n") {
            answer("mark\n");
        }
    }
    told
}

fn pipeline(steps: &[&str]) -> RunPipeline {
    RunPipeline {
        steps: steps
            .iter()
            .map(|line| PipelineStep {
                command: (*line).to_owned(),
                name: None,
            })
            .collect(),
        ..RunPipeline::default()
    }
}

/// Runs the steps in `shell` with the socket at its descriptor.
fn run(shell: &str, stop_on_error: bool, steps: &[&str]) -> Run {
    let request = RunPipeline {
        stop_on_error: Some(stop_on_error),
        options: RunOptions {
            shell: Some(shell.to_owned()),
            ..RunOptions::default()
        },
        ..pipeline(steps)
    };
    let plan = Plan::pipeline(request).unwrap();
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    // The outer shell puts the socket where the keeper would.
    let fd = theirs.as_raw_fd();
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let outer = format!("exec \"$@\" 9>&{fd} {fd}>&-");
    let child = Command::new("bash")
        .args([
            "-c",
            &outer,
            "sh",
            shell,
            "-c",
            &source(&plan, &["true".to_owned()]),
            shell,
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(theirs);
    let told = keep(&ours);
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(told).unwrap();
    let lines: String = lines
        .lines()
        .map(|line| format!("{WORD} {line}\n"))
        .collect();
    let told = Reports::from_step(WORD.to_owned(), 0).take(lines.as_bytes());
    let reports = told.into_iter().map(|told| match told {
        Told::Ended(report) => (report.step, report.code),
        Told::Again(_) | Told::NotBegun(_) => panic!("{told:?}"),
    });
    Run {
        reports: reports.collect(),
        exit: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_pipeline_that_fits_no_argument_is_refused() {
    let planned = |steps: &[&str]| checked(Plan::pipeline(pipeline(steps)).unwrap());
    let step = "y".repeat(50_000);
    assert!(planned(&[&step, &step]).is_ok());
    let error = planned(&[&step, &step, &step]).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("together"), "{error}");
}

fn for_each_shell(check: impl Fn(&str)) {
    for shell in ["dash", "bash"] {
        check(shell);
    }
}

#[test]
fn directories_variables_and_functions_carry_over() {
    for_each_shell(|shell| {
        let steps = [
            "cd /; export A=1; B=2; f() { echo \"f $1\"; }",
            "set -- x y; IFS=0",
            "pwd; f \"$A$B$#\"",
        ];
        let run = run(shell, true, &steps);
        assert_eq!(run.reports, [(0, 0), (1, 0), (2, 0)], "{shell}");
        assert_eq!(run.output, "/\nf 122\n", "{shell}");
    });
}

#[test]
fn a_failed_step_ends_it_or_not() {
    for_each_shell(|shell| {
        let steps = ["true", "(exit 7)", "echo \"last $?\""];
        let stopping = run(shell, true, &steps);
        assert_eq!(stopping.reports, [(0, 0), (1, 7)], "{shell}");
        assert_eq!(
            (stopping.exit, stopping.output.as_str()),
            (Some(7), ""),
            "{shell}"
        );
        let going = run(shell, false, &steps);
        assert_eq!(going.reports, [(0, 0), (1, 7), (2, 0)], "{shell}");
        assert_eq!(
            going.output, "last 7\n",
            "{shell}: the status is there for the next step"
        );
    });
}

#[test]
fn nothing_in_a_step_reaches_the_lines_around_it() {
    let steps = [
        ("if then", 2),
        ("echo 'open", 2),
        ("echo \"open", 2),
        ("echo $(open", 2),
        ("true # comment", 0),
        ("cat <<E >/dev/null\nhello\nE", 0),
        ("true \\", 0),
        ("true; break; continue", 0),
        ("set -- ; shift 0; unset A; IFS=x", 0),
        ("true &", 0),
        ("printf '%s 1 0\\n' done", 0),
        ("echo it\\'s", 0),
        ("exec 9>/dev/null 8>&1; echo x >&9", 0),
        ("no-such-command 2>/dev/null", 127),
    ];
    for_each_shell(|shell| {
        for (step, code) in steps {
            let run = run(shell, false, &["true", step, "echo after"]);
            let output = run.output.lines().last();
            assert_eq!(output, Some("after"), "{shell}: {step}");
            // Shells differ in how they number a broken expansion.
            let (ok, expected) = (run.reports[1].1 == 0, code == 0);
            assert_eq!(ok, expected, "{shell}: {step}: {:?}", run.reports);
            assert_eq!(
                (run.reports[0], run.reports[2]),
                ((0, 0), (2, 0)),
                "{shell}: {step}"
            );
            assert!(code != 127 || run.reports[1].1 == 127, "{shell}: {step}");
        }
    });
}

#[test]
fn a_step_that_ends_the_shell_leaves_no_report() {
    let steps = [
        ("exit 3", Some(3)),
        ("exit 0", Some(0)),
        ("exec true", Some(0)),
        ("exec sh -c 'exit 4'", Some(4)),
        ("set -e; false; echo no", Some(1)),
        ("kill -9 $$", None),
    ];
    for_each_shell(|shell| {
        for (step, exit) in steps {
            let run = run(shell, false, &["true", step, "echo no"]);
            assert_eq!(run.reports, [(0, 0)], "{shell}: {step}");
            assert_eq!(run.exit, exit, "{shell}: {step}");
            assert_eq!(run.output, "", "{shell}: {step}");
        }
    });
}

#[test]
fn programs_of_a_step_do_not_have_the_socket() {
    for_each_shell(|shell| {
        let run = run(shell, true, &["ls /proc/self/fd"]);
        let fds: Vec<u32> = run
            .output
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect();
        assert!(fds.contains(&0), "{shell}: {}", run.output);
        assert!(!fds.contains(&9), "{shell}: {fds:?}");
    });
}

#[test]
fn the_trace_has_the_steps_and_nothing_of_the_script() {
    let steps = [
        "set -x",
        "echo hi",
        "for i in 1; do echo $i; done",
        "set +x",
        "echo on",
        "set -x; (exit 3)",
    ];
    for_each_shell(|shell| {
        for stop_on_error in [true, false] {
            let run = run(shell, stop_on_error, &steps);
            let lines: Vec<_> = run
                .errors
                .lines()
                .map(|line| line.trim_start_matches('+'))
                .collect();
            let first = [" echo hi", " for i in 1", " echo 1", " set +x", " exit 3"];
            let rest: Vec<_> = first
                .iter()
                .filter(|line| lines.contains(*line))
                .copied()
                .collect();
            assert_eq!(lines, rest, "{shell}: {}", run.errors);
            assert!(
                run.errors.starts_with("+ echo hi\n"),
                "{shell}: {}",
                run.errors
            );
            assert_eq!(run.output, "hi\n1\non\n", "{shell}");
            assert_eq!(run.exit, Some(3), "{shell}");
        }
    });
}

#[test]
fn a_plain_step_does_in_bash_what_eval_would() {
    let steps = [
        "cd /; export A=1 B=2",
        "set -- x y; exec 5>&1; echo to-five >&5",
        "echo \"$A$B$#\" && pwd | cat; ls /nonexistent 2>/dev/null || echo none",
        "x=9 & wait; echo \"[$x]\"",
        "shift 5; readonly r=1; r=2; . /nonexistent",
        "echo last",
    ];
    let run = run("bash", false, &steps);
    assert_eq!(
        run.output, "to-five\n122\n/\nnone\n[]\nlast\n",
        "{}",
        run.errors
    );
    let codes: Vec<_> = run.reports.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [0, 0, 0, 0, 1, 0]);
}

fn report(step: usize, code: i32, mark: &str) -> Report {
    let mark = mark.to_owned();
    Report { step, code, mark }
}

#[test]
fn garbage_is_no_report() {
    let mut reports = Reports::from_step(WORD.to_owned(), 0);
    let long = "x".repeat(10_000);
    let text = format!(
        "garbage\n{long}\n0 0\n{WORD} 0 0 0\n{WORD} 0 900\n{WORD} 0\n\u{0}\n\nx{WORD} 0 0\n{WORD}-other 0 0\n{WORD}-mark 0 m\n{WORD} 0 3\n"
    );
    let found = reports.take(text.as_bytes());
    assert_eq!(found, [Told::Ended(report(0, 3, "m"))]);
}

#[test]
fn a_second_report_and_one_of_a_step_to_come_are_told_as_that() {
    let mut reports = Reports::from_step(WORD.to_owned(), 1);
    let text = format!("{WORD} 0 0\n{WORD} 1 0\n{WORD} 3 0\n{WORD} 2 1\n{WORD} 2 0\n");
    let mark = |step| format!("{WORD}-{step}");
    let expected = [
        Told::Again(report(0, 0, &mark(0))),
        Told::Ended(report(1, 0, &mark(1))),
        Told::NotBegun(3),
        Told::Ended(report(2, 1, &mark(2))),
        Told::Again(report(2, 0, &mark(2))),
    ];
    assert_eq!(reports.take(text.as_bytes()), expected);
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same(
        codes in prop::collection::vec(0..=255i32, 1..20),
        noise in prop::collection::vec("[a-z \n]{0,40}", 20),
        chunk in 1..50usize,
    ) {
        let mut text = String::new();
        for (step, code) in codes.iter().enumerate() {
            text.push_str(&noise[step]);
            text.push_str(&format!("\n{WORD}-mark {step} m{step}\n{WORD} {step} {code}\n"));
        }
        let mut reports = Reports::from_step(WORD.to_owned(), 0);
        let found: Vec<_> = text.as_bytes().chunks(chunk).flat_map(|bytes| reports.take(bytes)).collect();
        let told = |(step, code): (usize, &i32)| Told::Ended(report(step, *code, &format!("m{step}")));
        let expected: Vec<_> = codes.iter().enumerate().map(told).collect();
        prop_assert_eq!(found, expected);
    }
}
