//! The house style where a program can check it: file sizes, first lines, words and who may use what.

mod cases;
mod first_lines;
mod steps;
mod surfaces;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Lines above which a file is refused.
const LINES_MAX: usize = 600;

/// Lines above which a file is listed.
const LINES_AIM: usize = 350;

/// Pure by name: these files and what stands in a folder of their name decide and do nothing.
const PURE: [&str; 5] = ["layout", "intensity", "strategy", "codec", "plan"];

/// Pure as a whole, although what they depend on is not.
const PURE_CRATES: [&str; 2] = ["actors/model/src/", "actors/terminal/src/"];

/// What a pure file does not use. `now` is an argument there.
const IMPURE: [&str; 7] = [
    "tokio::",
    "std::fs",
    "fs::",
    "Instant::now",
    "SystemTime",
    "std::net",
    "std::process",
];

/// Where programs are started, one place each.
const SPAWNERS: [(&str, &str); 8] = [
    (
        "actors/src/daemon.rs",
        "the daemon puts itself into the background",
    ),
    ("actors/keeper/link/src/spawn.rs", "a keeper"),
    ("actors/keeper/src/program.rs", "a pane's program"),
    (
        "actors/keeper/src/account.rs",
        "nothing: it asks for the account's shell",
    ),
    (
        "actors/src/wedge.rs",
        "the daemon that follows a wedged one",
    ),
    ("protocol/src/transport.rs", "the daemon"),
    (
        "protocol/src/transport/ssh.rs",
        "the system's ssh, as the way to another machine",
    ),
    ("client/src/", "what a person asked for"),
];

/// Where `unsafe` may stand, and what for.
const UNSAFE: [(&str, &str); 3] = [
    (
        "actors/keeper/src",
        "descriptors handed over, fork and exec",
    ),
    ("actors/journal/src", "memory shared with the keeper"),
    (
        "client/src/attach/terminal.rs",
        "a descriptor registered with tokio",
    ),
];

/// Commands without an MCP tool that does the same.
const COMMANDS_ONLY: [&str; 3] = ["`fugue logs`", "`fugue stop`", "`fugue attach`"];

struct File {
    path: String,
    text: String,
    /// Tests may unwrap, sleep on real clocks and start programs.
    is_test: bool,
}

impl File {
    /// Lines of code from 1, without the comments and without tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .filter(|_| !self.is_test)
            .map(|(index, line)| (index + 1, before_comment(line)))
    }
}

fn before_comment(line: &str) -> &str {
    match line.find("//") {
        // A `//` inside a string, as in an address, is taken for code.
        Some(at) if line[..at].matches('"').count().is_multiple_of(2) => &line[..at],
        Some(_) | None => line,
    }
}

fn comment(line: &str) -> &str {
    &line[before_comment(line).len()..]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).expect("a folder of the repository");
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "proptest-regressions" {
                collect(&path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

/// Every source file of the workspace.
fn files() -> Vec<File> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    assert!(paths.len() > 50, "only {} source files found", paths.len());
    let mut files: Vec<File> = paths
        .into_iter()
        .map(|path| File {
            text: std::fs::read_to_string(&path).expect("source files are UTF-8"),
            path: path.strip_prefix(root()).unwrap().display().to_string(),
            is_test: false,
        })
        .collect();
    let tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let folders = ["tests/", "benches/", "examples/"];
        let in_folder =
            |f: &&str| file.path.starts_with(*f) || file.path.contains(&format!("/{f}"));
        file.is_test = folders.iter().any(in_folder) || tests.contains(&file.path);
    }
    files
}

/// The files of the modules that `file` declares for tests only.
fn test_modules(file: &File) -> Vec<String> {
    let path = file.path.trim_end_matches(".rs");
    let is_root = path.ends_with("/lib") || path.ends_with("/main");
    let folder = if is_root {
        path.rsplit_once('/').map_or("", |(dir, _)| dir)
    } else {
        path
    };
    let mut lines = file.text.lines().map(str::trim);
    let mut modules = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("#[cfg(") && line.contains("test") {
            let next = lines.next().unwrap_or_default();
            if let Some((_, name)) = next.trim_end_matches(';').split_once("mod ") {
                modules.push(format!("{folder}/{name}.rs"));
            }
        }
    }
    modules
}

/// Fails with one line for each thing that `found` says about a file.
fn none(rule: &str, found: impl Fn(&File) -> Vec<String>) {
    let mut report = String::new();
    for file in files() {
        for what in found(&file) {
            writeln!(report, "  {}: {what}", file.path).unwrap();
        }
    }
    assert!(report.is_empty(), "{rule}:\n{report}");
}

/// The lines of code with one of `words` in them.
fn lines_with(file: &File, words: &[&str]) -> Vec<String> {
    file.code()
        .filter_map(|(number, line)| {
            let word = words.iter().find(|word| has_word(line, word))?;
            Some(format!("line {number} has {word}"))
        })
        .collect()
}

