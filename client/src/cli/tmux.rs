//! The words of tmux: those that mean one thing become ours, for the others ours are named.

use std::ffi::OsString;

/// The words of a command line, or what to use instead of a word of tmux.
type Translated = Result<Vec<String>, String>;

/// The command line in our words, if its command is one of tmux's. What cannot be translated is left to our own parser.
pub(crate) fn translated(words: &[OsString]) -> Option<Translated> {
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let words = words?;
    let (command, rest) = words.split_first()?;
    Some(match *command {
        "new-session" | "new" if attaches_too(rest) => {
            Err("no command does both yet: `fugue attach NAME` fails with status 3 when there is none, and then `fugue new -n NAME` makes it".into())
        }
        "new-session" | "new" if has_flag(rest, "-s") => new_session(rest),
        "new-session" => new_session(rest),
        "attach-session" => attach(rest),
        "attach" | "a" | "at" if has_flag(rest, "-t") => attach(rest),
        "list-sessions" => listed("ls", rest),
        "list-windows" | "lsw" => listed("windows", rest),
        "list-panes" | "lsp" => listed("panes", rest),
        "new-window" | "neww" => made("window", rest, &[("-n", "-n"), ("-c", "-c")], &[("-d", "-d")]),
        "split-window" | "splitw" => split(rest),
        "kill-session" if has_flag(rest, "-a") => {
            Err("no command ends all but one yet: `fugue ls` lists them, `fugue kill NAME…` ends those that are named".into())
        }
        "kill-session" => on_target("kill", rest),
        "kill-pane" | "killp" => on_target("close", rest),
        "kill-server" => Ok(vec!["stop".into()]),
        "select-pane" | "selectp" => on_target("focus", rest),
        "select-window" | "selectw" => on_target("select", rest),
        "rename-session" => renamed("session", rest),
        "rename-window" | "renamew" => renamed("window", rest),
        "send-keys" | "send" if *command == "send-keys" || has_flag(rest, "-t") => send_keys(rest),
        "capture-pane" | "capturep" => capture(rest),
        other => return instead(other).map(|instead| Err(instead.into())),
    })
}

/// The way to what a command of tmux does that has no translation.
fn instead(command: &str) -> Option<&'static str> {
    Some(match command {
        "detach" | "detach-client" => {
            "a view is left by the keys C-b d in it, and its session goes on"
        }
        "kill-window" | "killw" => {
            "a window goes with its last pane: `fugue panes SESSION` lists them, `fugue close PANE…` ends them"
        }
        "has-session" | "has" => {
            "`fugue windows SESSION` fails with status 3 when there is no such session"
        }
        "resize-pane" | "resizep" => "use `fugue resize PANE --size 80x24`",
        "pipe-pane" | "pipep" => "use `fugue tail PANE`, whose output can go anywhere",
        "display-message" | "display" => "use `fugue whoami` or `fugue panes --json`",
        "set-option" | "set" | "setw" | "bind-key" | "bind" | "source-file" => {
            "settings are in the configuration file: `fugue config path` says where"
        }
        "set-environment" | "setenv" => "use `fugue env SESSION NAME=VALUE`",
        "show-environment" | "showenv" => "use `fugue env SESSION`",
        "wait-for" => "use `fugue wait PANE` or `fugue expect PANE REGEX`",
        "swap-pane" | "swapp" | "swap-window" | "swapw" | "rotate-window" | "rotatew"
        | "move-window" | "movew" => {
            "panes and windows stay where they were made: there is no command that moves them yet"
        }
        "join-pane" | "joinp" | "move-pane" | "movep" | "break-pane" | "breakp" => {
            "a pane stays in its window: there is no command that moves it yet; `fugue mirror PANE --to TARGET` shows it in another one, too"
        }
        "next-window" | "next" | "previous-window" | "prev" | "last-window" | "last-pane"
        | "lastp" => {
            "use `fugue select SESSION/WINDOW` or `fugue focus PANE`; in the view C-b n, C-b p and C-b o"
        }
        "switch-client" | "switchc" => "use `fugue attach SESSION`",
        "list-keys" | "lsk" => "C-b ? in the view shows them",
        "show-options" | "show" => "use `fugue config show`",
        "run-shell" => "use `fugue run COMMAND`",
        "start-server" => "the server starts by itself; `fugued` starts it too",
        _ => return None,
    })
}

