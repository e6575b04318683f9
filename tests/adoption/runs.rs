//! Orchestrations whose daemon is killed come to their right result.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, SystemTime};

use protocol::OrchestrationUuid;
use protocol::frame::{from_bytes, to_bytes};
use protocol::reply::{Orchestration, RunStatus};
use protocol::request::{
    Call, CancelOrchestration, GetOrchestration, ParallelCommand, PipelineStep, RunOptions,
    RunParallel, RunPipeline,
};
use rustix::process::Signal;

use super::kill_and_restart;
use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::random::Random;
use crate::support::{LIMIT, eventually, proc, run_within};

async fn result(client: &Client, id: OrchestrationUuid) -> Orchestration {
    client
        .ok(GetOrchestration {
            orchestration_id: id,
            wait: true,
            timeout_ms: 18_000,
            after_version: None,
        })
        .await
}

/// How often each line stands in the file.
fn lines(file: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        *lines.entry(line.to_owned()).or_insert(0) += 1;
    }
    lines
}

/// Kills it at moments that nobody chose.
async fn kill_often(daemon: &mut Daemon, random: &mut Random, times: usize, within_ms: usize) {
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(random.below(within_ms) as u64)).await;
        kill_and_restart(daemon, Duration::ZERO).await;
    }
}

async fn nothing_left(daemon: &Daemon, client: &Client) {
    let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
    eventually("a clean end", async || {
        let clean = client.sessions().await.is_empty() && proc::marked(&marker).len() == 1;
        clean.then_some(())
    })
    .await;
}

#[test]
fn twenty_commands_end_with_their_codes_though_the_daemon_dies_five_times() {
    run_within(Duration::from_secs(90), async {
        let mut random = Random::new(41);
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let file = daemon.dir.path().join("ran");
        let command = |number: usize| ParallelCommand {
            command: format!(
                "echo {number} >> {}; sleep 0.{}; echo out {number}; exit {number}",
                file.display(),
                2 + number % 6
            ),
            ..ParallelCommand::default()
        };
        let begun = client
            .ok(RunParallel {
                commands: (0..20).map(command).collect(),
                max_parallel: Some(6),
                options: RunOptions {
                    output_lines: 5,
                    ..RunOptions::default()
                },
                ..RunParallel::default()
            })
            .await;
        drop(client);
        kill_often(&mut daemon, &mut random, 5, 300).await;
        let client = daemon.client().await;
        let ended = result(&client, begun.orchestration_id).await;
        assert_eq!(ended.status, RunStatus::Partial, "{ended:?}");
        for (number, command) in ended.commands.iter().enumerate() {
            let code = i32::try_from(number).unwrap();
            assert_eq!(command.exit_code, Some(code), "{command:?}");
            let output = format!("out {number}");
            assert_eq!(
                command.output.as_deref(),
                Some(output.as_str()),
                "{command:?}"
            );
        }
        let once: BTreeMap<_, _> = (0..20)
            .map(|number: usize| (number.to_string(), 1))
            .collect();
        assert_eq!(lines(&file), once, "each command ran once");
        nothing_left(&daemon, &client).await;
        // The result is kept.
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let again = result(&daemon.client().await, begun.orchestration_id).await;
        assert_eq!(again.commands, ended.commands);
        assert_eq!(again.status, ended.status);
    });
}

#[test]
fn commands_that_have_not_begun_wait_for_the_next_server() {
    run_within(Duration::from_secs(90), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let command = |number: usize| ParallelCommand {
            command: format!("sleep 0.05; exit {number}"),
            ..ParallelCommand::default()
        };
        let begun = client
            .ok(RunParallel {
                commands: (0..40).map(command).collect(),
                max_parallel: Some(2),
                options: RunOptions::default(),
                ..RunParallel::default()
            })
            .await;
        drop(client);
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let ran = daemon.fugue(&["stop", "--keep-panes"]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            daemon.wait();
            daemon.launch();
        }
        let client = daemon.client().await;
        let ended = result(&client, begun.orchestration_id).await;
        for (number, command) in ended.commands.iter().enumerate() {
            let code = i32::try_from(number).unwrap();
            assert_eq!(command.exit_code, Some(code), "{command:?}");
        }
        nothing_left(&daemon, &client).await;
    });
}

