//! What users do.

use protocol::geometry::Direction;
use protocol::reply::{ExitStatus, RunStatus};
use protocol::request::{
    ClosePane, CreatePane, CreateSession, CreateWindow, Expect, GetOrchestration, KillSession,
    PaneSpec, ParallelCommand, PipelineStep, ReadPane, RunOptions, RunParallel, RunPipeline,
    RunStreams, Until, UpdatePane, UpdateSession, UpdateView, WaitPane,
};
use protocol::{ErrorCode, Name, PaneUuid, Size, Target};

use super::world::{Kind, Pane, Run, Session, Terminal, View, World};
use crate::support::LIMIT;
use crate::support::daemon::{fugue_exe, shell};
use crate::support::pane::input;
use crate::support::view::named;

const MOST_SESSIONS: usize = 8;
const MOST_PANES: usize = 24;
const MOST_RUNS: usize = 3;

/// A program of a random kind.
pub fn program(world: &mut World) -> (PaneSpec, usize, Kind) {
    let number = world.number();
    let (line, kind) = if world.random.one_in(8) {
        let line = "stty raw -echo; echo READY; exec sleep 3600".to_owned();
        (line, Kind::Deaf)
    } else if world.random.one_in(3) {
        let line = "stty -echo; echo READY; while read x; do echo \"got $x\"; done".to_owned();
        (line, Kind::Typist { typed: Vec::new() })
    } else {
        let lines = 100 + world.random.below(2_900);
        // At most 60 pauses: it ends within the time that a user waits for it.
        let every = 5 + lines / 60 + world.random.below(200);
        let code = i32::try_from(world.random.below(100)).unwrap();
        let line = format!(
            "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo \"w{number} $i\"; \
             [ $((i % {every})) = 0 ] && sleep 0.05; done; exit {code}"
        );
        (line, Kind::Writer { lines, code })
    };
    let spec = PaneSpec {
        name: Some(Name::new(&format!("pane-{number}")).unwrap()),
        history_lines: Some(10_000),
        ..shell(&line)
    };
    (spec, number, kind)
}

/// Notes a new pane, and waits until its program listens.
pub async fn made(world: &mut World, session: usize, id: PaneUuid, number: usize, kind: Kind) {
    if matches!(kind, Kind::Typist { .. } | Kind::Deaf) {
        let ready = Expect {
            pane: Target::from(id),
            pattern: Some("READY".to_owned()),
            until: Until::Match,
            idle_ms: None,
            after_input: false,
            timeout_ms: 15_000,
            since: None,
            states: Vec::new(),
            output_only: true,
        };
        world.ok(&ready).await;
    }
    world.sessions[session].panes.push(Pane {
        id,
        number,
        kind,
        lost: false,
    });
}

/// A new session, or a window in one that is there.
pub async fn create(world: &mut World) {
    if world.pane_count() >= MOST_PANES {
        return close_pane(world).await;
    }
    let (pane, number, kind) = program(world);
    let old = world.any_session();
    match old {
        Some(index) if world.sessions.len() >= MOST_SESSIONS || world.random.one_in(2) => {
            let session = world.sessions[index].name.clone();
            world.step(&format!("window for pane-{number} in {session}"));
            let create = CreateWindow {
                session: Some(named(&session)),
                pane,
                ..CreateWindow::default()
            };
            let reply = world.ok(&create).await;
            made(world, index, reply.pane_id, number, kind).await;
        }
        _ => {
            let name = format!("session-{number}");
            world.step(&format!("{name} with pane-{number}"));
            let create = CreateSession {
                name: Some(Name::new(&name).unwrap()),
                pane,
                ..CreateSession::default()
            };
            let reply = world.ok(&create).await;
            session_made(world, &reply, name);
            let index = world.sessions.len() - 1;
            made(world, index, reply.pane_id, number, kind).await;
        }
    }
}

/// Notes a new session.
pub fn session_made(world: &mut World, reply: &protocol::reply::PaneCreated, name: String) {
    world.sessions.push(Session {
        id: reply.context.session_id,
        name,
        panes: Vec::new(),
    });
}

