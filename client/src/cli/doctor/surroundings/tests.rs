//! Terminals, locales and shells that are in order, and that are not.

use super::super::Verdict;
use super::*;

#[test]
fn a_terminal_says_what_it_is() {
    for (terminal, name, verdict) in [
        (true, Some("xterm-256color"), Verdict::Ok),
        (true, None, Verdict::Warning),
        (true, Some("dumb"), Verdict::Warning),
        (false, None, Verdict::Ok),
    ] {
        assert_eq!(term(terminal, name, None).verdict, verdict, "{name:?}");
    }
    assert_eq!(
        term(true, Some("xterm"), Some((80, 24))).message,
        "xterm, 80x24"
    );
}

#[test]
fn text_is_utf8_or_it_is_said() {
    let lang = |value: &str| Some(("LANG", value.to_owned()));
    for (chosen, is_utf8, verdict) in [
        (lang("C.UTF-8"), Some(true), Verdict::Ok),
        (lang("de_DE.utf8"), None, Verdict::Ok),
        (lang("de_DE.UTF-8"), Some(false), Verdict::Warning),
        (lang("C"), Some(true), Verdict::Warning),
        (None, Some(true), Verdict::Warning),
    ] {
        assert_eq!(
            locale(chosen.clone(), is_utf8).verdict,
            verdict,
            "{chosen:?}"
        );
    }
}

#[test]
fn a_shell_can_be_executed() {
    for (given, verdict) in [
        (Some("/bin/sh"), Verdict::Ok),
        (None, Verdict::Ok),
        (Some("bash"), Verdict::Warning),
        (Some("/nowhere/sh"), Verdict::Warning),
    ] {
        assert_eq!(shell(given).verdict, verdict, "{given:?}");
    }
}
