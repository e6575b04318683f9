//! What the three forms of notifications say, and progress.

use proptest::prelude::*;

use super::*;

fn said(form: NoticeForm, title: &str, body: &str) -> Told {
    Told::Notice(Notice {
        form,
        title: title.to_owned(),
        body: body.to_owned(),
        from: String::new(),
    })
}

fn parts(text: &str) -> Vec<&[u8]> {
    text.split(';').map(str::as_bytes).collect()
}

#[test]
fn osc_9_is_a_text_a_progress_or_a_command() {
    let rows = [
        ("done now", said(NoticeForm::Osc9, "", "done now")),
        ("a;b;c", said(NoticeForm::Osc9, "", "a;b;c")),
        ("a\x1b[2J\u{9b}b", said(NoticeForm::Osc9, "", "a[2Jb")),
        ("42 tests", said(NoticeForm::Osc9, "", "42 tests")),
        ("", Told::Nothing),
        ("  ", Told::Nothing),
        ("4;0", Told::Progress(Progress::None)),
        ("4;0;50", Told::Progress(Progress::None)),
        ("4;1;40", Told::Progress(Progress::Value { percent: 40 })),
        ("4;1;200", Told::Progress(Progress::Value { percent: 100 })),
        ("4;1", Told::Progress(Progress::Value { percent: 0 })),
        ("4;1;x", Told::Progress(Progress::Value { percent: 0 })),
        (
            "4;2;7",
            Told::Progress(Progress::Error { percent: Some(7) }),
        ),
        ("4;2", Told::Progress(Progress::Error { percent: None })),
        ("4;3", Told::Progress(Progress::Indeterminate)),
        (
            "4;4;9",
            Told::Progress(Progress::Paused { percent: Some(9) }),
        ),
        ("4;5", Told::Nothing),
        ("4", Told::Nothing),
        ("1;500", Told::Nothing),
        ("12", Told::Nothing),
    ];
    for (text, wanted) in rows {
        assert_eq!(osc9(&parts(text)), wanted, "{text:?}");
    }
}

#[test]
fn osc_777_has_a_title_and_a_text() {
    assert_eq!(osc777(b"T", b"a;b"), said(NoticeForm::Osc777, "T", "a;b"));
    assert_eq!(osc777(b"T", b""), said(NoticeForm::Osc777, "T", ""));
    assert_eq!(osc777(b"", b""), Told::Nothing);
}

#[test]
fn osc_99_is_read_in_parts() {
    type Row = (&'static [(&'static str, &'static str)], Told);
    let rows: [Row; 9] = [
        (&[("", "done 99")], said(NoticeForm::Osc99, "done 99", "")),
        (
            &[("i=1:d=0", "Hello"), ("i=1:p=body", "World")],
            said(NoticeForm::Osc99, "Hello", "World"),
        ),
        (
            &[("i=1:d=0", "He"), ("i=1:d=0", "llo"), ("i=1:d=1", "!")],
            said(NoticeForm::Osc99, "Hello!", ""),
        ),
        (
            &[("i=1:d=0", "lost"), ("i=2", "kept")],
            said(NoticeForm::Osc99, "kept", ""),
        ),
        (&[("e=1", "ZG9uZQ==")], said(NoticeForm::Osc99, "done", "")),
        (&[("e=1", "ZG9uZQ")], said(NoticeForm::Osc99, "done", "")),
        (&[("e=1", "%%%")], Told::Nothing),
        (&[("i=1:p=close", "")], Told::Nothing),
        (&[("i=a b;:p=?", "")], Told::Question("ab".to_owned())),
    ];
    for (strings, wanted) in rows {
        let (mut draft, mut last) = (None, Told::Nothing);
        for (about, payload) in strings {
            (last, draft) = osc99(draft, about.as_bytes(), payload.as_bytes());
        }
        assert_eq!(last, wanted, "{strings:?}");
        assert_eq!(draft, None, "{strings:?}");
    }
}

#[test]
fn a_question_between_two_parts_loses_none() {
    let (_, draft) = osc99(None, b"i=1:d=0", b"one");
    let (_, draft) = osc99(draft, b"i=q:p=?", b"");
    let (told, _) = osc99(draft, b"i=1", b" two");
    assert_eq!(told, said(NoticeForm::Osc99, "one two", ""));
}

proptest! {
    #[test]
    fn whatever_is_written_is_bounded_and_clean(
        strings in proptest::collection::vec(
            ("(i=[a-z]:|d=0:|p=body:|p=title:|e=1:){0,4}.{0,4}", proptest::collection::vec(any::<u8>(), 0..1500)),
            0..8,
        ),
    ) {
        let mut draft = None;
        let is_good = |text: &str| text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
        for (about, payload) in &strings {
            let told;
            (told, draft) = osc99(draft, about.as_bytes(), payload);
            for told in [told, osc9(&[payload]), osc777(payload, about.as_bytes())] {
                if let Told::Notice(notice) = told {
                    prop_assert!(is_good(&notice.title) && is_good(&notice.body));
                    prop_assert_eq!(bounded(notice.clone()), notice);
                }
            }
            if let Some(draft) = &draft {
                prop_assert!(is_good(&draft.title) && is_good(&draft.body));
                prop_assert_eq!(draft.clone().checked(), Some(draft.clone()));
            }
        }
    }
}