/// True if a new session is wanted only where there is none of its name.
fn attaches_too(words: &[&str]) -> bool {
    /// Those of tmux's `new-session` that have no value.
    const FLAGS: &str = "AdDEPX";
    let options = words.iter().take_while(|word| **word != "--");
    let mut short = options.filter_map(|word| word.strip_prefix('-'));
    let flags = |letters: &str| {
        letters
            .chars()
            .take_while(|c| FLAGS.contains(*c))
            .any(|c| c == 'A')
    };
    short.any(flags)
}

fn has_flag(words: &[&str], flag: &str) -> bool {
    words.contains(&flag)
}

/// Options of a command of tmux: values and flags, and the words after them.
struct Options<'a> {
    values: Vec<(&'a str, &'a str)>,
    flags: Vec<&'a str>,
    rest: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads them. `with_value` are those that have a value, `flags` those that have none.
    fn read(words: &[&'a str], with_value: &[&str], flags: &[&str]) -> Result<Self, String> {
        let mut options = Options {
            values: Vec::new(),
            flags: Vec::new(),
            rest: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "--" {
                options.rest.extend(words);
                break;
            }
            if with_value.contains(word) {
                let value = words.next();
                let value = value.ok_or_else(|| format!("{word} wants a value"))?;
                options.values.push((word, value));
            } else if flags.contains(word) {
                options.flags.push(word);
            } else if word.starts_with('-') && word.len() > 1 {
                return Err(format!(
                    "tmux's option {word} is not understood here; `fugue help` has our commands"
                ));
            } else {
                options.rest.push(word);
                options.rest.extend(words);
                break;
            }
        }
        Ok(options)
    }

    fn value(&self, option: &str) -> Option<&'a str> {
        let found = self.values.iter().rev().find(|(name, _)| *name == option);
        found.map(|(_, value)| *value)
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The target of `-t` in our form.
    fn target(&self) -> Result<Option<String>, String> {
        let Some(target) = self.value("-t") else {
            return Ok(None);
        };
        match target.split_once(':') {
            None => Ok(Some(target.to_owned())),
            Some((session, "")) => Ok(Some(session.to_owned())),
            Some((session, rest)) => Err(format!(
                "the name before a colon is a server's here; write {session}/{rest} for that place"
            )),
        }
    }

    fn needed_target(&self) -> Result<String, String> {
        let missing = || "name the target: -t TARGET".to_owned();
        self.target()?.ok_or_else(missing)
    }
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(ToString::to_string).collect()
}

fn with_command(mut line: Vec<String>, rest: &[&str]) -> Vec<String> {
    if !rest.is_empty() {
        line.push("--".to_owned());
        line.extend(words(rest));
    }
    line
}

fn new_session(given: &[&str]) -> Translated {
    let options = Options::read(given, &["-s", "-n", "-c", "-x", "-y", "-e"], &["-d"])?;
    let mut line = words(&["new"]);
    for (option, value) in &options.values {
        match *option {
            "-s" => line.extend(words(&["--name", value])),
            "-n" => line.extend(words(&["--window-name", value])),
            "-e" => line.extend(words(&["--env", value])),
            "-c" => line.extend(words(&["--cwd", value])),
            _ => {}
        }
    }
    match (options.value("-x"), options.value("-y")) {
        (Some(cols), Some(rows)) => line.extend(["--size".to_owned(), format!("{cols}x{rows}")]),
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => {
            return Err("give both -x and -y, or --size COLSxROWS".into());
        }
    }
    if options.has("-d") {
        line.push("--detached".into());
    }
    Ok(with_command(line, &options.rest))
}

fn attach(given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t"], &["-r"])?;
    let mut line = words(&["attach"]);
    line.extend(options.target()?);
    if options.has("-r") {
        line.push("--read-only".into());
    }
    Ok(line)
}

