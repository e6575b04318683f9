//! Exit statuses and the line on stderr.

use super::*;

#[test]
fn statuses_follow_the_code() {
    for (code, status) in [
        (ErrorCode::InvalidArgument, 2),
        (ErrorCode::NotFound, 3),
        (ErrorCode::NoSession, 3),
        (ErrorCode::PaneExited, 3),
        (ErrorCode::ServerUnreachable, 4),
        (ErrorCode::UnknownServer, 4),
        (ErrorCode::NameTaken, 1),
        (ErrorCode::Timeout, 1),
    ] {
        let error = anyhow::Error::new(Error::new(code, "what"));
        assert_eq!(told(&error, false).0, status, "{code}");
        assert_eq!(
            told(&error.context("when"), false).0,
            status,
            "{code} with context"
        );
    }
}

#[test]
fn a_failure_is_one_line() {
    let error = Error::new(ErrorCode::NotFound, "no pane is called\n x")
        .hint("see `fugue panes -a`")
        .candidates(["a".to_owned(), "b".to_owned()]);
    let (_, line) = told(&error.into(), false);
    assert_eq!(
        line.as_deref(),
        Some("fugue: no pane is called x. There are: a, b.")
    );
}

#[test]
fn a_failure_in_json_keeps_its_code() {
    let error = Error::new(ErrorCode::NotFound, "none").hint("look");
    let (status, line) = told(&error.into(), true);
    assert_eq!(status, 3);
    let value: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert_eq!(value["error"]["code"], "not_found");
    assert_eq!(value["error"]["hint"], "look");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let error = io::Error::from(io::ErrorKind::BrokenPipe);
    assert_eq!(told(&error.into(), false), (0, None));
}

#[test]
fn a_usage_error_is_one_line_too() {
    for (message, line) in [
        (
            "error: the following required arguments were not provided:\n  <CMD>...\n\nUsage: fugue run <CMD>...\n\nFor more information, try '--help'.\n",
            "the following required arguments were not provided: <CMD>...; usage: fugue run <CMD>...",
        ),
        (
            "error: unrecognized subcommand 'lss'\n\n  tip: a similar subcommand exists: 'ls'\n\nUsage: fugue [OPTIONS] [COMMAND]\n\nFor more information, try '--help'.\n",
            "unrecognized subcommand 'lss'; tip: a similar subcommand exists: 'ls'; usage: fugue [OPTIONS] [COMMAND]",
        ),
    ] {
        assert_eq!(usage_line(message, &[]), line);
    }
}

#[test]
fn a_long_word_is_cut_wherever_a_usage_error_repeats_it() {
    let word = format!("--x{}", "y z\n".repeat(25_000));
    let command = clap::Command::new("fugue")
        .arg(clap::Arg::new("number").value_parser(clap::value_parser!(u8)))
        .subcommand(clap::Command::new("ls"));
    for words in [["fugue", &word[..]], ["fugue", &word[3..]]] {
        let error = command.clone().try_get_matches_from(words).unwrap_err();
        let line = usage_line(&error.to_string(), &words_of(&error));
        assert!(line.len() < 1_000, "{} bytes", line.len());
        assert!(line.contains("y z\\ny z"), "{line}");
    }
}

#[test]
fn help_is_coloured_as_the_words_say() {
    let of = |words: &[&str]| color_of(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(of(&["fugue", "ls", "--help"]), ColorChoice::Auto);
    assert_eq!(
        of(&["fugue", "--color", "never", "--help"]),
        ColorChoice::Never
    );
    assert_eq!(
        of(&["fugue", "--help", "--color=always"]),
        ColorChoice::Always
    );
    assert_eq!(of(&["fugue", "--help", "--color"]), ColorChoice::Auto);
}
