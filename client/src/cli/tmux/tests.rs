//! Tests of `tmux`.

use clap::Parser;

use super::*;

fn of(line: &str) -> Option<Translated> {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    translated(&words)
}

#[test]
fn words_that_mean_one_thing_become_ours() {
    for (theirs, ours) in [
        ("new-session", "new"),
        (
            "new-session -d -s work -n main -c /tmp -x 100 -y 30 make -j2",
            "new --name work --window-name main --cwd /tmp --size 100x30 --detached -- make -j2",
        ),
        ("new -s work", "new --name work"),
        ("attach-session -t work -r", "attach work --read-only"),
        ("attach -t work", "attach work"),
        ("a -t work:", "attach work"),
        ("list-sessions", "ls"),
        ("list-windows -t work", "windows work"),
        ("lsp -a", "panes --all"),
        (
            "new-window -t work -n logs -d tail -f x",
            "window work -n logs -d -- tail -f x",
        ),
        ("split-window", "split --down"),
        (
            "split-window -h -t work.0 -d",
            "split work.0 --detached --right",
        ),
        ("splitw -v top", "split --down -- top"),
        ("kill-session -t work", "kill work"),
        ("kill-pane -t %3", "close %3"),
        ("kill-server", "stop"),
        ("select-pane -t work.1", "focus work.1"),
        ("select-window -t work/2", "select work/2"),
        ("rename-session -t work play", "rename session work play"),
        (
            "send-keys -t work make Enter",
            "send work --key=Enter -- make",
        ),
        ("send-keys -t work C-c", "send work --key=C-c"),
        ("send-keys -t work -l Enter", "send work -- Enter"),
        ("capture-pane -p -t work", "read work"),
        (
            "capture-pane -p -e -S - -t work",
            "read work --scrollback --ansi",
        ),
    ] {
        let line = of(theirs).unwrap().unwrap();
        let expected: Vec<_> = ours.split_whitespace().collect();
        assert_eq!(line, expected, "{theirs}");
        let parsed = crate::cli::Cli::try_parse_from(std::iter::once("fugue").chain(expected));
        assert!(parsed.is_ok(), "{ours}: {}", parsed.unwrap_err());
    }
}

#[test]
fn for_the_others_ours_are_named() {
    for (theirs, said) in [
        ("detach", "C-b d"),
        ("kill-window -t x", "fugue close"),
        ("has-session -t x", "fugue windows"),
        ("bind-key x y", "fugue config path"),
        ("kill-session", "-t TARGET"),
        ("kill-session -a -t x", "`fugue kill NAME…`"),
        ("new -A -s x", "`fugue attach NAME`"),
        ("new-session -As x", "`fugue new -n NAME`"),
        ("swap-pane -t x", "no command that moves them yet"),
        ("break-pane", "no command that moves it yet"),
        ("next-window", "fugue select SESSION/WINDOW"),
        ("switch-client -t x", "fugue attach SESSION"),
        ("kill-pane -t a:1.2", "write a/1.2"),
        ("new-session -Z", "-Z is not understood"),
        ("new-session -s", "-s wants a value"),
        ("new-session -x 3", "both -x and -y"),
        ("send-keys -t x Enter make", "two commands"),
        ("capture-pane -S -100 -t x", "fugue read x -n LINES"),
    ] {
        let error = of(theirs).unwrap().unwrap_err();
        assert!(error.contains(said), "{theirs}: {error}");
    }
}

#[test]
fn our_own_words_are_left_alone() {
    for ours in [
        "",
        "ls",
        "new",
        "new -n x",
        "new -nA",
        "new -d -- ls -A",
        "attach x",
        "a",
        "send x text",
        "run a b",
        "windows",
    ] {
        assert!(of(ours).is_none(), "{ours}");
    }
}
