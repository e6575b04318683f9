//! The operations of the table, and what each must have come to.

use std::time::Duration;

use protocol::frame::to_bytes;
use protocol::reply::{PaneInfo, RunStatus};
use protocol::request::{
    Call, CancelOrchestration, ClosePane, CreateLayout, CreatePane, CreateSession, GetSession,
    LayoutNode, LayoutPart, LayoutSplit, ListOrchestrations, PaneSpec, ParallelCommand,
    RestartPane, RunOptions, RunParallel, UpdatePane, UpdateSession, UpdateWindow,
};
use protocol::{Error, ErrorCode, Name, Target};
use rustix::process::Signal;

use super::Fault;
use super::table::Operation;
use super::world::World;
use crate::support::daemon::{fugued_exe, shell};
use crate::support::left::{Owned, beside};
use crate::support::view::named;
use crate::support::{LIMIT, eventually, proc};

/// What the caller was told: nothing where there was no caller.
pub type Told = Option<Result<(), Error>>;

/// Steps of a close before which the next daemon does not know of it.
const UNRECORDED: [&str; 2] = ["close: it is recorded", "commit: it is written"];

/// The key of the request that is sent again.
const KEY: &str = "a key";

fn new_pane() -> CreatePane {
    beside("base", "new", "exec sleep 600")
}

async fn call<C: Call>(world: &World, params: C, key: Option<&str>) -> Result<(), Error> {
    let bytes = to_bytes(&params);
    let key = key.map(str::to_owned);
    let connection = &world.client.connection;
    connection
        .call_raw(C::METHOD, bytes, key, LIMIT)
        .await
        .map(drop)
}

fn update_session(name: &str, new: &str) -> UpdateSession {
    UpdateSession {
        session: Some(named(name)),
        name: Some(Name::new(new).unwrap()),
        ..UpdateSession::default()
    }
}

async fn request(world: &World, operation: Operation) -> Result<(), Error> {
    let name = |name: &str| Some(Name::new(name).unwrap());
    match operation {
        Operation::Start => call(world, new_pane(), None).await,
        Operation::Keyed => call(world, new_pane(), Some(KEY)).await,
        Operation::Layout => {
            let pane = |label: &str| {
                LayoutNode::Pane(Box::new(PaneSpec {
                    name: name(label),
                    ..shell("exec sleep 600")
                }))
            };
            let part = |label| LayoutPart {
                layout: pane(label),
                ratio: None,
            };
            let layout = LayoutNode::Split(LayoutSplit {
                direction: protocol::Direction::Right,
                splits: vec![part("new"), part("new too")],
            });
            let create = CreateLayout {
                session: Some(named("base")),
                window: None,
                name: None,
                layout,
                select: false,
            };
            call(world, create, None).await
        }
        Operation::NewSession => {
            let create = CreateSession {
                name: name("new"),
                pane: PaneSpec {
                    name: name("new"),
                    ..shell("exec sleep 600")
                },
                ..CreateSession::default()
            };
            call(world, create, None).await
        }
        Operation::Close => {
            let close = ClosePane {
                pane: named("pane"),
                force: false,
                guarded: false,
            };
            call(world, close, None).await
        }
        Operation::Ask => {
            let restart = RestartPane {
                pane: named("pane"),
                guarded: false,
            };
            call(world, restart, None).await
        }
        Operation::RenamePane => {
            let update = UpdatePane {
                pane: named("pane"),
                name: name("renamed"),
                focus: false,
                rows: None,
                cols: None,
                ratio: None,
            };
            call(world, update, None).await
        }
        Operation::RenameSession => call(world, update_session("base", "renamed"), None).await,
        Operation::RenameWindow => {
            let update = UpdateWindow {
                session: Some(named("base")),
                window: named("window"),
                name: name("renamed"),
                select: false,
            };
            call(world, update, None).await
        }
        Operation::SetSession => {
            let set = || [("KEPT".to_owned(), Some("value".to_owned()))].into();
            let update = UpdateSession {
                session: Some(named("base")),
                environment: set(),
                metadata: set(),
                tags: Some(vec!["kept".to_owned()]),
                ..UpdateSession::default()
            };
            call(world, update, None).await
        }
        Operation::Run => {
            let run = RunParallel {
                commands: vec![ParallelCommand {
                    command: "sleep 0.1".to_owned(),
                    ..ParallelCommand::default()
                }],
                options: RunOptions::default(),
                ..RunParallel::default()
            };
            call(world, run, None).await
        }
        Operation::Cancel => {
            let run = RunParallel {
                commands: vec![ParallelCommand {
                    command: "sleep 600".to_owned(),
                    ..ParallelCommand::default()
                }],
                options: RunOptions::default(),
                ..RunParallel::default()
            };
            let begun = world.client.call(run).await?;
            // One that has not started yet has no pane to be closed.
            eventually("its pane runs", async || {
                let panes = world.client.panes().await;
                (panes.iter().filter(|pane| runs(pane)).count() == 2).then_some(())
            })
            .await;
            let cancel = CancelOrchestration {
                orchestration_id: begun.orchestration_id,
            };
            call(world, cancel, None).await
        }
        Operation::Restart | Operation::Adopt | Operation::Reach => unreachable!("nobody asks"),
    }
}

