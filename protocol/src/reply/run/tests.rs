//! Numbers of orchestrations, and how they are named.

use super::*;

#[test]
fn an_orchestration_is_named_by_its_number_or_its_id() {
    let id = OrchestrationUuid::new();
    let parsed = |text: &str| text.parse::<OrchestrationTarget>();
    assert_eq!(parsed("3"), Ok(OrchestrationTarget::Number(3.into())));
    assert_eq!(parsed(&id.to_string()), Ok(OrchestrationTarget::Id(id)));
    for text in ["", "$3", "-3", "3a", "build", "99999999999999999999999"] {
        let error = parsed(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}");
        assert!(error.hint.contains("fugue orchestrations"), "{error}");
    }
}

#[test]
fn a_number_is_plain_digits_for_people_and_programs() {
    let number = OrchestrationNumber::from(12);
    assert_eq!(number.to_string(), "12");
    assert_eq!(serde_json::to_string(&number).unwrap(), "12");
    assert_eq!(number.told(), Some(number));
    assert_eq!(OrchestrationNumber::default().told(), None);
}

#[test]
fn a_number_that_nothing_has_is_told_with_those_there_are() {
    let none = Orchestrations {
        orchestrations: Vec::new(),
    };
    let error = none.numbered(4.into()).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains('4') && error.candidates.is_empty());
}