/// A pane beside another one.
pub async fn split(world: &mut World) {
    let Some(index) = world.any_session() else {
        return;
    };
    if world.pane_count() >= MOST_PANES {
        return;
    }
    let (pane, number, kind) = program(world);
    let direction = *world.random.of(&[Direction::Right, Direction::Down]);
    let session = &world.sessions[index];
    let beside = session.panes[world.random.below(session.panes.len())].id;
    let name = session.name.clone();
    world.step(&format!("pane-{number} beside another one in {name}"));
    let create = CreatePane {
        session: Some(named(&name)),
        beside: Some(Target::from(beside)),
        direction,
        pane,
        ..CreatePane::default()
    };
    match world.keyed(&create).await {
        Ok(reply) => made(world, index, reply.pane_id, number, kind).await,
        // There is no room.
        Err(error) => assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}"),
    }
}

pub async fn type_into(world: &mut World) {
    let typist = |pane: &Pane| matches!(pane.kind, Kind::Typist { .. }) && !pane.lost;
    let Some((s, p)) = world.any_pane(typist) else {
        return create(world).await;
    };
    let times = 1 + world.random.below(5);
    let id = world.sessions[s].panes[p].id;
    world.step(&format!(
        "{times} lines for pane-{}",
        world.sessions[s].panes[p].number
    ));
    for _ in 0..times {
        let number = world.number();
        let send = input(id, &number.to_string());
        let sent = world.client().await.call(send).await;
        let certain = sent.is_ok();
        if let Err(error) = sent {
            assert!(super::world::is_gone(&error), "{error}");
        }
        if let Kind::Typist { typed } = &mut world.sessions[s].panes[p].kind {
            typed.push((number, certain));
        }
    }
}

/// Types more into every program that does not read than its terminal takes; nobody waits for what comes of it.
pub async fn type_unread(world: &mut World) {
    let deaf: Vec<PaneUuid> = world
        .sessions
        .iter()
        .flat_map(|session| &session.panes)
        .filter(|pane| matches!(pane.kind, Kind::Deaf) && !pane.lost)
        .map(|pane| pane.id)
        .collect();
    if deaf.is_empty() {
        return;
    }
    world.step(&format!("60,000 bytes for {} that do not read", deaf.len()));
    let name = format!("unread-{}", world.number());
    let client = std::sync::Arc::new(world.daemon.client_named(&name).await);
    for id in deaf {
        let client = std::sync::Arc::clone(&client);
        let send = input(id, &"x".repeat(60_000));
        tokio::spawn(async move { client.call(send).await.map(drop) });
    }
    // Part of it is in the terminals by then.
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
}

pub async fn attach(world: &mut World) {
    let Some(index) = world.any_session() else {
        return;
    };
    let id = world.sessions[index].id;
    let name = format!("viewer-{}", world.number());
    world.step(&format!(
        "{name} attaches to {}",
        world.sessions[index].name
    ));
    let mut client = world.daemon.client_named(&name).await;
    client.attach(World::view_id(), id).await;
    // Events are taken and thrown away; a view of which nothing is asked holds one frame.
    let drain = tokio::spawn(async move { while client.events.recv().await.is_some() {} });
    world.views.push(View {
        session: id,
        name,
        connection: client.connection,
        drain,
    });
}

pub async fn detach(world: &mut World) {
    if world.views.is_empty() {
        return attach(world).await;
    }
    let index = world.random.below(world.views.len());
    let view = world.views.remove(index);
    world.step(&format!("{} detaches", view.name));
    let detach = protocol::request::Detach {
        view: World::view_id(),
    };
    let answer = view.connection.call(&detach, LIMIT).await;
    answer.unwrap_or_else(|error| panic!("{error}"));
}

pub async fn resize(world: &mut World) {
    let rows = 10 + u16::try_from(world.random.below(60)).unwrap();
    let cols = 40 + u16::try_from(world.random.below(200)).unwrap();
    if world.views.is_empty() {
        let Some((s, p)) = world.any_pane(|_| true) else {
            return;
        };
        let ratio = 0.2 + 0.1 * f64::from(rows % 6);
        let id = world.sessions[s].panes[p].id;
        world.step(&format!("ratio {ratio:.1} of a pane"));
        let update = UpdatePane {
            pane: Target::from(id),
            name: None,
            focus: true,
            rows: None,
            cols: None,
            ratio: Some(ratio),
        };
        if let Err(error) = world.keyed(&update).await {
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        }
        return;
    }
    let index = world.random.below(world.views.len());
    let what = format!("{} becomes {rows}x{cols}", world.views[index].name);
    world.step(&what);
    let size = Size::new(rows, cols);
    let view = &world.views[index];
    let update = UpdateView {
        view: World::view_id(),
        size: Some(size),
        window_step: 0,
        pane_step: 0,
        redraw: false,
        scroll: 0,
        terminal: None,
    };
    let resized = view.connection.call(&update, LIMIT).await;
    resized.unwrap_or_else(|error| panic!("{error}"));
}

