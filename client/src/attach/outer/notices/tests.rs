//! What the outer terminal is told, and how often.

use super::*;

fn notice(form: NoticeForm, title: &str, body: &str) -> Notice {
    Notice {
        form,
        title: title.to_owned(),
        body: body.to_owned(),
        from: "build".to_owned(),
    }
}

fn told(notices: &[Notice]) -> String {
    let mut out = Vec::new();
    Notices::new(true).notify(notices, Instant::now(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn notifications_keep_their_form_and_say_where_they_are_from() {
    let rows = [
        (NoticeForm::Osc9, "", "done", "\x1b]9;build: done\x07"),
        (
            NoticeForm::Osc777,
            "T",
            "a;b",
            "\x1b]777;notify;build: T;a;b\x07",
        ),
        (
            NoticeForm::Osc777,
            "",
            "text",
            "\x1b]777;notify;build;text\x07",
        ),
        (NoticeForm::Osc99, "T", "", "\x1b]99;;build: T\x1b\\"),
        (
            NoticeForm::Osc99,
            "T",
            "text",
            "\x1b]99;i=fugue-1:d=0;build: T\x1b\\\x1b]99;i=fugue-1:p=body;text\x1b\\",
        ),
    ];
    for (form, title, body, wanted) in rows {
        assert_eq!(told(&[notice(form, title, body)]), wanted);
    }
}

#[test]
fn no_order_is_in_a_notification_whatever_the_server_sends() {
    let hostile = "a\x07\x1b]52;c;eA==\x1b\\\u{9d}b\u{202e}";
    let mut from = notice(NoticeForm::Osc9, "", hostile);
    from.from = hostile.to_owned();
    let mut out = told(&[from, notice(NoticeForm::Osc99, hostile, hostile)]);
    for own in [
        "\x1b]9;",
        "\x07",
        "\x1b]99;i=fugue-2:d=0;",
        "\x1b]99;i=fugue-2:p=body;",
        "\x1b\\",
        "\x1b\\",
    ] {
        out = out.replacen(own, "", 1);
    }
    assert!(
        !out.chars().any(|c| c.is_control() || c == '\u{202e}'),
        "{out:?}"
    );
}

#[test]
fn a_flood_of_notifications_is_cut() {
    let mut notices = Notices::new(true);
    let (one, begun) = (notice(NoticeForm::Osc9, "", "x"), Instant::now());
    let mut count = |after: u64| {
        let (mut out, many) = (Vec::new(), vec![one.clone(); 100]);
        notices.notify(&many, begun + Duration::from_secs(after), &mut out);
        out.iter().filter(|byte| **byte == 0x07).count()
    };
    assert_eq!([count(0), count(9), count(10), count(11)], [5, 0, 5, 0]);
}

#[test]
fn progress_is_told_once_and_again_after_a_stop() {
    let mut notices = Notices::new(true);
    let mut told = |act: &dyn Fn(&mut Notices, &mut Vec<u8>)| {
        let mut out = Vec::new();
        act(&mut notices, &mut out);
        String::from_utf8(out).unwrap()
    };
    let value = Progress::Value { percent: 40 };
    assert_eq!(told(&|n, out| n.progress(Progress::None, out)), "");
    assert_eq!(told(&|n, out| n.progress(value, out)), "\x1b]9;4;1;40\x07");
    assert_eq!(told(&|n, out| n.progress(value, out)), "");
    assert_eq!(told(&|n, out| n.again(out)), "\x1b]9;4;1;40\x07");
    for (progress, wanted) in [
        (Progress::Error { percent: Some(9) }, "\x1b]9;4;2;9\x07"),
        (Progress::Indeterminate, "\x1b]9;4;3\x07"),
        (Progress::Paused { percent: None }, "\x1b]9;4;4\x07"),
        (Progress::None, "\x1b]9;4;0\x07"),
    ] {
        assert_eq!(told(&|n, out| n.progress(progress, out)), wanted);
    }
}

#[test]
fn nothing_is_told_where_nobody_wants_it() {
    let (mut notices, mut out) = (Notices::new(false), Vec::new());
    notices.notify(
        &[notice(NoticeForm::Osc9, "", "x")],
        Instant::now(),
        &mut out,
    );
    notices.progress(Progress::Indeterminate, &mut out);
    notices.again(&mut out);
    assert!(out.is_empty() && !notices.begins_progress(Some(Progress::Indeterminate)));
}

#[test]
fn the_first_progress_is_told_apart() {
    let mut notices = Notices::new(true);
    let some = Some(Progress::Indeterminate);
    let seen = [
        None,
        Some(Progress::None),
        some,
        some,
        Some(Progress::None),
        some,
    ];
    let begins = seen.map(|progress| notices.begins_progress(progress));
    assert_eq!(begins, [false, false, true, false, false, false]);
}
