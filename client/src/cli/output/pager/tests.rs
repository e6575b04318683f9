//! The choice of a pager, and the fates of text in it.

use super::*;

#[test]
fn the_environment_chooses_the_pager() {
    assert_eq!(Pager::of(None), Pager::Less);
    assert_eq!(Pager::of(Some(String::new())), Pager::None);
    assert_eq!(Pager::of(Some("cat".into())), Pager::None);
    assert_eq!(
        Pager::of(Some("more -s".into())),
        Pager::Line("more -s".into())
    );
}

#[test]
fn text_is_long_when_it_fills_the_screen() {
    let size = Size::new(4, 10);
    assert!(!is_long("a\nb\nc\n", size));
    assert!(is_long("a\nb\nc\nd\n", size));
    assert!(is_long("a long line that takes three rows\n", size));
    assert!(!is_long("", size));
}

#[test]
fn a_pager_may_end_early_or_be_missing() {
    let run = |line: &str| {
        let mut command = Pager::of(Some(line.to_owned())).command().unwrap();
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.stdin(Stdio::piped()).spawn().unwrap()
    };
    let text = "line\n".repeat(100_000);
    assert!(paged(run("head -n 1"), &text));
    assert!(paged(run("cat >/dev/null; exit 3"), &text));
    assert!(!paged(run("no-such-pager-at-all"), "text\n"));
}