/// Carries it out with the fault. What was killed is followed by the next daemon.
pub async fn carry_out(world: &mut World, operation: Operation, step: &str, fault: Fault) -> Told {
    let mut armed = format!("{step}={}", fault.word());
    if operation == Operation::Adopt && fault == Fault::Slow {
        // Nobody is served before all is adopted, and a hello is waited for for 5 s.
        armed = format!("{step}=slow 3000");
    }
    let told = match operation {
        Operation::Adopt | Operation::Reach => {
            adopt(world, operation, &armed, fault).await;
            None
        }
        Operation::Restart => {
            world.arm(&armed).await;
            proc::signal(world.before.pid, Signal::KILL);
            None
        }
        _ => {
            world.arm(&armed).await;
            Some(request(world, operation).await)
        }
    };
    let adopted = matches!(operation, Operation::Adopt | Operation::Reach);
    match fault {
        Fault::Killed if adopted => {}
        Fault::Killed => world.next_daemon().await,
        Fault::Fails | Fault::Slow | Fault::Panics => world.was_met(step).await,
    }
    told
}

async fn adopt(world: &mut World, operation: Operation, armed: &str, fault: Fault) {
    world.daemon.signal(Signal::KILL);
    world.daemon.wait();
    let keeper = world.before.keeper_pid;
    if operation == Operation::Reach {
        proc::signal(keeper, Signal::STOP);
        eventually("its keeper is stopped", async || {
            proc::is_stopped(keeper).then_some(())
        })
        .await;
        world.daemon.launch_with(&[], &[("FUGUE_TEST_STEP", armed)]);
        world.client = world.daemon.client().await;
        proc::signal(keeper, Signal::CONT);
        if fault == Fault::Killed {
            world.next_daemon().await;
        }
        return;
    }
    if fault == Fault::Killed {
        let mut command = world.daemon.command(fugued_exe());
        command.arg("--foreground").env("FUGUE_TEST_STEP", armed);
        command.stderr(std::process::Stdio::null());
        let status = command.status().unwrap();
        assert_eq!(status.code(), None, "it was killed");
        world.daemon.launch();
    } else {
        world.daemon.launch_with(&[], &[("FUGUE_TEST_STEP", armed)]);
    }
    world.client = world.daemon.client().await;
}

