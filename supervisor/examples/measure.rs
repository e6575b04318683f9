//! Prints what supervision costs: `cargo run --release -p fugue-supervisor --example measure`.
#![allow(clippy::print_stdout, reason = "an example shows what it measures")]

use std::time::{Duration, Instant};

use supervisor::{
    Actor, ActorError, Address, AddressSlot, ChildSpec, DynamicSpec, Intensity, Reply, Strategy,
    SupervisorRef, SupervisorSlot, SupervisorSpec, Tree,
};
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_secs(10);
const MESSAGES: u32 = 1_000_000;
const BURST: u32 = 100;
const ROUNDS: usize = 5;
const RESTARTS: usize = 5_000;
const SPAWNS: usize = 10_000;

#[derive(strum::IntoStaticStr)]
enum Msg {
    Nothing,
    Crash,
    Ping(Reply<()>),
}

struct Plain;

impl Actor for Plain {
    type Msg = Msg;
    type State = ();
    type Args = Option<mpsc::UnboundedSender<Instant>>;

    async fn pre_start(&self, _: Address<Msg>, started: Self::Args) -> Result<(), ActorError> {
        if let Some(started) = started {
            started.send(Instant::now())?;
        }
        Ok(())
    }

    async fn handle(&self, _: &Address<Msg>, msg: Msg, (): &mut ()) -> Result<(), ActorError> {
        match msg {
            Msg::Nothing => Ok(()),
            Msg::Crash => Err("crash".into()),
            Msg::Ping(reply) => {
                reply.send(());
                Ok(())
            }
        }
    }
}

/// The same on ractor alone.
struct Bare;

impl ractor::Actor for Bare {
    type Msg = Msg;
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Msg>,
        (): (),
    ) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Msg>,
        msg: Msg,
        (): &mut (),
    ) -> Result<(), ractor::ActorProcessingErr> {
        match msg {
            Msg::Nothing | Msg::Crash => {}
            Msg::Ping(reply) => reply.send(()),
        }
        Ok(())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), ActorError> {
    // A task, as in a program: the main thread of a runtime is slower to wake.
    tokio::spawn(measure()).await?
}

async fn measure() -> Result<(), ActorError> {
    let tree = Tree::new();
    let (started, mut starts) = mpsc::unbounded_channel();
    let slot = AddressSlot::new();
    let pool = SupervisorSlot::new();
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(Intensity::new(u32::MAX, Duration::from_millis(1)))
        .child(ChildSpec::actor_in(
            "one",
            &slot,
            || Plain,
            move || Some(started.clone()),
        ))
        .child(ChildSpec::dynamic("pool", DynamicSpec::new().max_children(20_000)).publish(&pool));
    let root = supervisor::start("root", spec, &tree).await?;
    let one = slot.get().ok_or("it runs")?;
    let pool = pool.get().ok_or("it runs")?;

    messages(&one).await?;
    calls(&one).await?;
    restarts(&slot, &mut starts).await?;
    spawns(&pool).await?;
    snapshots(&tree);
    let begin = Instant::now();
    root.shutdown(supervisor::ExitReason::Shutdown, LIMIT)
        .await?;
    println!(
        "shutdown of {SPAWNS} actors: {} ms",
        begin.elapsed().as_millis()
    );
    Ok(())
}

async fn messages(one: &Address<Msg>) -> Result<(), ActorError> {
    let (bare, _) = ractor::Actor::spawn(None, Bare, ()).await?;
    for _ in 0..ROUNDS {
        let begin = cpu_time();
        for _ in 0..MESSAGES / BURST {
            for _ in 0..BURST {
                one.cast(Msg::Nothing)?;
            }
            one.call(Msg::Ping, LIMIT).await?;
        }
        let ours = (cpu_time() - begin) / MESSAGES;
        let begin = cpu_time();
        for _ in 0..MESSAGES / BURST {
            for _ in 0..BURST {
                bare.cast(Msg::Nothing)?;
            }
            let (reply, answer) = Reply::channel();
            bare.cast(Msg::Ping(reply))?;
            answer.await?;
        }
        let ractor = (cpu_time() - begin) / MESSAGES;
        println!(
            "message sent and handled, CPU time: {} ns, on ractor alone {} ns",
            ours.as_nanos(),
            ractor.as_nanos()
        );
    }
    Ok(())
}

async fn calls(one: &Address<Msg>) -> Result<(), ActorError> {
    let mut times = Vec::new();
    for _ in 0..100_000 {
        let begin = Instant::now();
        one.call(Msg::Ping, LIMIT).await?;
        times.push(begin.elapsed());
    }
    report("call", times);
    Ok(())
}

async fn restarts(
    slot: &AddressSlot<Msg>,
    starts: &mut mpsc::UnboundedReceiver<Instant>,
) -> Result<(), ActorError> {
    starts.recv().await.ok_or("the first start")?;
    let mut times = Vec::new();
    for _ in 0..RESTARTS {
        let one = loop {
            match slot.get() {
                Some(one) => break one,
                None => tokio::task::yield_now().await,
            }
        };
        let begin = Instant::now();
        one.cast(Msg::Crash)?;
        let end = starts.recv().await.ok_or("a start")?;
        times.push(end - begin);
    }
    report("restart of a crashed child", times);
    Ok(())
}

async fn spawns(pool: &SupervisorRef) -> Result<(), ActorError> {
    let before = resident_bytes();
    let mut times = Vec::new();
    for i in 0..SPAWNS {
        let spec = ChildSpec::actor(format!("actor-{i}"), || Plain, || None);
        let begin = Instant::now();
        pool.start_child(spec).await?;
        times.push(begin.elapsed());
    }
    report("start_child, there and back", times);
    let each = resident_bytes().saturating_sub(before) / SPAWNS;
    println!("memory per supervised actor: {each} bytes");
    let mut times = Vec::new();
    for _ in 0..SPAWNS {
        let begin = Instant::now();
        let (actor, _) = ractor::Actor::spawn(None, Bare, ()).await?;
        times.push(begin.elapsed());
        actor.stop(None);
    }
    report("spawn on ractor alone", times);
    Ok(())
}

fn snapshots(tree: &Tree) {
    let mut times = Vec::new();
    for _ in 0..50 {
        let begin = cpu_time();
        let node = tree.snapshot();
        times.push(cpu_time() - begin);
        drop(node);
    }
    report("snapshot of 10,003 actors, CPU time", times);
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at =
        |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64 / 1e3;
    println!("{what}: p50 {:.1} µs, p99 {:.1} µs", at(0.5), at(0.99));
}

/// Of all threads: the wall clock says little on a machine that does other things too.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let ns = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(ns.sum())
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}
