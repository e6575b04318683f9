//! A pool of workers: those that fail are started again ever later, one that always fails is quarantined, the others go on.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use supervisor::{
    Actor, ActorError, Address, Backoff, ChildSpec, DynamicSpec, ExitReason, Intensity, Label,
    Reply, SendError, Status, Strategy, SupervisorSlot, SupervisorSpec, Tree, TreeNode,
};

/// A job, with where its result goes.
struct Job {
    number: u32,
    result: Reply<u32>,
}

/// Not an enum: it names itself by hand.
impl Label for Job {
    fn label(&self) -> &'static str {
        if self.number.is_multiple_of(2) {
            "EvenJob"
        } else {
            "OddJob"
        }
    }
}

/// A worker that squares numbers.
struct Worker;

/// A worker's tool, which may be broken.
#[derive(Clone, Copy, PartialEq)]
enum Tool {
    Good,
    Broken,
}

impl Actor for Worker {
    type Msg = Job;
    type State = ();
    type Args = Tool;

    async fn pre_start(&self, myself: Address<Job>, tool: Tool) -> Result<(), ActorError> {
        if tool == Tool::Broken {
            // It starts, and ends as soon as it works.
            myself.stop(ExitReason::Failed("the tool is broken".to_owned()));
        }
        Ok(())
    }

    async fn handle(&self, _: &Address<Job>, job: Job, (): &mut ()) -> Result<(), ActorError> {
        let square = job.number.checked_mul(job.number);
        job.result.send(square.ok_or("the number is too large")?);
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ActorError> {
    let pool = SupervisorSlot::new();
    let backoff = Backoff {
        initial: Duration::from_millis(10),
        factor: 2.0,
        max: Duration::from_millis(80),
    };
    let patience = Intensity::new(3, Duration::from_secs(5)).backoff(backoff);
    let workers = DynamicSpec::new().max_children(8).quarantine(patience);
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .child(ChildSpec::dynamic("pool", workers).publish(&pool));
    let tree = Tree::new();
    let root = supervisor::start("program", spec, &tree).await?;
    let pool = pool.get().ok_or("it runs")?;

    for (name, tool) in [
        ("ada", Tool::Good),
        ("bob", Tool::Broken),
        ("cy", Tool::Good),
    ] {
        let worker = ChildSpec::actor(name, || Worker, move || tool).mailbox(2);
        pool.start_child(worker).await?;
    }
    while !is_quarantined(&tree, "bob") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    for child in pool.which_children().await? {
        let Some(worker) = child.address::<Job>() else {
            println!("{} works no more", child.id);
            continue;
        };
        let square = |result| Job { number: 12, result };
        println!(
            "{}: 12 × 12 = {}",
            child.id,
            worker.call(square, LIMIT).await?
        );
        let mut taken = 0;
        let mut refused = None;
        while refused.is_none() && taken < 100 {
            let (result, _) = Reply::channel();
            let job = Job {
                number: taken,
                result,
            };
            refused = worker.cast(job).err();
            taken += u32::from(refused.is_none());
        }
        let refused = refused.ok_or("a mailbox of two takes no hundred")?;
        assert_eq!((taken, refused), (2, SendError::Full));
        println!("{}: took {taken} jobs at once; then: {refused}", child.id);
    }

    show(&tree.snapshot().ok_or("it has a root")?, 0);
    root.shutdown(ExitReason::Shutdown, LIMIT).await?;
    Ok(())
}

fn is_quarantined(tree: &Tree, worker: &str) -> bool {
    let node = tree.snapshot_under(&format!("program/pool/{worker}"));
    node.is_some_and(|node| node.status == Status::Quarantined)
}

fn show(node: &TreeNode, depth: usize) {
    let exits = node.exits.iter().map(|exit| exit.reason.to_string());
    let exits: Vec<_> = exits.collect();
    println!("{:depth$}{} {:?} {exits:?}", "", node.id, node.status);
    for child in &node.children {
        show(child, depth + 2);
    }
}
