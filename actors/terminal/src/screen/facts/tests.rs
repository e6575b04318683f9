//! What a screen knows of its program, from bytes to updates and checkpoints.

use protocol::reply::{Need, NoticeForm, ProgramState, Progress};

use crate::screen::tests::support::screen;
use crate::screen::{Extent, Screen};

fn value(screen: &Screen) -> Option<ProgramState> {
    screen.program_status().map(|status| status.value)
}

fn restored(screen: &mut Screen) -> Screen {
    Screen::restore(&screen.checkpoint(Extent::Full)).expect("its own checkpoint")
}

/// The states that a recording shows one after the other.
fn states(recording: &[u8]) -> Vec<String> {
    let mut screen = screen("");
    let mut states: Vec<String> = Vec::new();
    for byte in recording {
        screen.advance(std::slice::from_ref(byte));
        let state = screen.program_status().map(|status| {
            let message = status.message.as_deref().unwrap_or_default();
            format!("{status} {message}").trim().to_owned()
        });
        if state.as_ref() != states.last() {
            states.extend(state);
        }
    }
    states
}

#[test]
fn recorded_agents_are_understood() {
    macro_rules! recording {
        ($name:literal) => {
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../tests/fixtures/agents/",
                $name,
                ".bin"
            ))
        };
    }
    let rows: [(&[u8], &[&str]); 6] = [
        (recording!("claude-2.1.332-osc7501-start-idle"), &["idle"]),
        (
            recording!("claude-2.1.332-osc7501-permission"),
            &[
                "working",
                "needs_input(permission) approve Bash: echo tool-ran > /home/you1/work/tool.out",
                "working",
                "done",
            ],
        ),
        (
            recording!("claude-2.1.332-osc7501-error401"),
            &[
                "working",
                "needs_input(login) Please run /login · API Error: 401 stub 401",
            ],
        ),
        (
            recording!("claude-2.1.332-osc7501-error429"),
            &[
                "working",
                "failed API Error: Request rejected (429) · stub 429",
            ],
        ),
        (
            recording!("claude-2.1.332-osc7501-interrupted"),
            &["working", "idle"],
        ),
        (
            recording!("codex-0.171.0-error429"),
            &["idle", "working", "failed"],
        ),
    ];
    for (recording, wanted) in rows {
        assert_eq!(states(recording), wanted);
    }
}

#[test]
fn the_question_is_answered_with_either_end() {
    for end in ["\x07", "\x1b\\"] {
        let mut screen = screen(&format!("\x1b]7501;?{end}"));
        assert_eq!(
            screen.take_replies().as_deref(),
            Some(&b"\x1b]7501;?\x1b\\"[..])
        );
    }
    let mut screen = screen("\x1b]99;i=x:p=?\x1b\\\x1b]99;p=?;\x07");
    assert_eq!(
        screen.take_replies().as_deref(),
        Some(&b"\x1b]99;i=x:p=?;p=title,body\x1b\\\x1b]99;p=?;p=title,body\x1b\\"[..])
    );
}

#[test]
fn a_state_lasts_until_it_is_over() {
    let works = "\x1b]7501;state=working\x07";
    for (after, wanted) in [
        ("text\x1b[2J\x1b[!p\x1b[?1049h", Some(ProgramState::Working)),
        (
            "\x1b]133;B\x07\x1b]133;C\x07\x1b]133;D;0\x07",
            Some(ProgramState::Working),
        ),
        ("\x1b]133;A\x07", None),
        ("\x1b]133;A;aid=1\x1b\\", None),
        ("\x1bc", None),
    ] {
        let screen = screen(&format!("{works}{after}"));
        assert_eq!(value(&screen), wanted, "{after:?}");
    }
    for state in ["done", "error"] {
        let screen = screen(&format!("\x1b]7501;state={state}\x07\x1b]133;A\x07"));
        assert!(value(&screen).is_some(), "{state} is told until it is seen");
    }
    let told = format!("{works}\x1b]9;4;3\x07\x1b]9;note\x07");
    let mut ended = screen(&told);
    ended.program_ended();
    assert_eq!((value(&ended), ended.progress()), (None, Progress::None));
    assert_eq!(
        ended.notice().map(|notice| notice.body.as_str()),
        Some("note")
    );
    let mut next = screen(&told);
    next.begin_life();
    assert_eq!((value(&next), next.progress()), (None, Progress::None));
    assert_eq!(next.notice(), None);
}

