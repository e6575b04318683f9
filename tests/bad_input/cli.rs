//! The command line's answer to bad words: one line on stderr, the right exit status.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use serde_json::Value;

use super::{peopled, world};
use crate::support::daemon::{Daemon, fugue_exe};
use crate::support::run_within;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

const ROWS: &[(&[&str], i32)] = &[
    (&["read", "nope"], 3),
    (&["read", NOBODY], 3),
    (&["kill", "nope"], 3),
    (&["kill", NOBODY], 3),
    (&["kill"], 2),
    (&["close"], 2),
    (&["close", "nope"], 3),
    (&["close", "twin"], 1),
    (&["panes", "nope"], 3),
    (&["windows", "nope"], 3),
    (&["wait", "nope"], 3),
    (&["send", "nope", "x"], 3),
    (&["send", "one"], 2),
    (&["send", "one", "--key", "Nope"], 2),
    (&["expect", "nope", "x"], 3),
    (&["expect", "one", "("], 2),
    (&["expect", "one"], 2),
    (&["expect", "one", "x", "--timeout", "2h"], 2),
    (&["expect", "one", "x", "--timeout", "soon"], 2),
    (&["expect", "one", "x", "--timeout=-5"], 2),
    (&["expect", "one", "x", "--since", "xx"], 2),
    (&["expect", "one", "--until", "never"], 2),
    (&["read", "one", "--since", "xx"], 2),
    (&["read", "one", "--lines=-1"], 2),
    (&["read", "one", "--lines", "99999999999"], 2),
    (&["read", ":one"], 2),
    (&["read", "one:"], 2),
    (&["read", "UPPER:one"], 2),
    (&["read", "elsewhere:one"], 4),
    (&["-s", "elsewhere", "ls"], 4),
    (&["-s", "a b", "status"], 2),
    (&["new", "-d", "-n", "a:b"], 2),
    (&["new", "-d", "-n", ""], 2),
    (&["new", "-d", "-n", "one"], 1),
    (&["new", "-d", "--size", "0x0"], 2),
    (&["new", "-d", "--size", "65535x65535"], 2),
    (&["new", "-d", "--size", "x"], 2),
    (&["new", "-d", "-c", "/no/such/dir"], 2),
    (&["new", "-d", "--env", "novalue"], 2),
    (&["new", "-d", "--restart", "sometimes"], 2),
    (&["new", "-d", "--", "no-such-program"], 1),
    (&["new", "-d", "--", ""], 2),
    (&["split", "nope"], 3),
    (&["split", "one", "--ratio", "0"], 2),
    (&["split", "one", "--ratio", "1"], 2),
    (&["split", "one", "--ratio", "NaN"], 2),
    (&["split", "one", "--right", "--down"], 2),
    (&["split", "tiny", "--", "sleep", "600"], 1),
    (&["window", "nope"], 3),
    (&["rename", "session", "two", "one"], 1),
    (&["rename", "session", "nope", "new"], 3),
    (&["rename", "session", "one", "a/b"], 2),
    (&["rename", "pane", "twin", "new"], 1),
    (&["rename", "window", "nope", "new"], 3),
    (&["run", ""], 2),
    (&["run"], 2),
    (&["run", "--pipeline", "true", " "], 2),
    (&["run", "-c", "/no/such/dir", "true"], 2),
    (&["run", "--parallel", "0", "true"], 2),
    (&["frobnicate"], 2),
    (&["read", "one", "--frobnicate"], 2),
];

#[test]
fn bad_words_are_one_line_and_the_right_status() {
    run_within(std::time::Duration::from_secs(180), async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let mut wrong = Vec::new();
        let long = "n".repeat(100_000);
        let option = format!("--{long}");
        let long: [&[&str]; 6] = [
            &["new", "-d", "-n", &long],
            &["new", "-d", "--size", &long],
            &["new", "-d", "--restart", &long],
            &["read", "one", &option],
            &["read", "one", "--lines", &long],
            &[&long],
        ];
        let long = long.into_iter().map(|words| (words, 2));
        for (words, code) in ROWS.iter().copied().chain(long) {
            let shown: String = words.join(" ").chars().take(80).collect();
            let ran = daemon.fugue(words);
            if ran.code != code || !ran.out.is_empty() {
                wrong.push(format!(
                    "fugue {shown}: {} instead of {code}: {}{}",
                    ran.code, ran.out, ran.err
                ));
            } else if ran.err.lines().count() != 1 || !ran.err.starts_with("fugue: ") {
                wrong.push(format!("fugue {shown}: not one line: {}", ran.err));
            } else if ran.err.len() > 2_000 {
                wrong.push(format!("fugue {shown}: {} bytes", ran.err.len()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(world(&daemon, &client).await, before);
    });
}

#[test]
fn words_that_are_not_utf8_and_errors_as_json() {
    run_within(std::time::Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let broken = OsStr::from_bytes(b"a\xff\xfeb");
        let rows: [&[&OsStr]; 5] = [
            &[OsStr::new("read"), broken],
            &[
                OsStr::new("new"),
                OsStr::new("-d"),
                OsStr::new("-n"),
                broken,
            ],
            &[
                OsStr::new("new"),
                OsStr::new("-d"),
                OsStr::new("-c"),
                broken,
            ],
            &[OsStr::new("send"), OsStr::new("one"), broken],
            &[broken],
        ];
        for words in rows {
            let ran = daemon
                .command(fugue_exe())
                .args(words)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(
                ran.status.code(),
                Some(2),
                "{words:?}: {}",
                String::from_utf8_lossy(&ran.stderr)
            );
            assert!(ran.stdout.is_empty());
        }
        for (words, code, name) in [
            (["--json", "read", "nope"], 3, "not_found"),
            (["--json", "kill", "a.b"], 2, "invalid_argument"),
            (["--json", "close", "twin"], 1, "ambiguous_name"),
            (["--json", "read", "elsewhere:x"], 4, "unknown_server"),
            (["--json", "read", "--frobnicate"], 2, "invalid_argument"),
        ] {
            let ran = daemon.fugue(&words);
            assert_eq!(ran.code, code, "{words:?}: {}", ran.err);
            let told: Value = serde_json::from_str(&ran.err).unwrap();
            assert_eq!(told["error"]["code"], name, "{told}");
        }
        assert_eq!(world(&daemon, &client).await, before);
    });
}
