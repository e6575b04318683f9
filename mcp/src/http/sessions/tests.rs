//! Which session makes room, and that its end is told before its calls are cancelled.

use super::*;

async fn filled() -> (Sessions, Vec<SessionId>) {
    let sessions = Sessions::new(CancellationToken::new());
    let mut ids = Vec::new();
    for _ in 0..MOST_SESSIONS {
        ids.push(sessions.create_session().await.unwrap().0);
    }
    (sessions, ids)
}

#[tokio::test]
async fn the_session_that_was_silent_longest_makes_room() {
    let (sessions, ids) = filled().await;
    // The first is used, the second is being listened to.
    let _ = sessions.used(&ids[0]);
    let hold = sessions.used(&ids[1]);
    sessions.seen().get_mut(&ids[1]).unwrap().last =
        Instant::now() - std::time::Duration::from_secs(60);
    let (newest, _transport) = sessions.create_session().await.unwrap();
    assert!(sessions.has_session(&newest).await.unwrap());
    assert!(sessions.has_session(&ids[0]).await.unwrap());
    assert!(sessions.has_session(&ids[1]).await.unwrap());
    assert!(!sessions.has_session(&ids[2]).await.unwrap());
    drop(hold);
    sessions.create_session().await.unwrap();
    assert!(
        !sessions.has_session(&ids[1]).await.unwrap(),
        "nobody listens any more"
    );
    assert_eq!(sessions.seen().len(), MOST_SESSIONS);
}

#[tokio::test]
async fn an_end_is_marked_whoever_brings_it() {
    let listener = CancellationToken::new();
    let sessions = Sessions::new(listener.clone());
    let (id, transport) = sessions.create_session().await.unwrap();
    let ended = transport.ended.0.clone();
    assert!(!ended.is_cancelled());
    sessions.close_session(&id).await.unwrap();
    assert!(ended.is_cancelled(), "by the client");
    let (_, mut transport) = sessions.create_session().await.unwrap();
    let ended = transport.ended.0.clone();
    let _ = transport.close().await;
    assert!(ended.is_cancelled(), "by its transport");
    let (_, transport) = sessions.create_session().await.unwrap();
    listener.cancel();
    assert!(transport.ended.0.is_cancelled(), "by the listener");
}
