//! The commands of the README, run as they stand there.

use std::path::Path;

use crate::support::cli::Ran;
use crate::support::daemon::{Daemon, fugue_exe, with_daemon};

/// The lines of the first block of commands below a heading, without their comments.
fn commands(heading: &str) -> Vec<String> {
    let page = include_str!("../README.md");
    let below = page.split_once(heading).expect("the heading").1;
    let block = below
        .split_once("```sh\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let lines = block.expect("a block of commands").0.lines();
    let bare = |line: &str| {
        line.split("  # ")
            .next()
            .unwrap_or_default()
            .split("   # ")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    lines.map(bare).collect()
}

/// Runs a line of a shell with the programs of this build on its PATH.
fn line(daemon: &Daemon, line: &str) -> Ran {
    let programs = Path::new(fugue_exe()).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = daemon.command("bash");
    command
        .args(["-c", line])
        .env("PATH", path)
        // Shells are not to do what this account's own files say.
        .env("HOME", daemon.dir.path())
        .current_dir(daemon.dir.path());
    let ran = command.stdin(std::process::Stdio::null()).output().unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&ran.stdout).into_owned(),
        err: String::from_utf8_lossy(&ran.stderr).into_owned(),
    }
}

#[test]
fn the_commands_about_sessions_do_what_they_say() {
    with_daemon(async |daemon, client| {
        for command in commands("## Sessions") {
            // The same with less patience.
            let shorter = command
                .replace("10s", "1s")
                .replace("timeout 5", "timeout 2");
            let ran = line(&daemon, &shorter);
            let said = format!("{shorter}: {ran:?}");
            match command.split_whitespace().nth(1).unwrap() {
                "attach" => assert!(ran.code != 0 && ran.err.contains("terminal"), "{said}"),
                // It still runs then.
                "wait" => assert_eq!(ran.code, 124, "{said}"),
                "5" => {
                    assert_eq!(ran.code, 124, "{said}");
                    assert!(
                        ran.out.contains("build   | ") && ran.out.contains("build.1 | "),
                        "{said}"
                    );
                }
                _ => assert_eq!(ran.code, 0, "{said}"),
            }
        }
        assert!(client.sessions().await.is_empty());
    });
}

#[test]
fn the_commands_side_by_side_and_one_after_another_tell_their_ends() {
    with_daemon(async |daemon, _client| {
        let all = commands("## Commands side by side");
        let ran = line(&daemon, "fugue run --parallel 4 'true' 'true' 'exit 3'");
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(all[0].starts_with("fugue run --parallel 4 ") && all[0].ends_with("'exit 3'"));
        let pipeline = all[1]
            .replace("/srv/app", "/tmp")
            .replace("./configure", "test \"$MODE\" = ci")
            .replace("'make'", "'test $PWD = /tmp'");
        let ran = line(&daemon, &pipeline);
        assert_eq!(ran.code, 0, "{pipeline}: {ran:?}");
    });
}
