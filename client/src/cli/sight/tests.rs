//! What is left out of lists.

use protocol::reply::SessionInfo;
use protocol::{Name, OrchestrationUuid, ServerName, Size};

use super::*;

fn session(name: Name, made_by: Option<OrchestrationUuid>) -> SessionInfo {
    SessionInfo {
        session_id: SessionUuid::new(),
        number: None,
        name,
        windows: 1,
        panes: 1,
        attached_clients: 0,
        active: false,
        created_at_ms: 0,
        last_activity_at_ms: 0,
        size: Size::RUN,
        tags: Vec::new(),
        made_by,
    }
}

#[test]
fn a_session_that_somebody_has_named_stays_in_sight() {
    let run = OrchestrationUuid::new();
    let own = Name::of_orchestration("pipeline", run).unwrap();
    let build = || Name::new("build").unwrap();
    let all = vec![
        session(build(), None),
        session(build(), Some(run)),
        session(own.clone(), Some(run)),
        // A person may give a name of that form.
        session(own, None),
    ];
    let mut sessions = Sessions {
        server: ServerName::local(),
        sessions: all.clone(),
    };
    assert_eq!(seen(&mut sessions, true), 0);
    assert_eq!(sessions.sessions, all);
    assert_eq!(seen(&mut sessions, false), 1);
    assert_eq!(sessions.sessions.len(), 3);
    assert!(!sessions.sessions.contains(&all[2]));
}

fn node(id: &str, children: Vec<TreeNode>) -> TreeNode {
    TreeNode {
        id: id.to_owned(),
        path: String::new(),
        kind: "actor".to_owned(),
        status: "running".to_owned(),
        since_ms: 0,
        restarts_in_window: 0,
        max_restarts: 0,
        restarts_total: 0,
        exits: Vec::new(),
        mailbox: 0,
        oldest_ms: None,
        handled: 0,
        handler_p50_us: 0,
        handler_p99_us: 0,
        busy: None,
        details: Vec::new(),
        children,
    }
}

#[test]
fn a_tree_loses_the_nodes_of_what_is_out_of_sight() {
    let (own, made) = (SessionUuid::new(), SessionUuid::new());
    let of = |id: SessionUuid| node(&id.to_string(), vec![node("pane", Vec::new())]);
    let mut root = node(
        "fugued",
        vec![
            node("sessions", vec![of(own), of(made)]),
            node("orchestrations", vec![of(made)]),
        ],
    );
    prune(&mut root, &HashSet::from([made]));
    let expected = node(
        "fugued",
        vec![
            node("sessions", vec![of(own)]),
            node("orchestrations", vec![of(made)]),
        ],
    );
    assert_eq!(root, expected);
}
