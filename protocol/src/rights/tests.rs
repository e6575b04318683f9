//! Every request × level × scope.

use std::collections::BTreeMap;

use strum::IntoEnumIterator;

use super::*;
use crate::frame::to_bytes;

/// What a request needs and the kinds of things that it is about, one row for each way to ask.
/// `-` nobody else, `S` the server, `L` a list, `n` something new, `s` a session, `x` a session or a new one, `w` a
/// window, `p` a pane, `r` a run.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("status", "{}", "read", "-"),
    ("stop_server", "{}", "admin", "S"),
    ("stop_server", r#"{"keep_panes": true}"#, "full", "S"),
    ("forget", "{}", "full", "S"),
    ("forget", r#"{"session": "a"}"#, "full", "s"),
    ("tree", "{}", "read", "S"),
    ("tree", r#"{"session": "a"}"#, "read", "s"),
    ("whoami", "{}", "read", "-"),
    ("list_clients", "{}", "read", "S"),
    ("create_session", "{}", "full", "n"),
    ("list_sessions", "{}", "read", "L"),
    ("get_session", "{}", "read", "s"),
    ("update_session", "{}", "full", "s"),
    ("kill_session", r#"{"session": "a"}"#, "full", "s"),
    ("create_window", "{}", "full", "s"),
    ("list_windows", "{}", "read", "s"),
    ("update_window", r#"{"window": "w"}"#, "full", "w"),
    ("create_pane", "{}", "full", "s"),
    ("create_pane", r#"{"window": "w"}"#, "full", "w"),
    ("create_pane", r#"{"beside": "p"}"#, "full", "p"),
    (
        "create_pane",
        r#"{"beside": "p", "session": "a"}"#,
        "full",
        "sp",
    ),
    ("create_layout", r#"{"layout": {"pane": {}}}"#, "full", "s"),
    ("get_layout", "{}", "read", "s"),
    ("get_layout", r#"{"window": "w"}"#, "read", "w"),
    ("mirror_pane", r#"{"pane": "p"}"#, "full", "ps"),
    (
        "mirror_pane",
        r#"{"pane": "p", "window": "w"}"#,
        "full",
        "pw",
    ),
    ("list_panes", "{}", "read", "s"),
    ("list_panes", r#"{"window": "w"}"#, "read", "w"),
    ("list_panes", r#"{"all": true}"#, "read", "L"),
    ("list_usage", "{}", "read", "s"),
    ("list_usage", r#"{"all": true}"#, "read", "L"),
    ("signal_pane", r#"{"pane": "p", "signal": 1}"#, "full", "p"),
    ("update_pane", r#"{"pane": "p"}"#, "full", "p"),
    ("close_pane", r#"{"pane": "p"}"#, "full", "p"),
    ("retry_pane", r#"{"pane": "p"}"#, "full", "p"),
    ("restart_pane", r#"{"pane": "p"}"#, "full", "p"),
    (
        "wait_pane",
        r#"{"pane": "p", "timeout_ms": 1}"#,
        "read",
        "p",
    ),
    ("read_pane", r#"{"pane": "p"}"#, "read", "p"),
    ("send_input", r#"{"pane": "p"}"#, "type", "p"),
    ("expect", r#"{"pane": "p", "timeout_ms": 1}"#, "read", "p"),
    ("watch", r#"{"timeout_ms": 1}"#, "read", "-"),
    ("watch", r#"{"pane": "p", "timeout_ms": 1}"#, "read", "p"),
    (
        "attach",
        r#"{"view": 1, "size": {"rows": 1, "cols": 1}}"#,
        "type",
        "s",
    ),
    (
        "attach",
        r#"{"view": 1, "size": {"rows": 1, "cols": 1}, "read_only": true}"#,
        "read",
        "s",
    ),
    ("update_view", r#"{"view": 1}"#, "read", "-"),
    ("detach", r#"{"view": 1}"#, "read", "-"),
    (
        "guard_terminal",
        r#"{"leave": [], "settings": {"input": 0, "output": 0, "control": 0, "local": 0, "least": 0, "time": 0}}"#,
        "read",
        "-",
    ),
    ("run_parallel", r#"{"commands": []}"#, "full", "n"),
    (
        "run_parallel",
        r#"{"commands": [], "options": {"layout": "tiled"}}"#,
        "full",
        "s",
    ),
    (
        "run_pipeline",
        r#"{"steps": [], "options": {"session": "a"}}"#,
        "full",
        "x",
    ),
    (
        "get_orchestration",
        r#"{"orchestration_id": "@"}"#,
        "read",
        "r",
    ),
    ("list_orchestrations", "{}", "read", "L"),
    (
        "cancel_orchestration",
        r#"{"orchestration_id": "@"}"#,
        "full",
        "r",
    ),
];

fn request(method: &str, params: &str, id: OrchestrationUuid) -> Request {
    let mut value: BTreeMap<String, serde_json::Value> = serde_json::from_str(params).unwrap();
    let run = value.remove("orchestration_id").is_some();
    if run {
        // Ids are bytes on the wire and text in JSON.
        let with_id: BTreeMap<&str, OrchestrationUuid> = BTreeMap::from([("orchestration_id", id)]);
        return Request::decode(method, &to_bytes(&with_id)).unwrap();
    }
    Request::decode(method, &to_bytes(&value)).unwrap_or_else(|error| panic!("{method}: {error}"))
}

fn kind(about: &About<'_>) -> char {
    match about {
        About::Server => 'S',
        About::List => 'L',
        About::New => 'n',
        About::Session(_) => 's',
        About::SessionOrNew(_) => 'x',
        About::Window(..) => 'w',
        About::Pane(_) => 'p',
        About::Run(_) => 'r',
    }
}

/// Where a thing is as seen from a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
enum Where {
    /// In the scope's own session, made by somebody else.
    Inside,
    /// Elsewhere, made from the scope's own session.
    Made,
    /// Elsewhere, made from a session that was made from the scope's own.
    MadeByMade,
    /// Elsewhere and made by others.
    Elsewhere,
}

struct World {
    own: SessionUuid,
    run: OrchestrationUuid,
    pane: PaneUuid,
}

impl World {
    fn thing(&self, kind: char, place: Where) -> Thing {
        let (made, other) = (SessionUuid::new(), SessionUuid::new());
        let inside = place == Where::Inside;
        let session = if inside { self.own } else { made };
        let makers = match place {
            Where::Inside | Where::Elsewhere => vec![other],
            Where::Made => vec![self.own],
            Where::MadeByMade => vec![other, self.own],
        };
        let run = inside.then_some(self.run);
        match kind {
            'S' => Thing::Server,
            'L' => Thing::List,
            'n' => Thing::New,
            's' | 'w' | 'x' => Thing::Session {
                id: session,
                run,
                makers,
            },
            'p' => Thing::Pane {
                id: if inside { self.pane } else { PaneUuid::new() },
                session,
                run,
                makers,
            },
            'r' => Thing::Run {
                id: if inside {
                    self.run
                } else {
                    OrchestrationUuid::new()
                },
                session,
                makers,
            },
            other => panic!("no such kind: {other}"),
        }
    }

    fn scopes(&self) -> [(&'static str, Scope); 6] {
        [
            ("all", Scope::All),
            ("own", Scope::Own(Some(self.own))),
            ("none's own", Scope::Own(None)),
            ("session", Scope::Session(self.own)),
            ("run", Scope::Run(self.run)),
            ("pane", Scope::Pane(self.pane)),
        ]
    }
}

/// Said again in other words than the code's.
fn expected(scope: &str, kind: char, place: Where) -> bool {
    let inside = place == Where::Inside;
    match (scope, kind) {
        ("all", _) | (_, 'L') => true,
        (_, 'S') => false,
        ("own" | "none's own", 'n') => true,
        (_, 'n') => false,
        ("own", _) => place != Where::Elsewhere,
        ("none's own", _) => false,
        ("session" | "run", _) => inside,
        ("pane", kind) => inside && kind == 'p',
        other => panic!("no such row: {other:?}"),
    }
}

#[test]
fn every_request_has_a_row() {
    for method in Request::METHODS {
        let named = ROWS.iter().any(|(row, ..)| row == method);
        assert!(named, "{method} has no row");
    }
}

#[test]
fn every_request_with_every_level_and_scope_is_decided_as_its_row_says() {
    let world = World {
        own: SessionUuid::new(),
        run: OrchestrationUuid::new(),
        pane: PaneUuid::new(),
    };
    let mut decided = 0;
    for (method, params, level, kinds) in ROWS {
        let request = request(method, params, world.run);
        let (needs, about) = needed(&request);
        assert_eq!(needs.to_string(), *level, "{method} {params}");
        let found: String = about.iter().map(kind).collect();
        assert_eq!(found, kinds.trim_start_matches('-'), "{method} {params}");
        for own in Level::iter() {
            let order = ["read", "type", "full", "admin"];
            let rank = |level: &str| order.iter().position(|name| *name == level);
            let enough = rank(&own.to_string()).is_some_and(|own| Some(own) >= rank(level));
            assert_eq!(own.reaches(needs), enough, "{method} {params}: {own}");
        }
        for ((name, scope), place) in world
            .scopes()
            .iter()
            .flat_map(|scope| Where::iter().map(move |place| (*scope, place)))
        {
            let covered = |kind| scope.covers(&world.thing(kind, place));
            let allowed = found.chars().all(covered);
            let right = found.chars().all(|kind| expected(name, kind, place));
            assert_eq!(allowed, right, "{method} {params}: {name} {place:?}");
            decided += Level::iter().count();
        }
    }
    assert_eq!(decided, ROWS.len() * 6 * 4 * 5);
}

#[test]
fn a_runner_reaches_nothing_of_the_others() {
    for level in Level::iter() {
        assert_eq!(Level::Runner.reaches(level), level == Level::Runner);
        assert_eq!(level.reaches(Level::Runner), level == Level::Runner);
    }
    assert_eq!(Rights::PANE.to_string(), "full, all");
    let own = Rights::of_agents_pane(SessionUuid::new());
    assert_eq!(own.to_string(), "full, own");
}