pub async fn rename(world: &mut World) {
    let Some(index) = world.any_session() else {
        return;
    };
    let name = format!("named-{}", world.number());
    let old = std::mem::replace(&mut world.sessions[index].name, name.clone());
    world.step(&format!("{old} becomes {name}"));
    let update = UpdateSession {
        session: Some(named(&old)),
        name: Some(Name::new(&name).unwrap()),
        select: world.random.one_in(2),
        ..UpdateSession::default()
    };
    world.ok(&update).await;
}

/// Waits for the end of a writer, compares each line and the code, and closes it.
pub async fn harvest(world: &mut World) {
    let writer = |pane: &Pane| matches!(pane.kind, Kind::Writer { .. });
    let Some((s, p)) = world.any_pane(writer) else {
        return;
    };
    let number = world.sessions[s].panes[p].number;
    world.step(&format!("the end of pane-{number}"));
    check_pane(world, s, p).await;
    close(world, s, p).await;
}

/// That all of a pane's output is there, once, in order, and its end exact.
pub async fn check_pane(world: &mut World, s: usize, p: usize) {
    let pane = &world.sessions[s].panes[p];
    let (id, number, lost) = (pane.id, pane.number, pane.lost);
    let expected = match &pane.kind {
        Kind::Writer { code, .. } => Some(*code),
        Kind::Typist { .. } | Kind::Deaf => None,
    };
    if let Some(code) = expected {
        let wait = WaitPane {
            pane: Target::from(id),
            timeout_ms: 18_000,
        };
        let exit = world.ok(&wait).await.status.exit;
        let is_lost = matches!(exit, Some(ExitStatus::Lost { .. }));
        assert!(
            exit == Some(ExitStatus::Exited { code }) || (lost && is_lost),
            "pane-{number}: {exit:?}, not {code}"
        );
    }
    let read = ReadPane {
        pane: Target::from(id),
        lines: Some(100_000),
        since: None,
        scrollback: true,
        ansi: false,
        max_bytes: Some(8 << 20),
    };
    let text = world.ok(&read).await.text;
    let pane = &world.sessions[s].panes[p];
    match &pane.kind {
        Kind::Writer { lines, .. } => {
            let mut count = 0;
            for line in text.lines().take_while(|line| !(lost && line.is_empty())) {
                count += 1;
                let whole = format!("w{number} {count}");
                // The last line of a lost one may be cut.
                let cut = lost && whole.starts_with(line);
                assert!(
                    line == whole || cut,
                    "pane-{number}: {line:?}, not {whole:?}"
                );
            }
            assert!(lost || count == *lines, "pane-{number}: {count} of {lines}");
        }
        // What a lost one has printed is there as far as it was stored.
        Kind::Deaf => {
            let text = text.trim();
            let is_there = text == "READY" || (lost && text.is_empty());
            assert!(is_there, "pane-{number}: {text:?}");
        }
        Kind::Typist { typed } => {
            let mut told = text.lines().filter_map(|line| line.strip_prefix("got "));
            let mut next = told.next();
            for (typed, certain) in typed {
                if next == Some(typed.to_string().as_str()) {
                    next = told.next();
                } else {
                    // What was typed last is perhaps not printed yet.
                    let later = next.is_none();
                    assert!(
                        !certain || later,
                        "pane-{number}: {next:?}, not {typed}\n{text}"
                    );
                }
            }
            assert_eq!(next, None, "pane-{number}\n{text}");
        }
    }
}

/// Closes a pane; the last one takes its session with it.
async fn close(world: &mut World, s: usize, p: usize) {
    let id = world.sessions[s].panes[p].id;
    let close = ClosePane {
        pane: Target::from(id),
        force: world.random.one_in(2),
        guarded: false,
    };
    match world.keyed(&close).await {
        Ok(closed) => assert!(closed.panes.iter().all(|pane| pane.survivors.is_empty())),
        // The first try did it, and its answer was lost with the daemon.
        Err(error) => assert_eq!(error.code, ErrorCode::NotFound, "{error}"),
    }
    world.sessions[s].panes.remove(p);
    if world.sessions[s].panes.is_empty() {
        world.session_ended(s).await;
    }
}

