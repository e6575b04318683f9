//! Runs a scenario through the pure policy alone: starts and stops take no time and cannot overlap.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use supervisor::policy::{ChildState, Decision, Key, Policy, Refusal, Step, Verdict};
use supervisor::{ExitReason, Intensity};

use super::scenario::{Child, Command, End, Manner, Scenario, Team};
use super::shell_run::dynamic_restart;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn run(scenario: &Scenario) -> Vec<String> {
    let mut world = World::default();
    let mut root = Sup::fixed("root", &scenario.root);
    if root.start_all(&mut world, &scenario.root.children).is_err() {
        world.log.push("end start_failed".to_owned());
        return world.log;
    }
    for command in &scenario.commands {
        world.log.push(format!("root{}", root.state()));
        world.log.push(format!("> {}", command.text()));
        let (answer, end) = carry_out(&mut world, &mut root, command, scenario);
        world.log.push(format!("= {answer}"));
        if end.is_some() {
            world.log.push("end shutdown".to_owned());
            return world.log;
        }
    }
    world.log.push(format!("root{}", root.state()));
    world.log.push("> shutdown".to_owned());
    root.stop_all(&mut world);
    world.log.push("end shutdown".to_owned());
    world.log
}

#[derive(Default)]
struct World {
    log: Vec<String>,
    failing: HashMap<String, u32>,
}

struct Sup {
    path: String,
    policy: Policy,
    dynamic: bool,
    children: BTreeMap<Key, (Child, Option<Body>)>,
}

/// What runs.
enum Body {
    Actor(Manner),
    Sup(Box<Sup>),
}

impl Sup {
    fn fixed(path: &str, team: &Team) -> Self {
        let intensity = Intensity::new(team.max_restarts, HOUR);
        Self {
            path: path.to_owned(),
            policy: Policy::fixed(team.strategy, intensity, team.auto_shutdown),
            dynamic: false,
            children: BTreeMap::new(),
        }
    }

    fn add(&mut self, child: &Child) -> Key {
        let (restart, significant) = match child {
            Child::Actor {
                restart,
                significant,
                ..
            }
            | Child::Team {
                restart,
                significant,
                ..
            } => (*restart, *significant),
            Child::Dynamic { restart, .. } => (*restart, false),
        };
        let key = self.policy.add(child.id().into(), restart, significant);
        self.children.insert(key, (child.clone(), None));
        key
    }

    fn start_all(&mut self, world: &mut World, children: &[Child]) -> Result<(), ()> {
        let keys: Vec<Key> = children.iter().map(|child| self.add(child)).collect();
        for key in keys {
            if self.start(world, key).is_err() {
                self.stop_all(world);
                return Err(());
            }
            self.policy.started(key);
        }
        Ok(())
    }

    fn start(&mut self, world: &mut World, key: Key) -> Result<(), ()> {
        let (child, body) = self.children.get_mut(&key).unwrap();
        let path = format!("{}/{}", self.path, child.id());
        let started = match child {
            Child::Actor { manner, .. } => {
                if let Some(times) = world.failing.get_mut(&path)
                    && *times > 0
                {
                    *times -= 1;
                    world.log.push(format!("fail {path}"));
                    return Err(());
                }
                world.log.push(format!("start {path}"));
                Body::Actor(*manner)
            }
            Child::Team { team, .. } => {
                let mut sup = Self::fixed(&path, team);
                sup.start_all(world, &team.children)?;
                Body::Sup(Box::new(sup))
            }
            Child::Dynamic { max_restarts, .. } => Body::Sup(Box::new(Self {
                path,
                policy: Policy::dynamic(Intensity::new(*max_restarts, HOUR), None),
                dynamic: true,
                children: BTreeMap::new(),
            })),
        };
        *body = Some(started);
        Ok(())
    }

    fn stop(&mut self, world: &mut World, key: Key) {
        let (child, body) = self.children.get_mut(&key).unwrap();
        match body.take() {
            Some(Body::Actor(Manner::Polite | Manner::Stubborn)) => {
                world.log.push(format!("stop {}/{}", self.path, child.id()));
            }
            Some(Body::Actor(Manner::Brutal)) | None => {}
            Some(Body::Sup(mut sup)) => sup.stop_all(world),
        }
    }

    fn stop_all(&mut self, world: &mut World) {
        let keys: Vec<Key> = self.children.keys().rev().copied().collect();
        for key in keys {
            self.stop(world, key);
        }
    }

    /// Does what was decided, retries included; a reason means that the supervisor has ended.
    fn carry_out(&mut self, world: &mut World, verdict: Verdict) -> Option<ExitReason> {
        let mut next = Some(verdict);
        while let Some(verdict) = next.take() {
            for step in verdict.steps {
                match step {
                    Step::Stop(key) => self.stop(world, key),
                    Step::Forget(key) => {
                        self.children.remove(&key);
                    }
                    Step::Start(key) => {
                        if self.start(world, key).is_ok() {
                            self.policy.started(key);
                        } else {
                            let reason = ExitReason::StartFailed("told to fail".to_owned());
                            next = Some(self.policy.start_failed(key, reason));
                            break;
                        }
                    }
                    Step::Retry { key, attempt, .. } => {
                        next = Some(self.policy.retry(key, attempt, HOUR));
                    }
                }
            }
            if let Some(reason) = verdict.end {
                self.stop_all(world);
                return Some(reason);
            }
        }
        None
    }

