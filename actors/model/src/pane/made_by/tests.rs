//! Tests of `made_by`.

use proptest::prelude::*;

use super::*;

#[test]
fn jobs_are_written_as_before() {
    let id = OrchestrationUuid::new();
    let made_by = MadeBy::Orchestration { id, index: 3 };
    assert_eq!(made_by.to_string(), format!("run {id} 3"));
    assert_eq!(MadeBy::from(format!("run {id} 3")), made_by);
}

#[test]
fn a_key_is_never_taken_for_a_job() {
    let id = OrchestrationUuid::new();
    for key in [
        format!("run {id} 3"),
        "key run".to_owned(),
        "run".to_owned(),
    ] {
        let made_by = MadeBy::Request(key);
        assert_eq!(MadeBy::from(String::from(made_by.clone())), made_by);
        assert_eq!(made_by.orchestration(), None);
    }
}

proptest! {
    #[test]
    fn every_key_is_read_back(key in "(run |key )?.{0,20}") {
        let made_by = MadeBy::Request(key);
        prop_assert_eq!(MadeBy::from(String::from(made_by.clone())), made_by);
    }
}
