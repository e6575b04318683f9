//! The shell and the locale of programs whose caller names none.

use std::collections::BTreeMap;
use std::path::Path;

use keeper::account_shell;
use rustix::fs::Access;

/// The variables that choose how text is encoded, the strongest first. Source: locale(7).
const ENCODING: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// A locale that every system has and that changes nothing but the encoding.
const UTF8: &str = "C.UTF-8";

/// Adds what a client without an environment to speak of, such as a service, does not have: a shell that exists, and an
/// encoding.
pub(super) fn complete(env: &mut BTreeMap<String, String>) {
    let usable = |shell: &String| {
        let path = Path::new(shell);
        path.is_absolute() && rustix::fs::access(path, Access::EXEC_OK).is_ok()
    };
    if !env.get("SHELL").is_some_and(usable) {
        env.insert("SHELL".to_owned(), account_shell().to_owned());
    }
    let chosen = |name: &&str| env.get(*name).is_some_and(|value| !value.is_empty());
    if !ENCODING.iter().any(chosen) {
        env.insert("LANG".to_owned(), UTF8.to_owned());
    }
}

/// The arguments of the shell in `env`, and what is executed. A login shell reads the profile, which may set the caller's PATH
/// anew, so it is one only when that is asked for.
pub(super) fn interactive(env: &BTreeMap<String, String>, login: bool) -> (Vec<String>, String) {
    let shell = env.get("SHELL").map_or("/bin/sh", String::as_str);
    let base = shell.rsplit('/').next().unwrap_or("sh");
    let name = match login {
        true => format!("-{base}"),
        false => base.to_owned(),
    };
    (vec![name], shell.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut env = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        complete(&mut env);
        env
    }

    #[test]
    fn text_is_utf8_unless_the_caller_says_otherwise() {
        assert_eq!(completed(&[])["LANG"], UTF8);
        assert_eq!(completed(&[("LANG", "")])["LANG"], UTF8);
        for name in ENCODING {
            let env = completed(&[(name, "de_DE.UTF-8")]);
            assert_eq!(env[name], "de_DE.UTF-8");
            assert_eq!(env.contains_key("LANG"), name == "LANG", "{name}");
        }
        assert_eq!(completed(&[("LANG", "C")])["LANG"], "C");
    }

    #[test]
    fn the_shell_is_the_callers_or_the_accounts() {
        assert_eq!(completed(&[("SHELL", "/bin/sh")])["SHELL"], "/bin/sh");
        for unusable in ["", "sh", "/nowhere/sh"] {
            assert_eq!(completed(&[("SHELL", unusable)])["SHELL"], account_shell());
        }
        let env = completed(&[("SHELL", "/bin/sh")]);
        assert_eq!(
            interactive(&env, false),
            (vec!["sh".to_owned()], "/bin/sh".to_owned())
        );
        assert_eq!(interactive(&env, true).0, ["-sh"]);
    }
}