#[test]
fn a_pipelines_steps_go_on_in_their_shell() {
    run_within(Duration::from_secs(90), async {
        let mut random = Random::new(43);
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let file = daemon.dir.path().join("ran");
        let steps = (0..14).map(|number| PipelineStep {
            command: format!(
                "x=\"${{x}}{number}.\"; echo \"$x\" >> {}; sleep 0.1; echo out {number}; (exit {})",
                file.display(),
                number % 5
            ),
            name: None,
        });
        let begun = client
            .ok(RunPipeline {
                steps: steps.collect(),
                stop_on_error: Some(false),
                options: RunOptions {
                    output_lines: 5,
                    cleanup: Some(true),
                    ..RunOptions::default()
                },
            })
            .await;
        drop(client);
        kill_often(&mut daemon, &mut random, 5, 260).await;
        let client = daemon.client().await;
        let ended = result(&client, begun.orchestration_id).await;
        for (number, command) in ended.commands.iter().enumerate() {
            let code = i32::try_from(number % 5).unwrap();
            assert_eq!(command.exit_code, Some(code), "{ended:?}");
            let output = format!("out {number}");
            assert_eq!(
                command.output.as_deref(),
                Some(output.as_str()),
                "{command:?}"
            );
        }
        let told: Vec<usize> = lines(&file).into_values().collect();
        assert_eq!(told, vec![1; 14]);
        nothing_left(&daemon, &client).await;
    });
}

#[test]
fn a_deadline_that_passes_while_no_daemon_runs_is_kept() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client
            .ok(RunParallel {
                commands: ["sleep 600", "exit 3"]
                    .iter()
                    .map(|line| ParallelCommand {
                        command: (*line).to_owned(),
                        ..ParallelCommand::default()
                    })
                    .collect(),
                options: RunOptions {
                    timeout_ms: Some(1_200),
                    ..RunOptions::default()
                },
                ..RunParallel::default()
            })
            .await;
        eventually("the end of the second", async || {
            let now = GetOrchestration {
                orchestration_id: begun.orchestration_id,
                wait: false,
                timeout_ms: 0,
                after_version: None,
            };
            client.ok(now).await.commands[1].exit_code
        })
        .await;
        kill_and_restart(&mut daemon, Duration::from_millis(1_500)).await;
        let client = daemon.client().await;
        let ended = result(&client, begun.orchestration_id).await;
        assert_eq!(ended.status, RunStatus::Timeout, "{ended:?}");
        assert_eq!(ended.commands[0].status, RunStatus::Timeout);
        assert_eq!(ended.commands[1].exit_code, Some(3));
        assert!(ended.duration_ms < 9_000, "{ended:?}");
        nothing_left(&daemon, &client).await;
    });
}

#[test]
fn nothing_is_started_after_a_deadline_that_passed_while_no_daemon_ran() {
    run_within(Duration::from_secs(60), async {
        for _ in 0..3 {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            let places: Vec<_> = (0..20)
                .map(|number| daemon.paths().state.join(format!("started{number}")))
                .collect();
            let begun = client
                .ok(RunParallel {
                    commands: places
                        .iter()
                        .map(|place| ParallelCommand {
                            command: format!("touch {}", place.display()),
                            ..ParallelCommand::default()
                        })
                        .collect(),
                    options: RunOptions {
                        timeout_ms: Some(300),
                        ..RunOptions::default()
                    },
                    ..RunParallel::default()
                })
                .await;
            let took = kill_and_restart(&mut daemon, Duration::from_millis(500)).await;
            let restarted = SystemTime::now() - took;
            let client = daemon.client().await;
            let ended = result(&client, begun.orchestration_id).await;
            for (command, place) in ended.commands.iter().zip(&places) {
                let started = std::fs::metadata(place).and_then(|found| found.modified());
                if let Ok(started) = started {
                    assert!(started < restarted, "{command:?}");
                    assert_eq!(command.exit_code, Some(0), "{command:?}");
                } else {
                    assert_eq!(command.status, RunStatus::Timeout, "{command:?}");
                }
            }
            nothing_left(&daemon, &client).await;
        }
    });
}

async fn keyed(client: &Client, run: &RunParallel) -> Result<Orchestration, protocol::Error> {
    let key = Some("one run".to_owned());
    let reply = client
        .connection
        .call_raw(RunParallel::METHOD, to_bytes(run), key, LIMIT)
        .await?;
    Ok(from_bytes(&reply).unwrap())
}

