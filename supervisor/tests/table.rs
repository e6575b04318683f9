//! Strategy × restart type × exit reason: what is stopped and started, in order, one row a test.
//!
//! Children `a`, `b`, `c` start in this order; `a` and `c` are permanent, and `b` is the one that ends.

use std::time::Duration;

use supervisor::{Intensity, RestartType, Strategy, SupervisorSpec};

use crate::support::{World, end, settle};

async fn row(strategy: Strategy, restart: RestartType, how: &str, expected: &str) {
    let world = World::default();
    let spec = SupervisorSpec::new(strategy)
        .intensity(Intensity::new(1, Duration::from_secs(5)))
        .child(world.child("a"))
        .child(world.child("b").restart(restart))
        .child(world.child("c"));
    let (root, _tree) = world.start(spec).await;
    end(&world.probe("b"), how);
    settle().await;
    assert_eq!(world.take_log().join(", "), expected);
    assert!(root.is_alive());
    let kept = restart != RestartType::Temporary;
    let ids: Vec<String> = root
        .which_children()
        .await
        .unwrap()
        .iter()
        .map(|child| child.id.to_string())
        .collect();
    assert_eq!(ids.contains(&"b".to_owned()), kept, "{ids:?}");
}

macro_rules! table {
    ($($name:ident: $strategy:ident $restart:ident $how:literal => $expected:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            row(Strategy::$strategy, RestartType::$restart, $how, $expected).await;
        }
    )*};
}

table! {
    one_permanent_normal: OneForOne Permanent "normal" => "start b";
    one_permanent_shutdown: OneForOne Permanent "shutdown" => "start b";
    one_permanent_shutdown_for: OneForOne Permanent "shutdown_for" => "start b";
    one_permanent_error: OneForOne Permanent "error" => "start b";
    one_permanent_panic: OneForOne Permanent "panic" => "start b";
    one_permanent_kill: OneForOne Permanent "kill" => "start b";
    one_transient_normal: OneForOne Transient "normal" => "";
    one_transient_shutdown: OneForOne Transient "shutdown" => "";
    one_transient_shutdown_for: OneForOne Transient "shutdown_for" => "";
    one_transient_error: OneForOne Transient "error" => "start b";
    one_transient_panic: OneForOne Transient "panic" => "start b";
    one_transient_kill: OneForOne Transient "kill" => "start b";
    one_temporary_normal: OneForOne Temporary "normal" => "";
    one_temporary_shutdown: OneForOne Temporary "shutdown" => "";
    one_temporary_shutdown_for: OneForOne Temporary "shutdown_for" => "";
    one_temporary_error: OneForOne Temporary "error" => "";
    one_temporary_panic: OneForOne Temporary "panic" => "";
    one_temporary_kill: OneForOne Temporary "kill" => "";
    all_permanent_normal: OneForAll Permanent "normal" => "stop c, stop a, start a, start b, start c";
    all_permanent_shutdown: OneForAll Permanent "shutdown" => "stop c, stop a, start a, start b, start c";
    all_permanent_shutdown_for: OneForAll Permanent "shutdown_for" => "stop c, stop a, start a, start b, start c";
    all_permanent_error: OneForAll Permanent "error" => "stop c, stop a, start a, start b, start c";
    all_permanent_panic: OneForAll Permanent "panic" => "stop c, stop a, start a, start b, start c";
    all_permanent_kill: OneForAll Permanent "kill" => "stop c, stop a, start a, start b, start c";
    all_transient_normal: OneForAll Transient "normal" => "";
    all_transient_shutdown: OneForAll Transient "shutdown" => "";
    all_transient_shutdown_for: OneForAll Transient "shutdown_for" => "";
    all_transient_error: OneForAll Transient "error" => "stop c, stop a, start a, start b, start c";
    all_transient_panic: OneForAll Transient "panic" => "stop c, stop a, start a, start b, start c";
    all_transient_kill: OneForAll Transient "kill" => "stop c, stop a, start a, start b, start c";
    all_temporary_normal: OneForAll Temporary "normal" => "";
    all_temporary_shutdown: OneForAll Temporary "shutdown" => "";
    all_temporary_shutdown_for: OneForAll Temporary "shutdown_for" => "";
    all_temporary_error: OneForAll Temporary "error" => "";
    all_temporary_panic: OneForAll Temporary "panic" => "";
    all_temporary_kill: OneForAll Temporary "kill" => "";
    rest_permanent_normal: RestForOne Permanent "normal" => "stop c, start b, start c";
    rest_permanent_shutdown: RestForOne Permanent "shutdown" => "stop c, start b, start c";
    rest_permanent_shutdown_for: RestForOne Permanent "shutdown_for" => "stop c, start b, start c";
    rest_permanent_error: RestForOne Permanent "error" => "stop c, start b, start c";
    rest_permanent_panic: RestForOne Permanent "panic" => "stop c, start b, start c";
    rest_permanent_kill: RestForOne Permanent "kill" => "stop c, start b, start c";
    rest_transient_normal: RestForOne Transient "normal" => "";
    rest_transient_shutdown: RestForOne Transient "shutdown" => "";
    rest_transient_shutdown_for: RestForOne Transient "shutdown_for" => "";
    rest_transient_error: RestForOne Transient "error" => "stop c, start b, start c";
    rest_transient_panic: RestForOne Transient "panic" => "stop c, start b, start c";
    rest_transient_kill: RestForOne Transient "kill" => "stop c, start b, start c";
    rest_temporary_normal: RestForOne Temporary "normal" => "";
    rest_temporary_shutdown: RestForOne Temporary "shutdown" => "";
    rest_temporary_shutdown_for: RestForOne Temporary "shutdown_for" => "";
    rest_temporary_error: RestForOne Temporary "error" => "";
    rest_temporary_panic: RestForOne Temporary "panic" => "";
    rest_temporary_kill: RestForOne Temporary "kill" => "";
}