/// What there must be then, by and by.
pub async fn check(world: &mut World, row: (Operation, &str, Fault), told: Told) {
    let said = Said::of(told.as_ref(), row.2);
    let deadline = std::time::Instant::now() + LIMIT;
    loop {
        let wrong = match world.owned().await {
            Some(owned) => wrong(world, row, said, &owned).await,
            None => Some("no answer".to_owned()),
        };
        let Some(wrong) = wrong else { return };
        assert!(
            std::time::Instant::now() < deadline,
            "{wrong} ({told:?})\n{}",
            world.daemon.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Done,
    Failed,
    /// A daemon that was killed says nothing, and of one that was not heard in time nobody knows what it has done.
    Unknown,
}

impl Said {
    fn of(told: Option<&Result<(), Error>>, fault: Fault) -> Self {
        match told {
            None => Self::Unknown,
            Some(Ok(())) => Self::Done,
            Some(Err(error)) if error.code == ErrorCode::ServerUnreachable => Self::Unknown,
            Some(Err(_)) if fault == Fault::Slow => Self::Unknown,
            Some(Err(_)) => Self::Failed,
        }
    }
}

/// What is not as it must be.
async fn wrong(
    world: &World,
    (operation, step, fault): (Operation, &str, Fault),
    said: Said,
    owned: &Owned,
) -> Option<String> {
    let count = owned.panes.len();
    let not = |what: &str| Some(format!("{what}, with {count} panes"));
    let made = owned.pane("new").is_some();
    let whole = |made: bool, more: usize| count == 1 + if made { more } else { 0 };
    match operation {
        Operation::Start | Operation::NewSession | Operation::Layout => {
            let more = if operation == Operation::Layout { 2 } else { 1 };
            match said {
                _ if !whole(made, more) => not("it is half done"),
                Said::Done if !made => not("it was told as made and is not there"),
                Said::Failed if made => not("it was told as failed and is there"),
                _ if operation == Operation::NewSession && !made => free(world, "new").await,
                _ => None,
            }
        }
        Operation::Keyed => match call(world, new_pane(), Some(KEY)).await {
            Ok(()) => {
                let now = world.owned().await?;
                (now.panes.len() != 2).then(|| format!("{} panes for one key", now.panes.len()))
            }
            Err(error) => Some(format!("sent again: {error}")),
        },
        Operation::Restart => {
            let again = owned.pane("pane").is_some_and(|pane| {
                pane.pid != world.before.pid && runs(pane) && pane.status.restarts > 0
            });
            (!again).then(|| format!("it does not run again: {:?}", owned.panes))
        }
        Operation::Ask => {
            let pane = owned.pane("pane").filter(|pane| runs(pane));
            let again =
                pane.is_some_and(|pane| pane.pid != world.before.pid && pane.status.restarts == 1);
            // What was not recorded before the kill, nobody has begun: the old program runs on.
            let unbegun = fault == Fault::Killed && step == "commit: it is written";
            let old = unbegun && pane.is_some_and(|pane| pane.pid == world.before.pid);
            (!again && !old).then(|| format!("it does not run again, once: {:?}", owned.panes))
        }
        // What was not recorded before the kill, nobody has begun.
        Operation::Close if fault == Fault::Killed && UNRECORDED.contains(&step) => None,
        Operation::Close => (count != 0).then(|| "it is still there".to_owned()),
        Operation::Adopt | Operation::Reach => {
            let same = owned
                .pane("pane")
                .is_some_and(|pane| pane.pid == world.before.pid && runs(pane));
            let typed = crate::support::pane::input(world.before.pane_id, "x");
            let reached = same && world.client.call(typed).await.is_ok();
            (!reached).then(|| format!("it is not taken over: {:?}", owned.panes))
        }
        Operation::RenamePane => name(
            said,
            owned.pane("renamed").is_some(),
            owned.pane("pane").is_some(),
        ),
        Operation::RenameSession => {
            let has = |name: &str| owned.sessions.iter().any(|s| s.name.as_str() == name);
            name(said, has("renamed"), has("base"))
        }
        Operation::RenameWindow => {
            let list = protocol::request::ListWindows {
                session: Some(named("base")),
            };
            let windows = world.client.call(list).await.ok()?.windows;
            let has = |name: &str| windows.iter().any(|w| w.name.as_str() == name);
            name(said, has("renamed"), has("window"))
        }
        Operation::SetSession => {
            let get = GetSession {
                session: Some(named("base")),
            };
            let now = world.client.call(get).await.ok()?;
            let has = [
                now.environment.contains_key("KEPT"),
                now.metadata.contains_key("KEPT"),
                now.session.tags == ["kept"],
            ];
            name(said, has.contains(&true), has.contains(&false))
        }
        Operation::Run => {
            let runs = world.client.call(ListOrchestrations {}).await.ok()?;
            let open = runs.orchestrations.iter().any(|run| !run.status.is_final());
            (open || count != 1).then(|| format!("it is not over, with {count} panes"))
        }
        Operation::Cancel => {
            let runs = world.client.call(ListOrchestrations {}).await.ok()?;
            let statuses: Vec<_> = runs.orchestrations.iter().map(|run| run.status).collect();
            let cancelled = statuses == [RunStatus::Cancelled];
            (!cancelled || count != 1).then(|| format!("{statuses:?}, with {count} panes"))
        }
    }
}

fn runs(pane: &PaneInfo) -> bool {
    pane.status.exit.is_none() && pane.status.unreachable.is_none() && proc::lives(pane.pid)
}

/// Whether a name is as it was told.
fn name(said: Said, new: bool, old: bool) -> Option<String> {
    match said {
        _ if new == old => Some(format!("new {new}, old {old}")),
        Said::Done if !new => Some("it was told as renamed".to_owned()),
        Said::Failed if new => Some("it was told as failed and has the new name".to_owned()),
        _ => None,
    }
}

/// Whether a session can have this name; it is ended again.
async fn free(world: &World, name: &str) -> Option<String> {
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane: shell("exec sleep 600"),
        ..CreateSession::default()
    };
    match world.client.call(create).await {
        Err(error) => Some(format!("its name cannot be used: {error}")),
        Ok(made) => {
            let kill = protocol::request::KillSession {
                session: Target::from(made.context.session_id),
                guarded: false,
            };
            world.client.ok(kill).await;
            None
        }
    }
}
