//! Runs a scenario through our supervisors on ractor, under the paused clock.

use std::fmt::Write as _;
use std::time::Duration;

use supervisor::{
    ChildError, ChildInfo, ChildKind, ChildSpec, DynamicSpec, ExitReason, Intensity, RestartType,
    Shutdown, StartChildError, Status, SupervisorRef, SupervisorSpec, Tree,
};

use super::scenario::{Child, Command, End, Manner, Scenario, Team};
use crate::support::{self, World, end};

const HOUR: Duration = Duration::from_secs(3600);
/// Longer than any run of stops and retries takes on the paused clock.
const QUIET: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(600);

pub(crate) fn run(scenario: &Scenario) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(LIMIT, run_here(scenario))
            .await
            .expect("the scenario comes to its end")
    })
}

async fn run_here(scenario: &Scenario) -> Vec<String> {
    let world = World::default();
    let tree = Tree::new();
    let Ok(root) = supervisor::start("root", team(&world, &scenario.root, "root"), &tree).await
    else {
        world.log("end start_failed");
        return world.take_log();
    };
    for command in &scenario.commands {
        world.log(state(&root).await);
        world.log(format!("> {}", command.text()));
        let answer = carry_out(&world, &root, command, scenario).await;
        tokio::time::sleep(QUIET).await;
        world.log(format!("= {answer}"));
        if !root.is_alive() {
            world.log(end_line(&root.wait().await));
            return world.take_log();
        }
    }
    world.log(state(&root).await);
    world.log("> shutdown");
    let reason = root.shutdown(ExitReason::Shutdown, LIMIT).await.unwrap();
    world.log(end_line(&reason));
    world.take_log()
}

fn end_line(reason: &ExitReason) -> String {
    assert!(!reason.is_abnormal(), "a supervisor ended: {reason}");
    "end shutdown".to_owned()
}

fn team(world: &World, team: &Team, path: &str) -> SupervisorSpec {
    let children = team.children.iter().map(|child| spec(world, child, path));
    SupervisorSpec::new(team.strategy)
        .intensity(Intensity::new(team.max_restarts, HOUR))
        .auto_shutdown(team.auto_shutdown)
        .children(children)
}

fn spec(world: &World, child: &Child, path: &str) -> ChildSpec {
    let path = format!("{path}/{}", child.id());
    match child {
        Child::Actor {
            id,
            restart,
            significant,
            manner,
        } => probe(world, id, &path, *manner)
            .restart(*restart)
            .significant(*significant),
        Child::Team {
            id,
            restart,
            significant,
            team: below,
        } => ChildSpec::supervisor(id, team(world, below, &path))
            .restart(*restart)
            .significant(*significant),
        Child::Dynamic {
            id,
            restart,
            max_restarts,
            ..
        } => {
            let intensity = Intensity::new(*max_restarts, HOUR);
            ChildSpec::dynamic(id, DynamicSpec::new().intensity(intensity)).restart(*restart)
        }
    }
}

fn probe(world: &World, id: &str, path: &str, manner: Manner) -> ChildSpec {
    let (shutdown, stop_takes) = match manner {
        Manner::Polite => (Shutdown::Timeout(Duration::from_secs(5)), Duration::ZERO),
        Manner::Brutal => (Shutdown::BrutalKill, Duration::ZERO),
        Manner::Stubborn => (Shutdown::Timeout(Duration::from_millis(5)), HOUR),
    };
    let manner = support::Manner {
        stop_takes,
        ..support::Manner::default()
    };
    world.child_as(id, path, manner).shutdown(shutdown)
}