fn listed(ours: &str, given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t"], &["-a", "-s"])?;
    let mut line = words(&[ours]);
    line.extend(options.target()?);
    if options.has("-a") && ours == "panes" {
        line.push("--all".into());
    }
    Ok(line)
}

fn made(ours: &str, given: &[&str], values: &[(&str, &str)], flags: &[(&str, &str)]) -> Translated {
    let with_value: Vec<&str> = values
        .iter()
        .map(|(theirs, _)| *theirs)
        .chain(["-t"])
        .collect();
    let plain: Vec<&str> = flags.iter().map(|(theirs, _)| *theirs).collect();
    let options = Options::read(given, &with_value, &plain)?;
    let mut line = words(&[ours]);
    line.extend(options.target()?);
    for (theirs, option) in values {
        if let Some(value) = options.value(theirs) {
            line.extend(words(&[option, value]));
        }
    }
    let set = flags.iter().filter(|(theirs, _)| options.has(theirs));
    line.extend(set.map(|(_, option)| option.to_string()));
    Ok(with_command(line, &options.rest))
}

/// Theirs are one above the other unless `-h` is given, ours side by side unless `--down` is.
fn split(given: &[&str]) -> Translated {
    let side_by_side = has_flag(given, "-h");
    let flags = [("-d", "--detached"), ("-h", "--right"), ("-v", "--down")];
    let mut line = made("split", given, &[("-c", "--cwd")], &flags)?;
    if !side_by_side && !line.iter().any(|word| word == "--down") {
        line.insert(1, "--down".into());
    }
    Ok(line)
}

fn on_target(ours: &str, given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t"], &[])?;
    Ok(vec![ours.to_owned(), options.needed_target()?])
}

fn renamed(kind: &str, given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t"], &[])?;
    let [name] = options.rest.as_slice() else {
        return Err("give the new name".into());
    };
    let target = options.needed_target()?;
    Ok(vec!["rename".into(), kind.into(), target, name.to_string()])
}

fn send_keys(given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t"], &["-l"])?;
    let (mut text, mut keys) = (String::new(), Vec::new());
    for word in &options.rest {
        if !options.has("-l") && is_key(word) {
            keys.push(*word);
        } else if keys.is_empty() {
            text.push_str(word);
        } else {
            return Err(
                "`fugue send` types text first and keys after it: make two commands of this".into(),
            );
        }
    }
    let mut line = vec!["send".to_owned(), options.needed_target()?];
    for key in keys {
        line.push(format!("--key={key}"));
    }
    if !text.is_empty() {
        line.extend(["--".to_owned(), text]);
    }
    Ok(line)
}

/// True if tmux takes the word for a key and not for text.
fn is_key(word: &str) -> bool {
    const NAMED: [&str; 17] = [
        "Enter", "Escape", "Tab", "BTab", "Space", "BSpace", "Up", "Down", "Left", "Right", "Home",
        "End", "PageUp", "PageDown", "Insert", "Delete", "DC",
    ];
    let function = word.strip_prefix('F').is_some_and(|digits| {
        digits
            .parse::<u8>()
            .is_ok_and(|number| (1..=12).contains(&number))
    });
    let modified = word.len() > 2
        && (word.starts_with("C-") || word.starts_with("M-") || word.starts_with("S-"));
    NAMED.contains(&word) || function || modified
}

fn capture(given: &[&str]) -> Translated {
    let options = Options::read(given, &["-t", "-S"], &["-p", "-e", "-J"])?;
    let mut line = vec!["read".to_owned(), options.needed_target()?];
    match options.value("-S") {
        None => {}
        Some("-") => line.push("--scrollback".into()),
        Some(start) => {
            let above = start
                .strip_prefix('-')
                .filter(|lines| lines.parse::<u32>().is_ok());
            let above = above
                .ok_or("-S wants - or -LINES here; `fugue read -n LINES` gives the last ones")?;
            return Err(format!(
                "use `fugue read {} -n LINES`, which counts from the end and not from the screen's top ({above} above it)",
                line[1]
            ));
        }
    }
    if options.has("-e") {
        line.push("--ansi".into());
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
