//! Layouts go round: what is written is read as the same.

use proptest::prelude::*;
use protocol::Direction;
use protocol::request::{LayoutPart, LayoutSplit, PaneSettings, RestartType, StopRecipe};

use super::*;

fn read(value: Value) -> Result<WantedLayout, Error> {
    layout_from_json(value, &|cwd| format!("/here/{cwd}"))
}

fn programs() -> impl Strategy<Value = Program> {
    prop_oneof![
        Just(Program::LoginShell),
        "[a-z]{1,8} [a-z]{1,8}".prop_map(|line| Program::ShellLine { line, shell: None }),
        prop::collection::vec("[a-z ]{1,6}[a-z]", 1..4).prop_map(Program::Argv),
    ]
}

fn panes() -> impl Strategy<Value = PaneSpec> {
    let parts = (
        programs(),
        any::<(bool, bool, bool)>(),
        any::<Option<u32>>(),
    );
    parts.prop_map(|(program, (named, remain, permanent), bytes)| PaneSpec {
        name: named.then(|| Name::new("a-name").unwrap()),
        program,
        cwd: Some("/tmp".to_owned()),
        env: named
            .then(|| ("A".to_owned(), "1".to_owned()))
            .into_iter()
            .collect(),
        settings: PaneSettings {
            restart: match permanent {
                true => RestartType::Permanent,
                false => RestartType::Temporary,
            },
            remain_on_exit: remain,
            memory_max: bytes.map(u64::from).filter(|bytes| *bytes > 0),
            title_locked: permanent,
        },
        stop: StopRecipe {
            term_ms: remain.then_some(10),
            ..StopRecipe::default()
        },
        ..PaneSpec::default()
    })
}

fn layouts() -> impl Strategy<Value = LayoutNode> {
    let pane = panes().prop_map(|pane| LayoutNode::Pane(Box::new(pane)));
    pane.prop_recursive(4, 12, 3, |inner| {
        let part = (1..9u32, inner).prop_map(|(tenth, layout)| LayoutPart {
            ratio: Some(f64::from(tenth) / 10.0),
            layout,
        });
        (any::<bool>(), prop::collection::vec(part, 2..4)).prop_map(|(down, splits)| {
            let direction = match down {
                true => Direction::Down,
                false => Direction::Right,
            };
            LayoutNode::Split(LayoutSplit { direction, splits })
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(layout in layouts()) {
        let written = layout_to_json(&layout);
        let read = layout_from_json(written.clone(), &str::to_owned).unwrap();
        prop_assert_eq!(json!(layout), json!(read.layout), "{}", written);
        let named = json!({"name": "w", "layout": written, "select": true});
        let read = layout_from_json(named, &str::to_owned).unwrap();
        prop_assert_eq!(read.name, Some(Name::new("w").unwrap()));
        prop_assert!(read.select);
    }
}

#[test]
fn directories_are_the_readers_and_mistakes_are_named() {
    let pane = json!({"pane": {"cwd": "src"}});
    let read_pane = read(pane).unwrap().layout;
    assert_eq!(read_pane.panes()[0].cwd.as_deref(), Some("/here/src"));
    for (wrong, said) in [
        (json!([]), "no JSON object"),
        (json!({"pane": {"comand": "x"}}), "comand"),
        (json!({"layout": {}, "session": "s"}), "session"),
        (json!({}), "neither a pane nor splits"),
        (json!({"layout": {"pane": {}}, "name": "a:b"}), "a:b"),
    ] {
        let error = read(wrong).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
