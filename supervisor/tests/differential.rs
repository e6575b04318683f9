//! The same scenarios through Erlang/OTP's supervisor, through ours on ractor, and through the pure
//! policy: starts, stops, answers and standings must come in the same order.
//!
//! `otp/traces.jsonl` holds recorded scenarios with OTP's traces. `scripts/otp-traces` records
//! them, and compares fresh random ones where `escript` exists.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod erlang;
mod policy_run;
mod scenario;
mod shell_run;

use scenario::{Rng, Scenario};

/// A scenario and what OTP made of it.
#[derive(Serialize, Deserialize)]
struct Recorded {
    scenario: Scenario,
    trace: Vec<String>,
}

#[test]
fn recorded_traces_are_reproduced_on_ractor() {
    let recorded = read_recorded();
    compare("ours on ractor", &recorded, shell_run::run);
}

#[test]
fn recorded_traces_are_reproduced_by_the_pure_policy() {
    let recorded = read_recorded();
    compare("the pure policy", &recorded, policy_run::run);
}

/// Does something only when `FUGUE_OTP` is `check` or `record`; see `scripts/otp-traces`.
#[test]
fn live_traces_agree() {
    let Ok(mode) = std::env::var("FUGUE_OTP") else {
        return;
    };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed: u64 = number("FUGUE_OTP_SEED").unwrap_or(1);
    let count: u64 = number("FUGUE_OTP_COUNT").unwrap_or(100);
    println!("seed {seed}, {count} scenarios");
    let scenarios: Vec<Scenario> = (0..count)
        .map(|i| Scenario::random(&mut Rng::new(seed.wrapping_add(i))))
        .collect();
    let traces = erlang::run(&scenarios);
    let recorded: Vec<Recorded> = scenarios
        .into_iter()
        .zip(traces)
        .map(|(scenario, trace)| Recorded { scenario, trace })
        .collect();
    compare("ours on ractor", &recorded, shell_run::run);
    compare("the pure policy", &recorded, policy_run::run);
    if mode == "record" {
        let lines: Vec<String> = recorded
            .iter()
            .map(|one| serde_json::to_string(one).unwrap() + "\n")
            .collect();
        fs::create_dir_all(traces_file().parent().unwrap()).unwrap();
        fs::write(traces_file(), lines.concat()).unwrap();
    }
}

fn traces_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/otp/traces.jsonl")
}

fn read_recorded() -> Vec<Recorded> {
    let text = fs::read_to_string(traces_file()).unwrap();
    let recorded: Vec<Recorded> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(recorded.len() >= 200, "only {} traces", recorded.len());
    recorded
}

fn compare(whose: &str, recorded: &[Recorded], run: impl Fn(&Scenario) -> Vec<String>) {
    for (number, Recorded { scenario, trace }) in recorded.iter().enumerate() {
        let expected = scenario::normal_form(trace.clone());
        let actual = scenario::normal_form(run(scenario));
        let first = expected
            .iter()
            .zip(&actual)
            .position(|(expected, actual)| expected != actual)
            .unwrap_or(expected.len().min(actual.len()));
        assert!(
            expected == actual,
            "scenario {number}: {whose} differs from OTP at event {first}\n{}\nOTP:\n  {}\n{whose}:\n  {}\n",
            serde_json::to_string_pretty(scenario).unwrap(),
            expected.join("\n  "),
            actual.join("\n  "),
        );
    }
}