/// `word` in `line`, not as the end of a longer path or name: `fs::` is not in `rustix_fs::`.
fn has_word(line: &str, word: &str) -> bool {
    let begins_name = word.starts_with(|c: char| c.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !begins_name || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn no_file_is_too_long_to_read_in_one_sitting() {
    for file in files() {
        let lines = file.text.lines().count();
        if lines > LINES_AIM && !file.is_test {
            println!("long: {} has {lines} lines", file.path);
        }
    }
    none("files of more than 600 lines: split them", |file| {
        let lines = file.text.lines().count();
        Vec::from_iter((lines > LINES_MAX).then(|| format!("{lines} lines")))
    });
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    none("files without a `//!` first line", |file| {
        let good = file.text.starts_with("//! ");
        Vec::from_iter((!good).then(|| "no `//!` line".to_owned()))
    });
}

#[test]
fn modules_are_files_of_their_name() {
    none("`mod.rs` files: name them after the module", |file| {
        let bad = file.path.ends_with("/mod.rs");
        Vec::from_iter(bad.then(|| "rename it".to_owned()))
    });
}

#[test]
fn the_daemons_hints_hold_for_commands_and_tools() {
    let tools = files()
        .into_iter()
        .filter(|file| file.path.starts_with("mcp/src/"))
        .map(|file| file.text)
        .collect::<String>();
    none("hints that name a command and not its tool", |file| {
        let is_daemon = file.path.starts_with("actors/");
        let lines = file.code().filter(|_| is_daemon);
        let bad = lines.filter(|(_, line)| {
            let line = COMMANDS_ONLY
                .iter()
                .fold((*line).to_owned(), |line, command| {
                    line.replace(command, "")
                });
            let tool = line.split("fugue_").nth(1).map(|rest| {
                let word = |c: &char| c.is_ascii_lowercase() || *c == '_';
                rest.chars().take_while(word).collect::<String>()
            });
            let is_tool = tool.is_some_and(|tool| tools.contains(&format!("\"fugue_{tool}\"")));
            line.contains("`fugue ") && !is_tool
        });
        bad.map(|(number, line)| format!("line {number}: {}", line.trim()))
            .collect()
    });
}

#[test]
fn code_does_not_point_at_tickets() {
    none("ticket numbers: say why instead", |file| {
        let lines = file.text.lines().enumerate();
        lines
            .filter(|(_, line)| points_at_ticket(line))
            .map(|(index, line)| format!("line {}: {}", index + 1, line.trim()))
            .collect()
    });
}

fn points_at_ticket(line: &str) -> bool {
    let comment = comment(line);
    let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let hash = comment.match_indices('#').any(|(at, _)| {
        let before = comment[..at].chars().next_back();
        number(&comment[at + 1..]) && before.is_none_or(|c| c.is_whitespace() || c == '(')
    });
    let lower = comment.to_lowercase();
    let word = lower
        .match_indices("issue ")
        .any(|(at, word)| number(lower[at + word.len()..].trim_start_matches('#')));
    hash || word
}

#[test]
fn tickets_are_told_from_other_numbers() {
    for line in [
        "// see #12",
        "x; // (#3)",
        "/// Mends issue 4.",
        "// Issue #5",
    ] {
        assert!(points_at_ticket(line), "{line}");
    }
    for line in [
        "let colour = \"#123456\";",
        "// ESC#8",
        "// an issue of 4 kinds",
    ] {
        assert!(!points_at_ticket(line), "{line}");
    }
}

#[test]
fn actors_share_no_state_behind_locks() {
    none(
        "locks shared in `actors`: publish a snapshot instead",
        |file| {
            if !file.path.starts_with("actors/") {
                return Vec::new();
            }
            let bad = [
                "Arc<Mutex",
                "Arc<RwLock",
                "RwLock<",
                "Arc<std::sync::Mutex",
                "Arc<tokio::sync::Mutex",
            ];
            lines_with(file, &bad)
        },
    );
}

#[test]
fn unsafe_code_is_where_system_calls_need_it() {
    none("unsafe code in a new place", |file| {
        if UNSAFE.iter().any(|(path, _)| file.path.starts_with(path)) {
            return Vec::new();
        }
        let mut bad = lines_with(file, &["unsafe ", "unsafe_code"]);
        // A crate that says so itself.
        let forbids = |line: &str| line == "#![forbid(unsafe_code)]";
        if file.text.lines().any(forbids) {
            bad.retain(|found| !found.ends_with("unsafe_code"));
        }
        bad
    });
}

#[test]
fn nothing_but_tests_unwraps() {
    none("`unwrap` outside tests: `expect` with the reason", |file| {
        lines_with(file, &[".unwrap()", ".unwrap_err()"])
    });
}

#[test]
fn pure_files_use_no_runtime_no_files_and_no_clock() {
    none("side effects in pure files", |file| {
        let by_name = PURE.iter().any(|name| {
            file.path.ends_with(&format!("/{name}.rs")) || file.path.contains(&format!("/{name}/"))
        });
        let by_crate = |path: &&str| file.path.starts_with(*path);
        if by_name || PURE_CRATES.iter().any(by_crate) {
            lines_with(file, &IMPURE)
        } else {
            Vec::new()
        }
    });
}

#[test]
fn programs_are_started_in_one_place_each() {
    none("a second place that starts programs", |file| {
        if SPAWNERS.iter().any(|(path, _)| file.path.starts_with(path)) {
            return Vec::new();
        }
        lines_with(
            file,
            &[
                "Command::new(",
                "CommandBuilder::new",
                "fork(",
                "spawn_command(",
            ],
        )
    });
}

#[test]
fn documented_commands_hold_no_token() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().flatten();
    let pages = docs
        .map(|entry| entry.path())
        .chain([root.join("README.md")]);
    let mut bad = String::new();
    for page in pages.filter(|path| path.extension().is_some_and(|e| e == "md")) {
        for line in std::fs::read_to_string(&page).unwrap().lines() {
            // Every user can read the arguments of a command. In a file, or built by the shell itself, it is no argument.
            let argument = ["--header", "-H \"", "-H '"]
                .iter()
                .any(|option| line.contains(option));
            if argument && (line.contains("Bearer") || line.contains("TOKEN")) {
                let _ = writeln!(bad, "{}: {line}", page.display());
            }
        }
    }
    assert!(bad.is_empty(), "a token in a command's arguments:\n{bad}");
}
