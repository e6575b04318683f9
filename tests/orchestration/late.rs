//! A daemon that is late loses nothing of what steps have printed, or says how much.

use std::time::Duration;

use protocol::reply::CommandResult;
use protocol::request::RunOptions;
use rustix::process::Signal;

use super::{pipeline, run_pipeline};
use crate::support::daemon::with_daemon;
use crate::support::eventually;

/// Runs two steps of which the second one prints so many lines, all of it while the daemon is stopped.
fn printed_while_it_is_stopped(lines: u32, check: impl Fn(&CommandResult)) {
    with_daemon(async |daemon, client| {
        let dir = daemon.dir.path();
        let (waits, goes, done) = (dir.join("waits"), dir.join("goes"), dir.join("done"));
        let first = format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.02; done; seq -f A%.0f 300",
            waits.display(),
            goes.display()
        );
        let second = format!("seq -f B%.0f {lines}; touch {}", done.display());
        let options = RunOptions {
            output_lines: 1_000,
            cleanup: Some(true),
            ..RunOptions::default()
        };
        let params = pipeline(&[&first, &second], options);
        let run = run_pipeline(&client, params);
        let meanwhile = async {
            eventually("the first step", async || waits.exists().then_some(())).await;
            daemon.signal(Signal::STOP);
            std::fs::write(&goes, "").unwrap();
            // What a stopped daemon does not read waits in the terminal, and so does the step.
            let ended = async || done.exists().then_some(());
            let _ = tokio::time::timeout(Duration::from_millis(500), eventually("it", ended)).await;
            daemon.signal(Signal::CONT);
        };
        let (ended, ()) = tokio::join!(run, meanwhile);
        check(&ended.commands[0]);
    });
}

#[test]
fn the_output_of_a_step_outlives_the_next_ones_while_the_daemon_is_stopped() {
    printed_while_it_is_stopped(8_000, |first| {
        let all: String = (1..=300).map(|n| format!("A{n}\n")).collect();
        let output = first.output.as_deref().unwrap();
        assert_eq!(output.trim_end(), all.trim_end());
        assert_eq!(first.omitted_bytes, 0);
    });
}

#[test]
fn what_had_left_the_scrollback_before_it_was_taken_counts_as_left_out() {
    printed_while_it_is_stopped(60_000, |first| {
        let shown = first.output.as_deref().unwrap_or("").lines().count() as u64;
        assert!(shown + first.omitted_bytes >= 300, "{first:?}");
    });
}
