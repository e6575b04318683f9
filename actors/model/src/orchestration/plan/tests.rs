//! What is refused before anything is spawned, and the names that commands get.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use protocol::ErrorCode;
use protocol::request::{ParallelCommand, PipelineStep, RunOptions, RunParallel, RunPipeline};

use super::{MAX_COMMANDS, Plan};

fn command(line: &str, name: Option<&str>) -> ParallelCommand {
    ParallelCommand {
        command: line.to_owned(),
        name: name.map(str::to_owned),
        ..ParallelCommand::default()
    }
}

fn parallel(commands: Vec<ParallelCommand>) -> RunParallel {
    RunParallel {
        commands,
        ..RunParallel::default()
    }
}

fn with(options: RunOptions) -> RunParallel {
    RunParallel {
        options,
        ..parallel(vec![command("true", None)])
    }
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

#[test]
fn defaults_differ_by_kind() {
    let plan = Plan::parallel(parallel(vec![command("true", None); 3])).unwrap();
    assert!(plan.cleanup);
    assert_eq!(plan.timeout, Duration::from_secs(300));
    assert_eq!((plan.jobs(), plan.max_parallel), (3, 3));

    let plan = Plan::pipeline(pipeline(&["true", "false"])).unwrap();
    assert!(!plan.cleanup && plan.stop_on_error);
    assert_eq!(plan.timeout, Duration::from_secs(600));
    assert_eq!((plan.jobs(), plan.job_of(1)), (1, 0));
    assert_eq!(plan.shell(), "sh");
}

#[test]
fn unnamed_commands_are_numbered_by_position() {
    let commands = vec![
        command("a", None),
        command("b", Some("own")),
        command("c", None),
    ];
    let plan = Plan::parallel(parallel(commands)).unwrap();
    let names: Vec<_> = plan.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["task-1", "own", "task-3"]);

    let plan = Plan::pipeline(pipeline(&["a", "b"])).unwrap();
    let names: Vec<_> = plan.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["step-1", "step-2"]);
}

#[test]
fn a_given_name_is_never_given_again() {
    let commands = vec![
        command("a", Some("task-2")),
        command("b", None),
        command("c", Some("task-4")),
    ];
    let plan = Plan::parallel(parallel(commands)).unwrap();
    let names: Vec<_> = plan.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["task-2", "task-5", "task-4"]);
}

fn assert_refused(cases: Vec<(RunParallel, &str)>) {
    for (request, reason) in cases {
        let error = Plan::parallel(request).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        assert!(error.message.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn bad_commands_are_refused_with_the_reason() {
    let one = |line: &str, name| parallel(vec![command(line, name)]);
    let long = "x".repeat(65);
    let huge = format!("echo {}", "x".repeat(130_000));
    let twice = vec![command("a", Some("x")), command("b", Some("x"))];
    let relative = ParallelCommand {
        cwd: Some("tmp".into()),
        ..command("true", None)
    };
    assert_refused(vec![
        (parallel(Vec::new()), "1 to 256"),
        (
            parallel(vec![command("true", None); MAX_COMMANDS + 1]),
            "1 to 256",
        ),
        (
            parallel(vec![command("true", None), command("  ", None)]),
            "command 2 is empty",
        ),
        (one("echo \0", None), "NUL"),
        (one(&huge, None), "bytes"),
        (parallel(twice), "two commands"),
        (one("a", Some(" ")), "empty"),
        (one("a", Some("a\nb")), "control character"),
        (one("a", Some(&long)), "too long"),
        (parallel(vec![relative]), "absolute"),
    ]);
}

#[test]
fn bad_options_are_refused_with_the_reason() {
    let none = RunOptions::default;
    let env = |name: &str, value: &str| RunOptions {
        env: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        ..none()
    };
    let timeout = |ms| RunOptions {
        timeout_ms: Some(ms),
        ..none()
    };
    let lines = RunOptions {
        output_lines: 1_001,
        ..none()
    };
    let cwd = RunOptions {
        cwd: Some("tmp".into()),
        ..none()
    };
    let shell = RunOptions {
        shell: Some(" ".into()),
        ..none()
    };
    let nothing_runs = RunParallel {
        max_parallel: Some(0),
        ..with(none())
    };
    assert_refused(vec![
        (nothing_runs, "max_parallel"),
        (with(timeout(0)), "timeout_ms"),
        (with(timeout(86_400_001)), "timeout_ms"),
        (with(lines), "output_lines"),
        (with(cwd), "absolute"),
        (with(env("A=B", "")), "environment variable"),
        (with(env("A", "\0")), "NUL"),
        (with(shell), "shell"),
    ]);
}

#[test]
fn a_pipeline_needs_a_posix_shell() {
    let shell = |shell: &str| RunPipeline {
        options: RunOptions {
            shell: Some(shell.to_owned()),
            ..RunOptions::default()
        },
        ..pipeline(&["true"])
    };
    for known in ["bash", "/bin/dash", "/opt/local/bin/ksh"] {
        assert!(Plan::pipeline(shell(known)).is_ok(), "{known}");
    }
    for other in ["fish", "/usr/bin/zsh", "python3", "/bin/"] {
        let error = Plan::pipeline(shell(other)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unsupported, "{other}: {error}");
        assert!(error.candidates.contains(&"bash".to_owned()));
    }
    let mut request = with(RunOptions::default());
    request.options.shell = Some("fish".to_owned());
    assert!(
        Plan::parallel(request).is_ok(),
        "each command is a program of its own"
    );
}

proptest! {
    #[test]
    fn names_are_unique_whatever_is_given(
        given in prop::collection::vec(prop::option::of("task-[1-9]"), 1..20)
    ) {
        let commands = given.iter().map(|name| command("true", name.as_deref()));
        let distinct: BTreeSet<_> = given.iter().flatten().collect();
        let named = given.iter().flatten().count();
        match Plan::parallel(parallel(commands.collect())) {
            Ok(plan) => {
                let names: BTreeSet<_> = plan.commands.iter().map(|c| &c.name).collect();
                prop_assert_eq!(names.len(), given.len());
                for (planned, given) in plan.commands.iter().zip(&given) {
                    prop_assert!(given.as_ref().is_none_or(|given| *given == planned.name));
                }
            }
            Err(_) => prop_assert!(distinct.len() < named),
        }
    }
}
