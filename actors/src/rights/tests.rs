//! Whose token, which pane: what a caller is found to be.

use super::*;

#[test]
fn what_a_front_for_agents_makes_is_an_agents_and_remembers_where_it_was_made() {
    let registry = Registry::default();
    let mut caller = Caller::new(protocol::ClientUuid::new());
    assert_eq!(origin_of(&registry, &caller), Origin::default());
    caller.agent = true;
    assert!(origin_of(&registry, &caller).agent);
    caller.agent = false;
    caller.rights = Rights::of_agents_pane(SessionUuid::new());
    assert!(origin_of(&registry, &caller).agent);
}

#[test]
fn an_earlier_origin_is_nobodys() {
    let origin: Origin = serde_json::from_str("{}").unwrap();
    assert_eq!(origin, Origin::default());
}
