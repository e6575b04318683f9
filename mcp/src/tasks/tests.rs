//! Tests of `tasks`.

use serde_json::json;

use super::*;

fn work() -> AbortHandle {
    tokio::spawn(std::future::pending::<()>()).abort_handle()
}

#[tokio::test]
async fn a_wait_is_found_until_it_is_over() {
    let tasks = Tasks::default();
    tasks.enter("wait-1", KEPT, work()).unwrap();
    assert_eq!(tasks.get("wait-1").unwrap().payload, TaskPayload::Working);
    let result = Answer::object(json!({"outcome": "match"})).into_result(Halves::Both);
    tasks.done("wait-1", &result);
    let TaskPayload::Completed { result } = tasks.get("wait-1").unwrap().payload else {
        panic!("not completed");
    };
    assert_eq!(result["structuredContent"]["outcome"], "match");
    assert!(tasks.get("wait-2").is_none());
    assert!(!tasks.cancel("wait-2"));
}

#[tokio::test]
async fn a_cancelled_wait_stays_cancelled() {
    let tasks = Tasks::default();
    let work = work();
    tasks.enter("wait-1", KEPT, work.clone()).unwrap();
    assert!(tasks.cancel("wait-1"));
    tasks.done(
        "wait-1",
        &Answer::object(json!({})).into_result(Halves::Both),
    );
    assert_eq!(tasks.get("wait-1").unwrap().payload, TaskPayload::Cancelled);
    tokio::time::timeout(Duration::from_secs(5), async {
        while !work.is_finished() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn there_are_only_so_many_and_the_first_to_end_goes() {
    let tasks = Tasks::default();
    for number in 0..MOST {
        tasks
            .enter(&format!("wait-{number}"), KEPT, work())
            .unwrap();
    }
    assert!(tasks.enter("wait-one-more", KEPT, work()).is_none());
    tasks.done(
        "wait-7",
        &Answer::object(json!({})).into_result(Halves::Both),
    );
    assert!(tasks.enter("wait-one-more", KEPT, work()).is_some());
    assert!(tasks.get("wait-7").is_none());
    let tasks = Tasks::default();
    tasks.enter("wait-old", Duration::ZERO, work()).unwrap();
    let past = Duration::from_secs(1);
    tasks.all().get_mut("wait-old").unwrap().created -= past;
    tasks.enter("wait-new", KEPT, work()).unwrap();
    assert!(tasks.get("wait-old").is_none());
}

#[test]
fn a_run_is_a_task_with_times_as_text() {
    assert_eq!(stamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    assert_eq!(status(RunStatus::Pending), TaskStatus::Working);
    assert_eq!(status(RunStatus::Timeout), TaskStatus::Completed);
    assert_eq!(status(RunStatus::Cancelled), TaskStatus::Cancelled);
}

#[tokio::test]
async fn a_wait_that_panics_has_failed() {
    let error = caught(Box::pin(async { panic!("a test asked for it") }))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, ErrorCode::Internal);
}
