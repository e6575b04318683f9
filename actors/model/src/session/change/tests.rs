//! Tests of what can change in a session.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::request::UpdateSession;
use protocol::{
    Direction, ErrorCode, Name, OrchestrationUuid, PaneUuid, SessionNumber, SessionUuid, Size,
};

use super::{Change, Place, Placement};
use crate::session::snapshot::{Environment, SessionSnapshot};

pub(in crate::session) fn empty() -> SessionSnapshot {
    SessionSnapshot {
        number: SessionNumber::default(),
        id: SessionUuid::new(),
        name: Name::new("s").unwrap(),
        created_at_ms: 0,
        tags: Vec::new(),
        metadata: BTreeMap::new(),
        environment: Environment::default(),
        cwd: "/".into(),
        size: Size::DEFAULT,
        windows: Vec::new(),
        focused: None,
        focus_epoch: 0,
        clients: BTreeMap::new(),
        leases: BTreeSet::new(),
        made_by: None,
    }
}

fn window(pane: PaneUuid, select: bool) -> Placement {
    Placement {
        pane,
        place: Place::NewWindow { name: None },
        select,
    }
}

fn beside(pane: PaneUuid, target: Option<PaneUuid>) -> Placement {
    Placement {
        pane,
        place: Place::Beside {
            window: None,
            pane: target,
            direction: Direction::Right,
            ratio: 0.5,
        },
        select: false,
    }
}

fn with_panes(count: usize) -> (SessionSnapshot, Vec<PaneUuid>) {
    let panes: Vec<_> = (0..count).map(|_| PaneUuid::new()).collect();
    let mut session = empty();
    for pane in &panes {
        session = session.placed(&window(*pane, false)).unwrap().0;
    }
    (session, panes)
}

#[test]
fn the_first_pane_is_focused_though_nobody_selected_it() {
    let pane = PaneUuid::new();
    let (session, size) = empty().placed(&window(pane, false)).unwrap();
    assert_eq!(session.focused_pane(), Some(pane));
    assert_eq!(size, Size::DEFAULT);
    assert_eq!(session.focus_epoch, 0);
}

#[test]
fn a_split_measures_the_size_it_will_have() {
    let (session, panes) = with_panes(1);
    let new = PaneUuid::new();
    let (next, size) = session.placed(&beside(new, Some(panes[0]))).unwrap();
    assert_eq!(next.pane_sizes()[&new], size);
    assert_eq!(next.windows.len(), 1);
    assert_eq!(next.focused_pane(), Some(panes[0]), "not selected");
}

#[test]
fn the_pane_that_is_shown_has_the_whole_terminal_and_the_others_their_places() {
    let (session, panes) = with_panes(1);
    let new = PaneUuid::new();
    let (next, size) = session.placed(&beside(new, Some(panes[0]))).unwrap();
    let shown = next.shown_sizes();
    assert_eq!((shown[&panes[0]], shown[&new]), (next.size, size));
    assert_ne!(next.pane_sizes()[&panes[0]], next.size);
}

