//! Restarts that are refused, and what is left of one that fails.

use std::time::Duration;

use model::pane::{Cause, PaneRecord};
use protocol::reply::ExitStatus;
use protocol::{ClientUuid, PaneUuid};

use super::*;
use crate::day::Day;
use crate::orchestration::sample;
use crate::registry::Mirror;

fn nobody() -> Caller {
    Caller::new(ClientUuid::new())
}

async fn asked(day: &Day, caller: &Caller, pane: PaneUuid) -> Result<PaneInfo, Error> {
    let params = RestartPane {
        pane: pane.into(),
        guarded: true,
    };
    restart(&day.server, caller, params).await
}

async fn refused(day: &Day, caller: &Caller, pane: PaneUuid) -> (ErrorCode, String) {
    let error = asked(day, caller, pane).await.unwrap_err();
    assert!(!error.hint.is_empty(), "{error}");
    (error.code, error.message)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_callers_to_restart_is_refused_and_stays_as_it_is() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let pane = day.pane(&session).await;
    let before = pane.state().borrow().clone();
    let number = pane.record.number;
    let registry = &day.server.registry;

    let slot = registry.pane_slots().take(100).unwrap();
    let mirror_number = registry.numbers().pane();
    let mirror = Mirror::new(session.id, mirror_number, Arc::clone(&pane), None, slot);
    let mirror = Arc::new(mirror);
    registry.insert_mirror(Arc::clone(&mirror));
    let said = format!("pane {mirror_number} is a mirror of pane {number}");
    assert_eq!(
        refused(&day, &nobody(), mirror.id).await,
        (ErrorCode::Denied, said)
    );

    let inside = Caller {
        pane: Some(pane.id),
        ..nobody()
    };
    let (code, said) = refused(&day, &inside, pane.id).await;
    assert_eq!(code, ErrorCode::Denied);
    assert!(said.contains("the caller's own"), "{said}");

    assert_eq!(*pane.state().borrow(), before);

    pane.begin_close(Cause::Asked, false);
    let (code, said) = refused(&day, &nobody(), pane.id).await;
    assert_eq!(
        (code, said),
        (ErrorCode::Busy, format!("pane {number} is being closed"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_pane_of_an_orchestration_is_its_own_until_that_has_ended() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let run = sample::begun(&day.server, &session).0.id;
    let over = sample::ended(&day.server, &session);
    let record = |id, status_pipe| PaneRecord {
        made_by: Some(MadeBy::Orchestration { id, index: 0 }),
        status_pipe,
        ..PaneRecord::default()
    };
    let pane = day.pane_as(&session, record(run, false)).await;
    let (code, said) = refused(&day, &nobody(), pane.id).await;
    assert_eq!(code, ErrorCode::Busy);
    assert!(said.contains("in progress"), "{said}");
    let pane = day.pane_as(&session, record(over, false)).await;
    let shell = day.pane_as(&session, record(over, true)).await;
    // There is no program to be had in this test, but it is tried.
    let (code, said) = refused(&day, &nobody(), pane.id).await;
    assert_eq!(code, ErrorCode::SpawnFailed, "{said}");
    let (code, said) = refused(&day, &nobody(), shell.id).await;
    assert_eq!(code, ErrorCode::Unsupported, "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_leaves_the_pane_with_the_reason_and_counts_for_nothing() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let pane = day.pane(&session).await;
    assert!(!pane.record.settings.remain_on_exit);
    for _ in 0..12 {
        let (code, said) = refused(&day, &nobody(), pane.id).await;
        assert_eq!(code, ErrorCode::SpawnFailed, "{said}");
        let state = pane.state().borrow().clone();
        assert!(state.is_kept() && !state.is_asked(), "{state:?}");
        let exit = state.end().map(|end| end.exit.clone());
        assert!(
            matches!(exit, Some(ExitStatus::SpawnFailed { .. })),
            "{exit:?}"
        );
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(day.server.registry.pane(pane.id).is_some());
}
