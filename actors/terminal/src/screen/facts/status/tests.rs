//! What reports make of the records, and what no report can do to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

fn heard(reports: &[&str]) -> Statuses {
    let mut statuses = Statuses::default();
    for report in reports {
        statuses.hear(report.as_bytes());
    }
    statuses
}

fn shown(reports: &[&str]) -> Option<String> {
    heard(reports).shown().map(|status| status.to_string())
}

#[test]
fn states_have_the_names_of_the_state_machine() {
    let rows = [
        ("state=idle", Some("idle")),
        ("state=working", Some("working")),
        ("state=done", Some("done")),
        ("state=error", Some("failed")),
        ("state=blocked", Some("needs_input")),
        (
            "state=blocked:kind=permission",
            Some("needs_input(permission)"),
        ),
        ("state=blocked:kind=question", Some("needs_input(question)")),
        ("state=blocked:kind=auth", Some("needs_input(login)")),
        ("state=blocked:kind=other", Some("needs_input")),
        ("state=clear", None),
        ("state=sleeping", None),
        ("kind=auth", None),
        ("", None),
    ];
    for (report, wanted) in rows {
        assert_eq!(shown(&[report]).as_deref(), wanted, "{report}");
    }
}

#[test]
fn a_report_replaces_its_record_whole() {
    let text = STANDARD.encode("approve Bash: ls");
    let asks = format!("state=blocked:app=claude-code:kind=permission:progress=40:msg={text}");
    let status = heard(&[&asks]).shown().expect("a record");
    assert_eq!(status.app.as_deref(), Some("claude-code"));
    assert_eq!(status.message.as_deref(), Some("approve Bash: ls"));
    assert_eq!(
        (status.kind, status.percent),
        (Some(Need::Permission), Some(40))
    );
    let status = heard(&[&asks, "state=working"]).shown().expect("a record");
    assert_eq!(
        (status.app, status.message, status.kind, status.percent),
        (None, None, None, None)
    );
    assert_eq!(shown(&[&asks, "state=clear"]), None);
}

#[test]
fn a_text_with_control_characters_or_beyond_the_limits_is_no_report() {
    for bad in [
        format!("state=done:msg={}", STANDARD.encode("a\x1b[2Jb")),
        format!("state=done:msg={}", STANDARD.encode("a\u{9b}b")),
        format!("state=done:msg={}", STANDARD.encode([0xff, 0xfe])),
        "state=done:msg=!!!!".to_owned(),
        format!("state=done:id={}", "a/".repeat(9)),
        format!("state=done:x={}", "y".repeat(5000)),
    ] {
        let kept = shown(&["state=working", &bad]);
        let is_skipped = bad.contains("!!!!");
        let wanted = if is_skipped { "done" } else { "working" };
        assert_eq!(kept.as_deref(), Some(wanted), "{bad}");
    }
}

#[test]
fn the_whole_program_counts_and_else_its_most_urgent_part() {
    let rows: [(&[&str], Option<&str>); 6] = [
        (&["state=blocked:id=a", "state=idle"], Some("idle")),
        (
            &["state=blocked:id=a", "state=working:id=b"],
            Some("needs_input"),
        ),
        (&["state=done:id=a", "state=idle:id=b"], Some("done")),
        (&["state=done:id=a/b", "state=clear:id=a"], None),
        (&["state=done:id=ab", "state=clear:id=a"], Some("done")),
        (&["state=done:id=a", "state=clear"], None),
    ];
    for (reports, wanted) in rows {
        assert_eq!(shown(reports).as_deref(), wanted, "{reports:?}");
    }
    let newest = heard(&["state=error:id=a:app=x", "state=error:id=b:app=y"]).shown();
    assert_eq!(newest.and_then(|status| status.part).as_deref(), Some("b"));
}

#[test]
fn a_prompt_ends_work_and_questions_and_nothing_else() {
    for (report, wanted) in [
        ("state=working", None),
        ("state=blocked:kind=auth", None),
        ("state=idle", Some("idle")),
        ("state=done", Some("done")),
        ("state=error", Some("failed")),
    ] {
        let mut statuses = heard(&[report]);
        assert_eq!(statuses.prompt_started(), wanted.is_none(), "{report}");
        let shown = statuses.shown().map(|status| status.to_string());
        assert_eq!(shown.as_deref(), wanted, "{report}");
    }
}

#[test]
fn a_question_is_told_apart_from_reports() {
    for (body, wanted) in [
        ("?", Heard::Question),
        ("state=idle", Heard::Change),
        ("state=clear", Heard::Nothing),
        ("nonsense", Heard::Nothing),
    ] {
        assert_eq!(Statuses::default().hear(body.as_bytes()), wanted, "{body}");
    }
}

#[test]
fn records_give_way_to_newer_ones() {
    let mut statuses = Statuses::default();
    let text = STANDARD.encode("x".repeat(2000));
    for part in 0..1000 {
        statuses.hear(format!("state=idle:id=p{part}:msg={text}").as_bytes());
        assert!(statuses.records.len() <= MAX_RECORDS && statuses.bytes <= MAX_BYTES);
    }
    assert!(
        statuses.records.len() >= 64,
        "as many as the protocol wants"
    );
    assert_eq!(
        statuses.records.last().map(|record| record.id.as_str()),
        Some("p999")
    );
}

fn report() -> impl Strategy<Value = Vec<u8>> {
    let pair = prop_oneof![
        "state=(idle|working|done|blocked|error|clear|x)",
        "id=[a-c](/[a-c]){0,2}",
        "kind=(permission|question|auth|x)",
        "app=[a-z]{1,4}",
        "progress=[0-9]{1,3}",
        any::<String>().prop_map(|text| format!("msg={}", STANDARD.encode(text))),
        "title=[A-Za-z0-9+/=]{0,12}",
        ".{0,8}",
    ];
    let pairs = proptest::collection::vec(pair, 0..6).prop_map(|pairs| pairs.join(":"));
    prop_oneof![
        8 => pairs.prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn whatever_is_reported_is_bounded_clean_and_comes_back_from_its_own_reports(
        reports in proptest::collection::vec(report(), 0..40),
    ) {
        let mut statuses = Statuses::default();
        for report in &reports {
            let before = statuses.shown();
            let heard = statuses.hear(report);
            if heard != Heard::Change {
                prop_assert_eq!(statuses.shown(), before);
            }
        }
        let bytes: usize = statuses.records.iter().map(Record::kept_bytes).sum();
        prop_assert_eq!(bytes, statuses.bytes);
        let mut ids: Vec<_> = statuses.records.iter().map(|record| &record.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), statuses.records.len());
        let shown = statuses.shown();
        prop_assert_eq!(shown.is_some(), !statuses.records.is_empty());
        if let Some(status) = &shown {
            let texts = [&status.message, &status.title, &status.app, &status.part];
            for text in texts.into_iter().flatten() {
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
        let mut copy = Statuses::default();
        for report in statuses.reports() {
            copy.hear(report.as_bytes());
        }
        prop_assert_eq!(copy.shown(), shown);
        prop_assert_eq!(copy.reports().collect::<Vec<_>>(), statuses.reports().collect::<Vec<_>>());
    }
}
