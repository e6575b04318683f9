//! Tests of `resources`.

use protocol::PaneUuid;

use super::*;

#[test]
fn addresses_are_read_or_refused() {
    let local = ServerName::local();
    assert_eq!(
        Address::parse("fugue://local/tree").unwrap(),
        Address::Tree(local.clone())
    );
    let id = PaneUuid::new();
    for (text, pane) in [
        (id.to_string(), Target::from(id)),
        ("log".to_owned(), Target::parse("log").unwrap()),
    ] {
        let uri = format!("fugue://local/pane/{text}/screen");
        let address = Address::parse(&uri).unwrap();
        assert_eq!(address, Address::Screen(local.clone(), pane));
    }
    for bad in [
        "",
        "fugue://",
        "fugue://local",
        "fugue://LOCAL/tree",
        "fugue://local/tree/",
        "fugue://local/pane/x",
        "fugue://local/pane//screen",
        "fugue://local/pane/a:b/screen",
        "file:///etc/passwd",
    ] {
        assert!(Address::parse(bad).is_err(), "{bad}");
    }
}