async fn carry_out(
    world: &World,
    root: &SupervisorRef,
    command: &Command,
    scenario: &Scenario,
) -> &'static str {
    match command {
        Command::Exit { path, end: how } => match world.try_probe(path) {
            Some(probe) if probe.is_alive() => {
                let how = match how {
                    End::Normal => "normal",
                    End::Shutdown => "shutdown",
                    End::ShutdownFor => "shutdown_for",
                    End::Error if path.len() % 2 == 0 => "panic",
                    End::Error => "error",
                    End::Kill => "kill",
                };
                end(&probe, how);
                "ok"
            }
            Some(_) | None => "dead",
        },
        Command::Fail { path, times } => {
            world.fail(path, *times);
            "ok"
        }
        Command::Terminate { sup, id } => match find(root, sup) {
            Some(sup) => child_answer(sup.terminate_child(id).await),
            None => "gone",
        },
        Command::Restart { sup, id } => match find(root, sup) {
            Some(sup) => child_answer(sup.restart_child(id).await.map(|_| ())),
            None => "gone",
        },
        Command::Delete { sup, id } => match find(root, sup) {
            Some(sup) => child_answer(sup.delete_child(id).await),
            None => "gone",
        },
        Command::Start { sup, child } => match find(root, sup) {
            Some(found) => start_answer(found.start_child(spec(world, child, sup)).await),
            None => "gone",
        },
        Command::StartDynamic { sup, name } => match find(root, sup) {
            Some(found) => {
                let path = format!("{sup}/{name}");
                let spec = probe(world, name, &path, Manner::Polite)
                    .restart(dynamic_restart(&scenario.root, sup));
                start_answer(found.start_child(spec).await)
            }
            None => "gone",
        },
    }
}

/// The restart type that a dynamic supervisor gives to its children.
pub(crate) fn dynamic_restart(root: &Team, sup: &str) -> RestartType {
    let mut team = root;
    for name in sup.split('/').skip(1) {
        match team.children.iter().find(|child| child.id() == name) {
            Some(Child::Team { team: below, .. }) => team = below,
            Some(Child::Dynamic { children, .. }) => return *children,
            Some(Child::Actor { .. }) | None => break,
        }
    }
    panic!("{sup} is no dynamic supervisor");
}

fn find(root: &SupervisorRef, path: &str) -> Option<SupervisorRef> {
    match path.strip_prefix("root/") {
        None => Some(root.clone()),
        Some(below) => root.child_supervisor(below),
    }
}

fn child_answer(answer: Result<(), ChildError>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(ChildError::NotFound) => "not_found",
        Err(ChildError::Running) => "running",
        Err(ChildError::Restarting) => "restarting",
        Err(ChildError::Failed(_)) => "failed",
        Err(ChildError::ShuttingDown | ChildError::Timeout) => "no answer",
    }
}

fn start_answer(answer: Result<ChildInfo, StartChildError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(StartChildError::AlreadyPresent) => "already_present",
        Err(StartChildError::AlreadyStarted) => "already_started",
        Err(StartChildError::Failed(_)) => "failed",
        Err(
            StartChildError::Full
            | StartChildError::Invalid(_)
            | StartChildError::ShuttingDown
            | StartChildError::Timeout,
        ) => "refused",
    }
}

async fn state(root: &SupervisorRef) -> String {
    let mut text = "root".to_owned();
    Box::pin(write_children(&mut text, root, false)).await;
    text
}

async fn write_children(text: &mut String, sup: &SupervisorRef, dynamic: bool) {
    let mut children = sup.which_children().await.unwrap();
    if dynamic {
        children.sort_by(|a, b| a.id.cmp(&b.id));
    }
    text.push('[');
    for (i, child) in children.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        let mark = match child.status {
            Status::Running => "+",
            Status::Restarting => "~",
            Status::Stopped | Status::Failed => "-",
            Status::Starting | Status::Stopping | Status::Quarantined => "?",
        };
        write!(text, "{space}{}{mark}", child.id).unwrap();
        if let Some(below) = child.supervisor() {
            let dynamic = child.kind == ChildKind::Dynamic;
            Box::pin(write_children(text, &below, dynamic)).await;
        }
    }
    text.push(']');
}