#[test]
fn a_key_begins_one_run_though_the_daemon_dies_in_between() {
    run_within(Duration::from_secs(90), async {
        let mut random = Random::new(44);
        for _ in 0..4 {
            let mut daemon = Daemon::start();
            let file = daemon.dir.path().join("ran");
            let run = RunParallel {
                commands: vec![ParallelCommand {
                    command: format!("echo ran >> {}; sleep 0.2", file.display()),
                    ..ParallelCommand::default()
                }],
                ..RunParallel::default()
            };
            let client = daemon.client().await;
            let pause = Duration::from_micros(random.below(9_000) as u64);
            let (_, first) = tokio::join!(
                async {
                    tokio::time::sleep(pause).await;
                    daemon.signal(rustix::process::Signal::KILL);
                },
                keyed(&client, &run)
            );
            daemon.wait();
            daemon.launch();
            let client = daemon.client().await;
            let again = keyed(&client, &run).await.unwrap();
            if let Ok(first) = first {
                assert_eq!(again.orchestration_id, first.orchestration_id);
            }
            let ended = result(&client, again.orchestration_id).await;
            assert_eq!(ended.status, RunStatus::Completed, "{ended:?}");
            assert_eq!(lines(&file), BTreeMap::from([("ran".to_owned(), 1)]));
            nothing_left(&daemon, &client).await;
        }
    });
}

#[test]
fn a_key_without_an_answer_is_known_to_the_daemon_after_the_next() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let file = daemon.dir.path().join("ran");
        let run = RunParallel {
            commands: vec![ParallelCommand {
                command: format!("echo ran >> {}", file.display()),
                ..ParallelCommand::default()
            }],
            ..RunParallel::default()
        };
        let client = daemon.client().await;
        let first = keyed(&client, &run).await.unwrap();
        result(&client, first.orchestration_id).await;
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        let database = rusqlite::Connection::open(daemon.paths().state.join("state.db")).unwrap();
        let unanswered = "UPDATE idempotency SET outcome = NULL";
        assert_eq!(database.execute(unanswered, []).unwrap(), 1);
        drop(database);
        daemon.launch();
        drop(daemon.client().await);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        let again = keyed(&client, &run).await.unwrap();
        assert_eq!(again.orchestration_id, first.orchestration_id);
        assert_eq!(lines(&file), BTreeMap::from([("ran".to_owned(), 1)]));
        nothing_left(&daemon, &client).await;
    });
}

/// Waits until it has begun, then cancels it and kills the daemon once `killed` says so, whether the cancel was answered or not. Gives
/// what the next daemon makes of it, asked to cancel it again.
async fn cancelled_and_killed(
    daemon: &mut Daemon,
    begun: Orchestration,
    killed: impl Future<Output = ()>,
) -> Orchestration {
    let id = begun.orchestration_id;
    let cancel = CancelOrchestration {
        orchestration_id: id,
    };
    let client = daemon.client().await;
    eventually("a program", async || {
        let now = client.panes().await;
        now.first().filter(|pane| pane.pid > 0).map(drop)
    })
    .await;
    let cancelling = async {
        let _ = client.call(cancel.clone()).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = cancelling => {}
        () = killed => {}
    }
    kill_and_restart(daemon, Duration::ZERO).await;
    let client = daemon.client().await;
    // One that was killed before it had recorded the cancel has ended nothing.
    client.ok(cancel).await;
    let ended = result(&client, id).await;
    nothing_left(daemon, &client).await;
    ended
}

/// Begins the same lines as a pipeline and side by side.
async fn begin(daemon: &Daemon, pipeline: bool, lines: &[String]) -> Orchestration {
    let client = daemon.client().await;
    let options = RunOptions {
        cleanup: Some(true),
        ..RunOptions::default()
    };
    if pipeline {
        let steps = lines.iter().map(|line| PipelineStep {
            command: line.clone(),
            name: None,
        });
        let run = RunPipeline {
            steps: steps.collect(),
            stop_on_error: None,
            options,
        };
        return client.ok(run).await;
    }
    let commands = lines.iter().map(|line| ParallelCommand {
        command: line.clone(),
        ..ParallelCommand::default()
    });
    let run = RunParallel {
        commands: commands.collect(),
        max_parallel: Some(2),
        options,
        ..RunParallel::default()
    };
    client.ok(run).await
}