#[test]
fn what_is_told_is_news_once() {
    let mut screen = screen("");
    let mut news = |bytes: &str| {
        screen.advance(bytes.as_bytes());
        let events = screen.take_events();
        (events.told, events.noticed)
    };
    let rows = [
        ("\x1b]7501;state=working\x07", (true, false)),
        ("\x1b]7501;state=working\x07", (false, false)),
        ("\x1b]9;4;1;5\x07", (true, false)),
        ("\x1b]9;4;1;5\x07", (false, false)),
        ("\x1b]9;a\x07", (true, true)),
        ("\x1b]9;a\x07", (true, true)),
        ("\x1b]9;\x07text", (false, false)),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(news(bytes), wanted, "{bytes:?}");
    }
}

#[test]
fn viewers_get_each_notification_once_and_none_from_before() {
    let mut screen = screen("\x1b]9;before\x07\x1b]9;4;1;40\x07");
    let first = screen.update_since(0);
    assert!(first.notices.is_empty());
    assert_eq!(first.progress, Some(Progress::Value { percent: 40 }));
    let seen = first.generation;
    screen.advance(b"\x1b]777;notify;T;one\x07");
    screen.resize(protocol::Size::new(6, 20));
    screen.advance(b"\x1b]99;;two\x1b\\");
    let next = screen.update_since(seen);
    let bodies: Vec<_> = next
        .notices
        .iter()
        .map(|n| (n.form, n.title.as_str()))
        .collect();
    assert_eq!(
        bodies,
        [(NoticeForm::Osc777, "T"), (NoticeForm::Osc99, "two")]
    );
    let last = screen.update_since(next.generation);
    assert!(last.notices.is_empty() && last.progress.is_none());
    let flood = "\x1b]9;x\x07".repeat(1000);
    screen.advance(flood.as_bytes());
    assert_eq!(screen.update_since(next.generation).notices.len(), 8);
}

#[test]
fn a_checkpoint_has_what_the_program_told() {
    let told = "\x1b]7501;state=done:id=a\x07\x1b]7501;state=blocked:kind=auth:app=x\x07\x1b]9;4;2;7\x07\
                \x1b]777;notify;T\u{e4};b\"\\\x07\x1b]99;i=1:d=0;beg\x1b\\\x1b(0\x1b]0;unfin";
    let mut screen = screen(told);
    let mut copy = restored(&mut screen);
    assert_eq!(copy.program_status(), screen.program_status());
    assert_eq!(
        copy.program_status().and_then(|s| s.kind),
        Some(Need::Login)
    );
    assert_eq!(copy.progress(), Progress::Error { percent: Some(7) });
    assert_eq!(copy.notice(), screen.notice());
    assert_eq!(copy.take_events(), crate::screen::ScreenEvents::default());
    assert_eq!(copy.state(), screen.state());
    for screen in [&mut screen, &mut copy] {
        screen.advance(b"ished\x07\x1b]99;i=1;un\x1b\\\x1b]7501;state=clear:id=a\x07");
    }
    assert_eq!(copy.title(), "unfinished");
    assert_eq!(
        copy.notice().map(|notice| notice.title.as_str()),
        Some("begun")
    );
    assert_eq!(copy.state(), screen.state());
}

#[test]
fn records_without_end_take_no_more_than_their_room() {
    let mut screen = screen("");
    let text = "QUJD".repeat(650);
    for part in 0..400 {
        screen.advance(
            format!("\x1b]7501;state=idle:id=p{part}:msg={text}\x07\x1b]9;{text}\x07").as_bytes(),
        );
    }
    assert!(screen.kept_bytes() <= Screen::max_kept_bytes(screen.size(), 100));
    let copy = restored(&mut screen);
    assert_eq!(copy.program_status(), screen.program_status(), "the newest");
}