    /// Lets the actor below end; a reason means that this supervisor has ended with it.
    fn exit(
        &mut self,
        world: &mut World,
        names: &[&str],
        reason: ExitReason,
        found: &mut bool,
    ) -> Option<ExitReason> {
        let (name, below) = names.split_first().unwrap();
        let key = self.key(name)?;
        let (_, body) = self.children.get_mut(&key).unwrap();
        let reason = match body {
            Some(Body::Sup(sup)) if !below.is_empty() => sup.exit(world, below, reason, found)?,
            Some(Body::Actor(_)) if below.is_empty() => {
                *found = true;
                reason
            }
            Some(_) | None => return None,
        };
        *body = None;
        let verdict = self.policy.exited(key, &reason, HOUR);
        assert_ne!(verdict.decision, Decision::Ignore);
        self.carry_out(world, verdict)
    }

    fn key(&self, id: &str) -> Option<Key> {
        let mut children = self.children.iter();
        children
            .find(|(_, (child, _))| child.id() == id)
            .map(|(&key, _)| key)
    }

    fn find(&mut self, names: &[&str]) -> Option<&mut Self> {
        let Some((name, below)) = names.split_first() else {
            return Some(self);
        };
        let key = self.key(name)?;
        match &mut self.children.get_mut(&key)?.1 {
            Some(Body::Sup(sup)) => sup.find(below),
            Some(Body::Actor(_)) | None => None,
        }
    }

    fn terminate(&mut self, world: &mut World, id: &str) -> &'static str {
        let Some(key) = self.key(id) else {
            return "not_found";
        };
        self.stop(world, key);
        if !self.policy.stopped(key) {
            self.children.remove(&key);
        }
        "ok"
    }

    fn restart(&mut self, world: &mut World, id: &str) -> &'static str {
        let Some(key) = self.key(id) else {
            return "not_found";
        };
        if let Err(refusal) = self.policy.request_start(key) {
            return refused(refusal);
        }
        if self.start(world, key).is_err() {
            self.policy.start_refused(key);
            return "failed";
        }
        self.policy.started(key);
        "ok"
    }

    fn delete(&mut self, id: &str) -> &'static str {
        let Some(key) = self.key(id) else {
            return "not_found";
        };
        match self.policy.delete(key) {
            Ok(()) => {
                self.children.remove(&key);
                "ok"
            }
            Err(refusal) => refused(refusal),
        }
    }

    fn start_child(&mut self, world: &mut World, child: &Child) -> &'static str {
        if let Some(key) = self.key(child.id()) {
            return match self.policy.member(key).unwrap().state {
                ChildState::Stopped => "already_present",
                ChildState::Starting
                | ChildState::Running
                | ChildState::Restarting { .. }
                | ChildState::Stopping
                | ChildState::Quarantined => "already_started",
            };
        }
        let key = self.add(child);
        if self.start(world, key).is_err() {
            self.policy.remove(key);
            self.children.remove(&key);
            return "failed";
        }
        self.policy.started(key);
        "ok"
    }

    fn state(&self) -> String {
        let mut members: Vec<_> = self.policy.members().collect();
        if self.dynamic {
            members.sort_by(|a, b| a.1.id.cmp(&b.1.id));
        }
        let texts: Vec<String> = members
            .into_iter()
            .map(|(key, member)| match &self.children[&key].1 {
                Some(Body::Actor(_)) => format!("{}+", member.id),
                Some(Body::Sup(sup)) => format!("{}+{}", member.id, sup.state()),
                None => format!("{}-", member.id),
            })
            .collect();
        format!("[{}]", texts.join(" "))
    }
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotFound => "not_found",
        Refusal::Running => "running",
        Refusal::Restarting => "restarting",
    }
}

fn carry_out(
    world: &mut World,
    root: &mut Sup,
    command: &Command,
    scenario: &Scenario,
) -> (&'static str, Option<ExitReason>) {
    let names =
        |path: &str| -> Vec<String> { path.split('/').skip(1).map(str::to_owned).collect() };
    match command {
        Command::Exit { path, end } => {
            let names = names(path);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut found = false;
            let ended = root.exit(world, &names, reason(*end), &mut found);
            (if found { "ok" } else { "dead" }, ended)
        }
        Command::Fail { path, times } => {
            world.failing.insert(path.clone(), *times);
            ("ok", None)
        }
        Command::Terminate { sup, .. }
        | Command::Restart { sup, .. }
        | Command::Delete { sup, .. }
        | Command::Start { sup, .. }
        | Command::StartDynamic { sup, .. } => {
            let names = names(sup);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            match root.find(&names) {
                Some(found) => (request(world, found, command, scenario), None),
                None => ("gone", None),
            }
        }
    }
}

fn request(
    world: &mut World,
    sup: &mut Sup,
    command: &Command,
    scenario: &Scenario,
) -> &'static str {
    match command {
        Command::Terminate { id, .. } => sup.terminate(world, id),
        Command::Restart { id, .. } => sup.restart(world, id),
        Command::Delete { id, .. } => sup.delete(id),
        Command::Start { child, .. } => sup.start_child(world, child),
        Command::StartDynamic { sup: path, name } => {
            let child = Child::Actor {
                id: name.clone(),
                restart: dynamic_restart(&scenario.root, path),
                significant: false,
                manner: Manner::Polite,
            };
            sup.start_child(world, &child)
        }
        Command::Exit { .. } | Command::Fail { .. } => unreachable!("not a request"),
    }
}

fn reason(end: End) -> ExitReason {
    match end {
        End::Normal => ExitReason::Normal,
        End::Shutdown => ExitReason::Shutdown,
        End::ShutdownFor => ExitReason::ShutdownFor("x".to_owned()),
        End::Error => ExitReason::Failed("boom".to_owned()),
        End::Kill => ExitReason::Killed,
    }
}
