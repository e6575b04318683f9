//! The script with real shells, and reports among garbage.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use protocol::request::{PipelineStep, RunPipeline};

use super::{Report, Reports, source};
use crate::orchestration::plan::Plan;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

struct Run {
    reports: Vec<(usize, i32)>,
    exit: Option<i32>,
    output: String,
}

/// Runs the steps in `shell` with the status pipe at its descriptor.
fn run(shell: &str, stop_on_error: bool, steps: &[&str]) -> Run {
    let request = RunPipeline {
        steps: steps
            .iter()
            .map(|line| PipelineStep {
                command: (*line).to_owned(),
                name: None,
            })
            .collect(),
        stop_on_error: Some(stop_on_error),
        ..RunPipeline::default()
    };
    let plan = Plan::pipeline(request).unwrap();
    let (mut read, write) = std::io::pipe().unwrap();
    // The outer shell puts the pipe where the keeper would.
    let fd = write.as_raw_fd();
    rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::empty()).unwrap();
    let outer = format!("exec \"$@\" 9>&{fd} {fd}>&-");
    let output = Command::new("bash")
        .args(["-c", &outer, "sh", shell, "-c", &source(&plan, NONCE), "sh"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    drop(write);
    let mut bytes = Vec::new();
    read.read_to_end(&mut bytes).unwrap();
    let reports = Reports::new(NONCE.to_owned()).take(&bytes);
    Run {
        reports: reports.iter().map(|r| (r.step, r.code)).collect(),
        exit: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
    }
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
fn programs_of_a_step_do_not_have_the_pipe() {
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
fn garbage_is_no_report() {
    let mut reports = Reports::new(NONCE.to_owned());
    let long = "x".repeat(10_000);
    let text = format!(
        "garbage\n{long}\n0 0\n{NONCE} 5 0\n{NONCE} 0 0 0\n{NONCE} 0 900\n{NONCE} 0\n\u{0}\n\nx{NONCE} 0 0\n{NONCE} 0 3\n{NONCE} 0 0\n"
    );
    let found = reports.take(text.as_bytes());
    assert_eq!(found, [Report { step: 0, code: 3 }]);
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
            text.push_str(&format!("\n{NONCE} {step} {code}\n"));
        }
        let mut reports = Reports::new(NONCE.to_owned());
        let found: Vec<_> = text.as_bytes().chunks(chunk).flat_map(|bytes| reports.take(bytes)).collect();
        let expected: Vec<_> = codes.iter().enumerate().map(|(step, code)| Report { step, code: *code }).collect();
        prop_assert_eq!(found, expected);
    }
}
