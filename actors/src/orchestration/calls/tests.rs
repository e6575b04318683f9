//! Tests of the limit of orchestrations.

use protocol::request::ParallelCommand;

use super::*;
use crate::day::Day;

#[tokio::test]
async fn calls_at_the_same_time_do_not_pass_the_limit() {
    let day = Day::begin().await;
    let server = &day.server;
    let slots = server.registry.run_slots();
    let _others: Vec<_> = (1..MAX_RUNNING)
        .map(|_| slots.take(MAX_RUNNING).unwrap())
        .collect();
    let caller = Caller::new(protocol::ClientUuid::new());
    let run = || {
        let command = ParallelCommand {
            command: "true".to_owned(),
            ..ParallelCommand::default()
        };
        let params = RunParallel {
            commands: vec![command],
            ..RunParallel::default()
        };
        run_parallel(server, &caller, params)
    };
    let (begun, refused) = tokio::join!(run(), run());
    assert_eq!(refused.unwrap_err().code, ErrorCode::Limit);
    let end = GetOrchestration {
        orchestration_id: begun.unwrap().orchestration_id,
        wait: true,
        timeout_ms: 10_000,
        after_version: None,
    };
    let ended = get(server, end).await.unwrap();
    assert!(ended.status.is_final(), "{ended:?}");
    assert!(slots.take(MAX_RUNNING).is_some(), "it counts no more");
}
