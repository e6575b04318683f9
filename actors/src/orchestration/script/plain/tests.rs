//! What is plain, and that bash agrees.

use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::is_plain;

const PLAIN: [&str; 22] = [
    "echo hi",
    "set -x",
    "  make -j4 test  ",
    "cd /tmp && ls -l | wc -l; pwd",
    "export A=1 B=\"two words\" C='three $x'",
    "cargo test 2>&1 | tee log",
    "sleep 1 & echo next",
    "A=1 if",
    "echo done if then",
    "ls &> /dev/null || echo ok",
    "> file",
    "cat < in >> out",
    "echo a\necho b\n",
    "echo {1..3} {a,b} $HOME \"$HOME/x\" ~ *.rs [ab]",
    "find . -exec rm {} +",
    "echo \\\"x\\' ü",
    "echo a#b",
    "rm -f x;",
    "exec >log 2>&1",
    "echo >2 2>a2>b >2",
    "printf '%s\\n' \"a\\\"b\"",
    "echo \"100$\"",
];

const OTHER: [&str; 38] = [
    "",
    "  ",
    "if true; then echo; fi",
    "for i in 1 2; do echo $i; done",
    "echo 'open",
    "echo \"open",
    "echo $(date)",
    "echo `date`",
    "echo \"$(date)\"",
    "echo ${x:-y}",
    "cat <<E\nhello\nE",
    "cat <<< x",
    "diff <(echo a) <(echo a)",
    "a=(x y)",
    "f() { :; }",
    "[[ a == a ]]",
    "! true",
    "true \\",
    "true \\\n&& false",
    "true &&",
    "true ||",
    "true |",
    "&& true",
    "true; ; true",
    "true;; true",
    "; true",
    "echo >",
    "echo > > x",
    "echo > | x",
    "echo >2>x",
    "echo >{a}>x",
    "true # comment",
    "# comment",
    "}; evil; {",
    "(exit 3)",
    "echo $'a'",
    "return 3",
    "time ls",
];

#[test]
fn plain_commands_and_others() {
    for line in PLAIN {
        assert!(is_plain(line), "{line:?}");
    }
    for line in OTHER {
        assert!(!is_plain(line), "{line:?}");
    }
}

/// Whether bash reads `script` to its end as what was meant: the line, and behind it the word that ends it all.
fn bash_reads(line: &str) -> bool {
    let script = format!("{{ {line}\n\n}} 9>&-\n)");
    let as_it_is = |script: &str| {
        let said = Command::new("bash")
            .args(["-n", "-c", script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&said.stderr).into_owned()
    };
    let complaint = as_it_is(&script);
    // The one error is the parenthesis behind it.
    complaint.contains("syntax error near unexpected token `)'")
        && as_it_is(script.trim_end_matches(')')).is_empty()
}

#[test]
fn bash_reads_what_is_plain_to_its_end() {
    for line in PLAIN {
        assert!(bash_reads(line), "{line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_taken_for_plain_is_read_to_its_end(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "echo", " ", " ", "a", "'", "\"", "\\", "\n", ";", "&", "&&", "|", "||", ">", ">>", "<", ">&", "&>", "2",
                "$", "$x", "{", "}", "!", "if", "fi", "do", "done", "in", "#", "=", "x=1", "*", "[", "]]", "~", "ü", "1",
                "-", "esac", "case", "time",
            ]),
            1..12,
        )
    ) {
        let line = parts.concat();
        if is_plain(&line) {
            prop_assert!(bash_reads(&line), "{:?}", line);
        }
    }
}
