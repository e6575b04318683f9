//! The clap definition as a whole, and how words become commands.

use super::*;

fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("fugue").chain(words.iter().copied()))
}

#[test]
fn the_definition_is_consistent() {
    command().debug_assert();
}

/// Commands as the manual shows them.
const COMMANDS: [&str; 84] = [
    "",
    "status",
    "servers",
    "servers list --json",
    "servers add lab ssh://dev@lab:2222 --command x --list-color cyan --default",
    "servers remove lab",
    "servers rename lab cave",
    "servers test lab",
    "proxy",
    "stop --keep-panes",
    "tree s --watch",
    "logs -f -n 10",
    "whoami --json",
    "clients --json",
    "new -n a -c /tmp -d --env K=V --tag t --size 80x24 --remain --restart transient -- ls -l",
    "ls --json",
    "ls -a",
    "ls --watch",
    "tree -a",
    "windows s",
    "panes -a",
    "panes --all",
    "attach s -r",
    "ps s --sort memory",
    "signal p HUP",
    "signal p 15 --all",
    "top --interval 1s",
    "split p --down --ratio 0.3 -- ls",
    "window s -n w -- ls",
    "rename session a b",
    "rename window a b",
    "rename pane a b",
    "kill s",
    "kill --all --yes",
    "close p q %3 --force",
    "kill a b",
    "focus build/logs.1",
    "select @7",
    "resize p --size 80x24",
    "resize p --cols 80",
    "resize p --ratio 0.3",
    "mirror p --to build/logs --down -n m",
    "mirror p --new-window",
    "layout show",
    "layout show build/0 --json",
    "layout create",
    "layout create build file -n w -d",
    "doctor --json",
    "tail a b -n 5",
    "read p -f -n 20",
    "config show",
    "version",
    "a s",
    "at s",
    "restart p q",
    "restart p --force",
    "retry p",
    "retry --all",
    "send p text --key C-c --key Up --enter",
    "send p --enter",
    "read p --lines 5 --since c --ansi --scrollback",
    "expect p re --timeout 30s --since c --until exit --idle 500ms",
    "expect p --until idle",
    "wait p --timeout 2m",
    "run --parallel 4 --session s --keep --timeout 1m --lines 3 a b",
    "run --pipeline --tiled -f file",
    "orchestrations",
    "orchestrations list",
    "orchestrations show",
    "orchestrations show 3",
    "orchestrations cancel 3",
    "orchestrations wait far:3 --timeout 1m",
    "last --json",
    "env s K=V --unset X",
    "meta s K=V",
    "tag s t --remove u",
    "mcp --tools core",
    "completions bash",
    "man dir",
    "ls --wide",
    "ls --color never",
    "--color always panes -w",
    "-s far ls",
    "ls -s far",
];

#[test]
fn every_command_of_the_manual_parses() {
    for words in COMMANDS {
        let words: Vec<_> = words.split_whitespace().collect();
        assert!(
            parsed(&words).is_ok(),
            "{words:?}: {}",
            parsed(&words).unwrap_err()
        );
    }
}

#[test]
fn contradictions_and_omissions_are_usage_errors() {
    for words in [
        "kill",
        "kill s --all",
        "send p",
        "expect p",
        "run",
        "run --parallel 0 a",
        "run --parallel 2 --pipeline a",
        "run --keep --close a",
        "split p --right --down",
        "split p --ratio 1.5",
        "panes s -a",
        "panes s --all",
        "orchestrations cancel",
        "orchestrations wait",
        "run --parallel make",
        "new --size 80",
        "ls --color often",
        "new --restart often",
        "new -n a:b",
        "rename a b",
        "frobnicate",
    ] {
        let words: Vec<_> = words.split_whitespace().collect();
        let error = parsed(&words).expect_err(&format!("{words:?}"));
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}

#[test]
fn text_may_begin_with_a_hyphen() {
    let Some(Command::Send(_)) = parsed(&["send", "p", "-la"]).unwrap().command else {
        panic!("not a send");
    };
    assert!(parsed(&["expect", "p", "-+>"]).is_ok());
}

#[test]
fn manual_pages_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(command(), dir.path()).unwrap();
    for sub in command().get_subcommands() {
        let name = sub.get_name();
        assert!(
            dir.path().join(format!("fugue-{name}.1")).is_file(),
            "{name}"
        );
        assert!(sub.get_about().is_some(), "{name} has no description");
    }
}
