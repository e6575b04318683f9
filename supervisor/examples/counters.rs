//! A small supervised program: a fixed actor, a dynamic supervisor, a crash, and the tree.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use supervisor::{
    Actor, ActorError, Address, AddressSlot, ChildSpec, DynamicSpec, ExitReason, Intensity, Reply,
    Strategy, SupervisorSlot, SupervisorSpec, Tree, TreeNode,
};

#[derive(strum::IntoStaticStr)]
enum CounterMsg {
    Add(u64),
    Total(Reply<u64>),
}

struct Counter;

impl Actor for Counter {
    type Msg = CounterMsg;
    type State = u64;
    type Args = u64;

    async fn pre_start(&self, _: Address<CounterMsg>, first: u64) -> Result<u64, ActorError> {
        Ok(first)
    }

    async fn handle(
        &self,
        _: &Address<CounterMsg>,
        msg: CounterMsg,
        total: &mut u64,
    ) -> Result<(), ActorError> {
        match msg {
            CounterMsg::Add(n) => *total = total.checked_add(n).ok_or("the counter is full")?,
            CounterMsg::Total(reply) => reply.send(*total),
        }
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ActorError> {
    let first = AddressSlot::new();
    let jobs = SupervisorSlot::new();
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(Intensity::new(3, Duration::from_secs(10)))
        .child(ChildSpec::actor_in("first", &first, || Counter, || 0))
        .child(ChildSpec::dynamic("jobs", DynamicSpec::new()).publish(&jobs));
    let tree = Tree::new();
    let root = supervisor::start("program", spec, &tree).await?;

    let counter = first.get().ok_or("it has started")?;
    counter.cast(CounterMsg::Add(u64::MAX))?;
    println!("total {}", counter.call(CounterMsg::Total, LIMIT).await?);
    counter.cast(CounterMsg::Add(1))?;
    println!("ended: {}", counter.vitals().wait_ended().await);

    let jobs = jobs.get().ok_or("it has started")?;
    let job = jobs.start_child(ChildSpec::once("a", Counter, 7)).await?;
    let job: Address<CounterMsg> = job.address().ok_or("it runs")?;
    println!("job total {}", job.call(CounterMsg::Total, LIMIT).await?);

    show(&tree.snapshot().ok_or("it has a root")?, 0);
    let reason = root.shutdown(ExitReason::Shutdown, LIMIT).await?;
    println!("the program ended: {reason}");
    Ok(())
}

fn show(node: &TreeNode, depth: usize) {
    let exits: Vec<String> = node
        .exits
        .iter()
        .map(|exit| exit.reason.to_string())
        .collect();
    println!("{:depth$}{} {:?} {exits:?}", "", node.id, node.status);
    for child in &node.children {
        show(child, depth + 2);
    }
}
