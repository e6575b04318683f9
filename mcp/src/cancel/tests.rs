//! Reasons as clients write them.

use super::*;

#[test]
fn time_outs_of_clients_are_known_by_their_words() {
    let rows = [
        ("McpError: MCP error -32001: Request timed out", true),
        ("MCP error -32001: Maximum total timeout exceeded", true),
        ("Request timed out after 60.0 seconds", true),
        ("request timeout", true),
        ("context deadline exceeded", true),
        ("AbortError: This operation was aborted", false),
        ("User requested cancellation", false),
        ("enough", false),
        ("", false),
    ];
    for (reason, expected) in rows {
        assert_eq!(speaks_of_time(reason), expected, "{reason}");
    }
}

fn told(id: i64, reason: Option<&str>) -> CancelledNotificationParam {
    CancelledNotificationParam::new(Some(RequestId::Number(id)), reason.map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn a_reason_belongs_to_its_call_and_may_be_absent() {
    let cancellations = Cancellations::default();
    let reason = |id| cancellations.of(RequestId::Number(id));
    let (first, second, third) = (reason(1), reason(2), reason(3));
    cancellations.note(told(2, Some("Request timed out")));
    cancellations.note(told(1, Some("enough")));
    cancellations.note(told(3, None));
    assert!(!first.tells_of_time().await);
    assert!(second.tells_of_time().await);
    assert!(!third.tells_of_time().await);
    assert!(!reason(4).tells_of_time().await, "none comes");
}
