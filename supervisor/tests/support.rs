//! A probe actor that writes down its starts and stops, and does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor::{
    Actor, ActorError, Address, ChildId, ChildSpec, Down, ExitReason, Reply, SupervisorRef,
    SupervisorSpec, Tree,
};

/// What all probes of one test share.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    log: Vec<String>,
    failing: HashMap<String, u32>,
    probes: HashMap<String, Address<ProbeMsg>>,
}

impl World {
    pub(crate) fn log(&self, line: impl Into<String>) {
        self.0.lock().unwrap().log.push(line.into());
    }

    /// What was logged since the last call.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().log)
    }

    /// Makes the next `times` starts of this probe fail.
    pub(crate) fn fail(&self, name: &str, times: u32) {
        self.0
            .lock()
            .unwrap()
            .failing
            .insert(name.to_owned(), times);
    }

    /// Whether this start shall fail.
    pub(crate) fn fails(&self, name: &str) -> bool {
        match self.0.lock().unwrap().failing.get_mut(name) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    /// The last started probe of this name, dead or alive.
    pub(crate) fn probe(&self, name: &str) -> Address<ProbeMsg> {
        self.try_probe(name)
            .unwrap_or_else(|| panic!("no probe {name}"))
    }

    pub(crate) fn try_probe(&self, name: &str) -> Option<Address<ProbeMsg>> {
        self.0.lock().unwrap().probes.get(name).cloned()
    }

    /// A child spec for a probe whose id and name are the same.
    pub(crate) fn child(&self, name: &str) -> ChildSpec {
        self.child_as(name, name, Manner::default())
    }

    pub(crate) fn child_as(&self, id: &str, name: &str, manner: Manner) -> ChildSpec {
        let args = ProbeArgs {
            world: self.clone(),
            name: name.to_owned(),
            manner,
        };
        ChildSpec::actor(ChildId::from(id), || Probe, move || args.clone())
    }

    /// Starts a root called `root` and takes the log of its start away.
    pub(crate) async fn start(&self, spec: SupervisorSpec) -> (SupervisorRef, Tree) {
        let tree = Tree::new();
        let root = supervisor::start("root", spec, &tree).await.unwrap();
        self.take_log();
        (root, tree)
    }
}

/// How a probe behaves at its start and stop.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manner {
    /// How long its `pre_start` takes.
    pub(crate) start_takes: Duration,
    /// How long its `post_stop` takes.
    pub(crate) stop_takes: Duration,
    /// Whether the drop of its state is logged.
    pub(crate) log_drop: bool,
}

#[derive(Clone)]
pub(crate) struct ProbeArgs {
    pub(crate) world: World,
    pub(crate) name: String,
    pub(crate) manner: Manner,
}

#[derive(strum::IntoStaticStr)]
pub(crate) enum ProbeMsg {
    /// Returns an error.
    Fail(String),
    /// Panics.
    Panic(String),
    /// Stops itself.
    Stop(ExitReason),
    /// Is busy, without blocking the thread.
    Sleep(Duration),
    /// Answers with the number of messages like this one so far.
    Ping(Reply<u64>),
    /// Monitors another probe.
    Monitor(String, Reply<bool>),
}

pub(crate) struct Probe;

pub(crate) struct ProbeState {
    args: ProbeArgs,
    pings: u64,
    /// It stops by itself: only stops from outside are logged.
    finishing: bool,
}

impl Drop for ProbeState {
    fn drop(&mut self) {
        if self.args.manner.log_drop {
            self.args.world.log(format!("drop {}", self.args.name));
        }
    }
}

impl Actor for Probe {
    type Msg = ProbeMsg;
    type State = ProbeState;
    type Args = ProbeArgs;

    async fn pre_start(
        &self,
        myself: Address<ProbeMsg>,
        args: ProbeArgs,
    ) -> Result<ProbeState, ActorError> {
        if !args.manner.start_takes.is_zero() {
            tokio::time::sleep(args.manner.start_takes).await;
        }
        if args.world.fails(&args.name) {
            args.world.log(format!("fail {}", args.name));
            return Err("told to fail".into());
        }
        args.world.log(format!("start {}", args.name));
        let name = args.name.clone();
        args.world.0.lock().unwrap().probes.insert(name, myself);
        Ok(ProbeState {
            args,
            pings: 0,
            finishing: false,
        })
    }

    async fn handle(
        &self,
        myself: &Address<ProbeMsg>,
        msg: ProbeMsg,
        state: &mut ProbeState,
    ) -> Result<(), ActorError> {
        match msg {
            ProbeMsg::Fail(what) => return Err(what.into()),
            // Unwinds as a panic does, without a line on stderr for each.
            ProbeMsg::Panic(what) => std::panic::resume_unwind(Box::new(what)),
            ProbeMsg::Stop(reason) => {
                state.finishing = true;
                myself.stop(reason);
            }
            ProbeMsg::Sleep(time) => tokio::time::sleep(time).await,
            ProbeMsg::Ping(reply) => {
                state.pings += 1;
                reply.send(state.pings);
            }
            ProbeMsg::Monitor(name, reply) => {
                let target = state.args.world.probe(&name);
                reply.send(myself.monitor(&target));
            }
        }
        Ok(())
    }

    async fn handle_down(
        &self,
        _: &Address<ProbeMsg>,
        down: Down,
        state: &mut ProbeState,
    ) -> Result<(), ActorError> {
        let name = &state.args.name;
        state.args.world.log(format!("{name} saw {}", down.reason));
        Ok(())
    }

    async fn post_stop(
        &self,
        _: &Address<ProbeMsg>,
        state: &mut ProbeState,
    ) -> Result<(), ActorError> {
        if state.finishing {
            return Ok(());
        }
        state.args.world.log(format!("stop {}", state.args.name));
        tokio::time::sleep(state.args.manner.stop_takes).await;
        Ok(())
    }
}

/// Ends a probe the way `how` says and returns at once.
pub(crate) fn end(probe: &Address<ProbeMsg>, how: &str) {
    let sent = match how {
        "normal" => probe.cast(ProbeMsg::Stop(ExitReason::Normal)),
        "shutdown" => probe.cast(ProbeMsg::Stop(ExitReason::Shutdown)),
        "shutdown_for" => probe.cast(ProbeMsg::Stop(ExitReason::ShutdownFor("x".into()))),
        "error" => probe.cast(ProbeMsg::Fail("boom".into())),
        "panic" => probe.cast(ProbeMsg::Panic("boom".into())),
        "kill" => {
            probe.kill();
            Ok(())
        }
        _ => panic!("no such way to end: {how}"),
    };
    let _ = sent;
}

/// Returns when every task waits for something: the paused clock moves only then.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
