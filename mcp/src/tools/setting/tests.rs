//! Tests of `setting`.

use super::*;

#[test]
fn set_and_unset_become_one_change() {
    let set = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
    let all = changes(Some(set.clone()), Some(vec!["B".into()])).unwrap();
    assert_eq!(
        all,
        BTreeMap::from([("A".into(), Some("1".into())), ("B".into(), None)])
    );
    assert!(changes(Some(set), Some(vec!["A".into()])).is_err());
    assert!(changes(None, None).is_err());
    assert!(changes(None, Some(vec!["B".into(), "B".into()])).is_err());
}
