//! Renames that fail, and renames side by side.

#![cfg(debug_assertions)]

use protocol::request::UpdatePane;
use protocol::{ErrorCode, PaneUuid};

use super::*;
use crate::day::Day;
use crate::dispatch::pane::update;
use crate::registry::Caller;
use crate::step;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn named(leaf: &Leaf) -> Option<String> {
    leaf.name().map(|name| name.to_string())
}

fn renaming(pane: PaneUuid) -> UpdatePane {
    UpdatePane {
        pane: pane.into(),
        name: Some(name("renamed")),
        focus: false,
        rows: None,
        cols: None,
        ratio: None,
    }
}

#[tokio::test]
async fn the_undo_of_a_rename_leaves_a_later_name_alone() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let pane = Leaf::Pane(day.pane(&session).await);
    let server = &day.server;
    let first = rename(server, &pane, name("first")).await.unwrap();
    let second = rename(server, &pane, name("second")).await.unwrap();
    second.settled();
    drop(first);
    assert_eq!(named(&pane).as_deref(), Some("second"));
    drop(rename(server, &pane, name("third")).await.unwrap());
    assert_eq!(named(&pane).as_deref(), Some("second"));
}

#[tokio::test]
async fn a_call_that_fails_has_changed_nothing() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let pane = Leaf::Pane(day.pane(&session).await);
    day.pane(&session).await;
    let before = session.snapshot();
    step::want("rename: it is recorded=fails").unwrap();
    let unnamed = UpdatePane {
        rows: Some(10),
        focus: true,
        ..renaming(pane.id())
    };
    let nobody = Caller::new(protocol::ClientUuid::new());
    let error = update(&day.server, &nobody, unnamed).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Limit, "{error}");
    assert_eq!((session.snapshot(), named(&pane)), (before, None));
    // It is alone in its window.
    let unshared = UpdatePane {
        ratio: Some(0.3),
        ..renaming(pane.id())
    };
    let error = update(&day.server, &nobody, unshared).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    assert_eq!(named(&pane), None);
}