pub async fn close_pane(world: &mut World) {
    let Some((s, p)) = world.any_pane(|_| true) else {
        return;
    };
    world.step(&format!(
        "close of pane-{}",
        world.sessions[s].panes[p].number
    ));
    close(world, s, p).await;
}

pub async fn kill_session(world: &mut World) {
    let Some(index) = world.any_session() else {
        return;
    };
    let id = world.sessions[index].id;
    world.step(&format!("end of {}", world.sessions[index].name));
    let kill = KillSession {
        session: Target::from(id),
        guarded: false,
    };
    if let Err(error) = world.keyed(&kill).await {
        assert_eq!(error.code, ErrorCode::NotFound, "{error}");
    }
    world.session_ended(index).await;
}

/// A parallel or a pipeline with commands of random length and code.
pub async fn begin_run(world: &mut World) {
    if world.runs.len() >= MOST_RUNS {
        return end_run(world).await;
    }
    let count = 1 + world.random.below(8);
    let mut codes: Vec<i32> = Vec::new();
    let mut commands = Vec::new();
    for _ in 0..count {
        let code = i32::try_from(world.random.below(4)).unwrap();
        codes.push(code);
        commands.push(format!("sleep 0.{}; exit {code}", world.random.below(6)));
    }
    let options = RunOptions {
        cleanup: Some(true),
        timeout_ms: Some(120_000),
        ..RunOptions::default()
    };
    let parallel = world.random.one_in(2);
    let begun = if parallel {
        world.step(&format!("{count} commands side by side"));
        let command = |command| ParallelCommand {
            command,
            ..ParallelCommand::default()
        };
        let run = RunParallel {
            commands: commands.into_iter().map(command).collect(),
            max_parallel: Some(3),
            streams: match count % 3 {
                0 => RunStreams::Terminal,
                1 => RunStreams::Pipes,
                _ => RunStreams::Apart,
            },
            options,
        };
        world.ok(&run).await.orchestration_id
    } else {
        world.step(&format!("{count} steps one after another"));
        let step = |command: String| PipelineStep {
            // Each in a shell of its own, since `exit` would end the pipeline's.
            command: format!("({command})"),
            name: None,
        };
        let run = RunPipeline {
            steps: commands.into_iter().map(step).collect(),
            stop_on_error: Some(false),
            options,
        };
        world.ok(&run).await.orchestration_id
    };
    world.runs.push(Run { id: begun, codes });
}

/// Waits for a run's end and compares every code.
pub async fn end_run(world: &mut World) {
    if world.runs.is_empty() {
        return;
    }
    let index = world.random.below(world.runs.len());
    let run = world.runs.remove(index);
    world.step(&format!("the end of run {}", run.id));
    let get = GetOrchestration {
        orchestration_id: run.id,
        wait: true,
        timeout_ms: 18_000,
        after_version: None,
    };
    let ended = world.ok(&get).await;
    let codes: Vec<Option<i32>> = ended.commands.iter().map(|c| c.exit_code).collect();
    let expected: Vec<Option<i32>> = run.codes.iter().copied().map(Some).collect();
    assert_eq!(codes, expected, "{ended:?}");
    assert!(
        !matches!(ended.status, RunStatus::Pending | RunStatus::Running),
        "{ended:?}"
    );
}

/// `fugue attach` in a terminal of its own. It starts no daemon: here the run itself does.
pub async fn attach_terminal(world: &mut World) {
    let Some(index) = world.any_session() else {
        return;
    };
    if world.terminals.len() >= 4 {
        return;
    }
    let (id, name) = (world.sessions[index].id, world.sessions[index].name.clone());
    world.step(&format!("a terminal attaches to {name}"));
    let paths = world.daemon.paths();
    let line = format!(
        "unset FUGUE FUGUE_PANE_ID FUGUE_SESSION_ID FUGUE_SERVER FUGUE_TOKEN; \
         export FUGUE_RUNTIME_DIR={} FUGUE_STATE_DIR={} FUGUE_CONFIG={} FUGUED=/no/such; exec {} attach {id}",
        paths.runtime.display(),
        paths.state.display(),
        paths.config.display(),
        fugue_exe(),
    );
    let desk = world.desk.client().await;
    let terminal = format!("terminal-{}", world.number());
    let made = desk.session(&terminal, &line).await;
    world.terminals.push(Terminal {
        session: id,
        desk: made,
    });
}