fn is_cancelled(ended: &Orchestration) {
    assert_eq!(ended.status, RunStatus::Cancelled, "{ended:?}");
    for command in &ended.commands {
        assert_eq!(command.status, RunStatus::Cancelled, "{ended:?}");
    }
}

#[test]
fn what_a_cancel_has_ended_is_cancelled_though_the_daemon_is_killed_right_after() {
    run_within(Duration::from_secs(90), async {
        for pipeline in [true, false] {
            let mut daemon = Daemon::start();
            let place = |name: &str| daemon.dir.path().join(name);
            let (asked, waits) = (place("asked"), place("waits"));
            let line = format!(
                "sh -c 'trap \"touch {}; exit 7\" TERM; touch {}; while :; do sleep 0.05; done'",
                asked.display(),
                waits.display()
            );
            let begun = begin(&daemon, pipeline, &[line, "sleep 3".to_owned()]).await;
            eventually("a program that can be asked", async || {
                waits.exists().then_some(())
            })
            .await;
            let killed = eventually("a program that is asked to end", async || {
                asked.exists().then_some(())
            });
            let ended = cancelled_and_killed(&mut daemon, begun, killed).await;
            is_cancelled(&ended);
        }
    });
}

#[test]
fn a_run_that_is_cancelled_while_the_daemon_is_killed_ends_as_cancelled() {
    run_within(Duration::from_secs(90), async {
        let lines = ["sleep 600", "sleep 600", "sleep 600"].map(str::to_owned);
        for pipeline in [true, false] {
            for pause_ms in [0, 2, 5, 10, 25] {
                let mut daemon = Daemon::start();
                let begun = begin(&daemon, pipeline, &lines).await;
                let killed = tokio::time::sleep(Duration::from_millis(pause_ms));
                let ended = cancelled_and_killed(&mut daemon, begun, killed).await;
                is_cancelled(&ended);
            }
        }
    });
}

/// Its standard error so far.
fn heard(errors: &mut ChildStderr) -> String {
    use std::io::Read;
    let mut bytes = [0; 4096];
    let count = errors.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// A `fugue run` of one command whose server is stopped, interrupted once; and the command's pid.
async fn interrupted_while_it_hangs(daemon: &Daemon) -> (Child, ChildStderr, u32) {
    let file = daemon.dir.path().join("began");
    let line = format!("echo $$ > {}; exec sleep 600", file.display());
    let mut run = daemon
        .command(fugue_exe())
        .args(["run", &line])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = run.stderr.take().unwrap();
    let program: u32 = eventually("the command", async || {
        let pid = std::fs::read_to_string(&file).ok()?;
        pid.trim().parse().ok()
    })
    .await;
    // It has answered by then that the run has begun.
    let client = daemon.client().await;
    for _ in 0..50 {
        client.sessions().await;
    }
    daemon.signal(Signal::STOP);
    proc::signal(run.id(), Signal::INT);
    let mut said = String::new();
    while !said.contains("cancelling") {
        let more = heard(&mut errors);
        assert!(!more.is_empty(), "it ended: {said}");
        said += &more;
    }
    (run, errors, program)
}

#[test]
fn a_run_that_is_left_while_the_server_hangs_is_cancelled_when_it_goes_on() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let (mut run, mut errors, program) = interrupted_while_it_hangs(&daemon).await;
        proc::signal(run.id(), Signal::INT);
        let status = eventually("the end of the client", async || run.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(130));
        let said = heard(&mut errors);
        assert!(said.contains("has not said yet"), "{said}");
        daemon.signal(Signal::CONT);
        eventually("the end of the command", async || {
            (!proc::lives(program)).then_some(())
        })
        .await;
        nothing_left(&daemon, &daemon.client().await).await;
    });
}

#[test]
fn a_run_that_is_interrupted_while_the_server_hangs_is_cancelled_by_the_next_one() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let (mut run, _errors, program) = interrupted_while_it_hangs(&daemon).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let status = eventually("the end of the run", async || run.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(130));
        assert!(!proc::lives(program));
        nothing_left(&daemon, &daemon.client().await).await;
    });
}
