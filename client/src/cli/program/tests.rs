//! What words after `--` mean.

use std::os::unix::ffi::OsStringExt;

use protocol::environment::is_inherited as passes;

use super::*;

fn meant(words: &[&str]) -> Program {
    program(words.iter().map(ToString::to_string).collect())
}

fn line(line: &str) -> Program {
    Program::ShellLine {
        line: line.to_owned(),
        shell: None,
    }
}

#[test]
fn one_word_with_shell_syntax_is_a_command_line() {
    for text in [
        "make && ./x",
        "a b",
        "ls|wc",
        "echo $HOME",
        "~/bin/x",
        "A=1",
        "a;b",
        "*.sh",
    ] {
        assert_eq!(meant(&[text]), line(text), "{text}");
    }
}

#[test]
fn a_plain_word_and_several_words_are_executed_as_they_are() {
    for words in [
        &["htop"][..],
        &["./run-1.sh"],
        &["/usr/bin/env"],
        &["sh", "-c", "a && b"],
        &["a b", "c"],
    ] {
        let argv = words.iter().map(ToString::to_string).collect();
        assert_eq!(meant(words), Program::Argv(argv));
    }
    assert_eq!(meant(&[]), Program::LoginShell);
}

#[test]
fn what_tells_of_this_terminal_stays_here() {
    for key in [
        "TERM",
        "TMUX",
        "COLUMNS",
        "FUGUE_PANE",
        "FUGUE_PANE_ID",
        "FUGUE",
        "FUGUE_TOKEN",
        "PWD",
    ] {
        assert!(!passes(key), "{key}");
    }
    for key in ["PATH", "HOME", "LANG", "EDITOR", "COLORTERM", "TERMINAL_X"] {
        assert!(passes(key), "{key}");
    }
}

#[test]
fn directories_become_absolute() {
    let here = std::env::current_dir().unwrap();
    assert_eq!(directory(None).unwrap(), here.to_str().unwrap());
    let given = directory(Some(Path::new("sub/dir"))).unwrap();
    assert_eq!(given, here.join("sub/dir").to_str().unwrap());
    assert_eq!(directory(Some(Path::new("/a/./b"))).unwrap(), "/a/b");
    assert!(directory(Some(Path::new(""))).is_err());
    let bytes = OsString::from_vec(b"/tmp/caf\xe9".to_vec());
    let given = directory(Some(Path::new(&bytes))).unwrap();
    assert_eq!(os_text::decoded(&given), bytes);
}
