//! What a place in the tree keeps.

use super::*;

#[test]
fn only_the_last_exits_are_kept() {
    let node = Node::root("a".into(), ChildKind::Actor);
    for i in 0..20 {
        node.ended(ExitReason::Failed(i.to_string()), Status::Restarting);
    }
    let exits = node.snapshot(clock::now()).exits;
    let texts: Vec<String> = exits.iter().map(|exit| exit.reason.to_string()).collect();
    assert_eq!(texts.len(), EXITS_KEPT);
    assert_eq!(texts[0], "failed: 12");
    assert_eq!(node.last_exit(), Some(ExitReason::Failed("19".into())));
}

#[test]
fn a_place_is_free_when_its_root_has_ended() {
    let tree = Tree::new();
    let first = Node::root("a".into(), ChildKind::Supervisor);
    assert!(tree.plant(&first));
    assert!(!tree.plant(&Node::root("b".into(), ChildKind::Supervisor)));
    first.ended(ExitReason::Normal, Status::Stopped);
    assert!(tree.plant(&Node::root("b".into(), ChildKind::Supervisor)));
    assert_eq!(tree.snapshot().unwrap().id, "b");
}
