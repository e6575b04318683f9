//! Runs scenarios through Erlang/OTP: they are written as Erlang terms for `run.escript`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command as Process;

use supervisor::{AutoShutdown, RestartType, Strategy};

use super::scenario::{Child, Command, End, Manner, Scenario, Team};

/// OTP's trace of each scenario.
pub(crate) fn run(scenarios: &[Scenario]) -> Vec<Vec<String>> {
    let mut terms = String::new();
    for scenario in scenarios {
        let commands: Vec<String> = scenario.commands.iter().map(command).collect();
        let root = &scenario.root;
        writeln!(
            terms,
            "{{{{sup, {}, {}}}, [{}]}}.",
            flags(root),
            children(root),
            commands.join(", ")
        )
        .unwrap();
    }
    let name = format!("fugue-otp-{}.terms", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, terms).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/run.escript");
    let output = Process::new("timeout")
        .args(["600", "escript"])
        .arg(script)
        .arg(&file)
        .output()
        .expect("timeout(1) exists");
    std::fs::remove_file(&file).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "escript failed after {} scenarios: {}\n{}",
        text.lines().count(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let traces: Vec<Vec<String>> = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert_eq!(traces.len(), scenarios.len());
    traces
}

fn flags(team: &Team) -> String {
    let strategy = match team.strategy {
        Strategy::OneForOne => "one_for_one",
        Strategy::OneForAll => "one_for_all",
        Strategy::RestForOne => "rest_for_one",
    };
    let auto_shutdown = match team.auto_shutdown {
        AutoShutdown::Never => "never",
        AutoShutdown::AnySignificant => "any_significant",
        AutoShutdown::AllSignificant => "all_significant",
    };
    format!("{{{strategy}, {}, {auto_shutdown}}}", team.max_restarts)
}

fn children(team: &Team) -> String {
    let children: Vec<String> = team.children.iter().map(child).collect();
    format!("[{}]", children.join(", "))
}

fn child(child: &Child) -> String {
    match child {
        Child::Actor {
            id,
            restart,
            significant,
            manner,
        } => {
            let manner = match manner {
                Manner::Polite => "polite",
                Manner::Brutal => "brutal",
                Manner::Stubborn => "stubborn",
            };
            let restart = restart_type(*restart);
            format!("{{actor, \"{id}\", {restart}, {significant}, {manner}}}")
        }
        Child::Team {
            id,
            restart,
            significant,
            team,
        } => format!(
            "{{sup, \"{id}\", {}, {significant}, {}, {}}}",
            restart_type(*restart),
            flags(team),
            children(team)
        ),
        Child::Dynamic {
            id,
            restart,
            max_restarts,
            children,
        } => format!(
            "{{dynamic, \"{id}\", {}, {{{max_restarts}, {}}}}}",
            restart_type(*restart),
            restart_type(*children)
        ),
    }
}

fn restart_type(restart: RestartType) -> &'static str {
    match restart {
        RestartType::Permanent => "permanent",
        RestartType::Transient => "transient",
        RestartType::Temporary => "temporary",
    }
}

fn command(command: &Command) -> String {
    let term = match command {
        Command::Exit { path, end } => {
            let reason = match end {
                End::Normal => "normal",
                End::Shutdown => "shutdown",
                End::ShutdownFor => "{shutdown, x}",
                End::Error => "boom",
                End::Kill => "kill",
            };
            format!("{{exit, \"{path}\", {reason}}}")
        }
        Command::Fail { path, times } => format!("{{fail, \"{path}\", {times}}}"),
        Command::Terminate { sup, id } => format!("{{terminate, \"{sup}\", \"{id}\"}}"),
        Command::Restart { sup, id } => format!("{{restart, \"{sup}\", \"{id}\"}}"),
        Command::Delete { sup, id } => format!("{{delete, \"{sup}\", \"{id}\"}}"),
        Command::Start { sup, child: c } => format!("{{start, \"{sup}\", {}}}", child(c)),
        Command::StartDynamic { sup, name } => format!("{{start_dynamic, \"{sup}\", \"{name}\"}}"),
    };
    format!("{{\"{}\", {term}}}", command.text())
}