#[test]
fn a_split_beside_a_pane_that_is_gone_changes_nothing() {
    let (session, _) = with_panes(1);
    let error = session
        .placed(&beside(PaneUuid::new(), Some(PaneUuid::new())))
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[test]
fn a_grid_grows_in_one_window_and_shrinks_as_a_grid() {
    let orchestration = OrchestrationUuid::new();
    let mut session = empty();
    let panes: Vec<_> = (0..5).map(|_| PaneUuid::new()).collect();
    for pane in &panes {
        let placement = Placement {
            pane: *pane,
            place: Place::Grid {
                orchestration,
                name: Name::new("run").unwrap(),
            },
            select: false,
        };
        session = session.placed(&placement).unwrap().0;
    }
    assert_eq!(session.windows.len(), 1);
    assert_eq!(session.windows[0].layout.panes(), panes);
    session.remove_pane(panes[0]);
    assert_eq!(session.windows[0].layout.panes(), panes[1..]);
    assert!(session.windows[0].layout.to_string().starts_with("down("));
}

#[test]
fn the_focus_goes_to_a_neighbour_when_its_pane_goes() {
    let (session, panes) = with_panes(3);
    let mut session = session
        .changed(Change::Pane {
            pane: panes[1],
            focus: true,
            rows: None,
            cols: None,
            ratio: None,
        })
        .unwrap();
    assert_eq!(session.focus_epoch, 1);
    session.remove_pane(panes[1]);
    assert_eq!(session.focused_pane(), Some(panes[2]));
    session.remove_pane(panes[2]);
    assert_eq!(session.focused_pane(), Some(panes[0]));
    session.remove_pane(panes[0]);
    assert_eq!(session.focused_pane(), None);
}

#[test]
fn environment_changes_are_laid_over_the_base() {
    let mut session = empty();
    session.environment.base =
        BTreeMap::from([("A".into(), "1".into()), ("B".into(), "2".into())]).into();
    let update = UpdateSession {
        environment: BTreeMap::from([("A".into(), None), ("C".into(), Some("3".into()))]),
        ..UpdateSession::default()
    };
    let session = session.changed(Change::Session(update)).unwrap();
    let merged = session.environment.merged();
    assert_eq!(merged.get("A"), None);
    assert_eq!(merged["B"], "2");
    assert_eq!(merged["C"], "3");
}

#[test]
fn a_login_sets_what_it_has_takes_away_what_it_has_not_and_leaves_what_is_so_already() {
    let owned = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    let mut session = empty();
    session.environment.base =
        BTreeMap::from([("A".into(), "1".into()), ("B".into(), "2".into())]).into();
    let login = BTreeMap::from([
        owned("A", Some("1")),
        owned("B", None),
        owned("C", Some("3")),
        owned("D", None),
    ]);
    session.environment = session.learned(&login).unwrap();
    let changes = BTreeMap::from([owned("B", None), owned("C", Some("3"))]);
    assert_eq!(session.environment.changes, changes);
    assert_eq!(session.learned(&login).unwrap(), session.environment);
    let bad = BTreeMap::from([owned("A", Some("\0"))]);
    assert!(session.learned(&bad).is_err());
}

#[test]
fn a_bad_variable_is_refused_and_nothing_is_set() {
    let session = empty();
    for name in ["", "A=B", "A\0", "\0A"] {
        let update = UpdateSession {
            environment: BTreeMap::from([(name.to_owned(), Some("1".into()))]),
            ..UpdateSession::default()
        };
        let error = session.changed(Change::Session(update)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{name:?}");
    }
}

#[test]
fn a_variable_may_be_bytes_that_are_not_utf8_and_metadata_may_not() {
    let bytes = || BTreeMap::from([("\0caf\u{e9}".to_owned(), Some("\0\u{ff}".to_owned()))]);
    let environment = UpdateSession {
        environment: bytes(),
        ..UpdateSession::default()
    };
    let changed = empty().changed(Change::Session(environment)).unwrap();
    assert_eq!(changed.environment.changes, bytes());
    let metadata = UpdateSession {
        metadata: bytes(),
        ..UpdateSession::default()
    };
    empty().changed(Change::Session(metadata)).unwrap_err();
}

proptest! {
    #[test]
    fn whatever_happens_the_focus_is_a_pane_that_is_there(
        steps in prop::collection::vec((0u8..4, any::<prop::sample::Index>(), any::<bool>()), 1..60)
    ) {
        let mut session = empty();
        for (kind, at, select) in steps {
            let panes: Vec<_> = session.panes().collect();
            match kind {
                0 => session = session.placed(&window(PaneUuid::new(), select)).unwrap().0,
                1 => {
                    let target = (!panes.is_empty()).then(|| *at.get(&panes));
                    if let Ok((next, _)) = session.placed(&beside(PaneUuid::new(), target)) {
                        session = next;
                    }
                }
                2 if !panes.is_empty() => session.remove_pane(*at.get(&panes)),
                3 if !panes.is_empty() => {
                    session = session.changed(Change::ViewStep(*at.get(&panes))).unwrap();
                }
                _ => {}
            }
            let panes: BTreeSet<_> = session.panes().collect();
            prop_assert_eq!(panes.len(), session.panes().count(), "a pane is there twice");
            prop_assert_eq!(session.focused_pane().is_some(), !panes.is_empty());
            for window in &session.windows {
                prop_assert!(window.layout.panes().contains(&window.focused));
            }
            if let Some(focused) = session.focused {
                prop_assert!(session.window(focused).is_some());
            }
        }
    }
}

#[test]
fn what_a_session_is_given_has_a_limit_altogether() {
    let big = "x".repeat(60_000);
    let entries = |count: usize| -> BTreeMap<String, Option<String>> {
        (0..count)
            .map(|n| (format!("k{n}"), Some(big.clone())))
            .collect()
    };
    let change = |update| empty().changed(Change::Session(update));
    let metadata = |count| UpdateSession {
        metadata: entries(count),
        ..UpdateSession::default()
    };
    change(metadata(60)).unwrap();
    let rows = [
        metadata(300),
        UpdateSession {
            environment: entries(300),
            ..UpdateSession::default()
        },
        UpdateSession {
            environment: entries(40),
            ..metadata(40)
        },
        UpdateSession {
            tags: Some(vec![big.clone(), big.clone()]),
            ..UpdateSession::default()
        },
    ];
    for update in rows {
        let error = change(update).unwrap_err();
        assert_eq!(error.code, ErrorCode::Limit, "{error}");
        assert!(error.message.contains("together"), "{error}");
    }
}

#[test]
fn an_umask_that_is_none_is_refused_where_it_is_set() {
    let set = |digits: &str| {
        let update = UpdateSession {
            environment: BTreeMap::from([("FUGUE_UMASK".into(), Some(digits.into()))]),
            ..UpdateSession::default()
        };
        empty().changed(Change::Session(update))
    };
    set("027").unwrap();
    for digits in ["zz", "", "8", "1777"] {
        let error = set(digits).unwrap_err();
        assert!(error.message.contains("no umask"), "{error}");
    }
}
