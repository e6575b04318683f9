//! `fugue doctor`: checks of the installation and of what it finds on this machine. It changes nothing and starts no server.

mod machine;
mod places;
mod programs;
mod server;
mod surroundings;

use clap::Args;
use serde::Serialize;

use super::output::style::{Style, Tone};
use super::units::count;
use super::{Caller, Outcome, output};

/// `fugue doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It works, and something is worse than it could be.
    Warning,
    /// Something does not work.
    Wrong,
}

/// A check and what it has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    message: String,
    /// The next step about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    next: String,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            message: message.into(),
            next: String::new(),
        }
    }

    fn warning(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            next: next.into(),
            ..Self::ok(check, message)
        }
    }

    fn wrong(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            ..Self::warning(check, message, next)
        }
    }
}

impl DoctorArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        caller.only_here("doctor")?;
        let found = findings(caller).await;
        let wrong = number_of(&found, Verdict::Wrong);
        if caller.json {
            let told = serde_json::json!({
                "checks": found,
                "wrong": wrong,
                "warnings": number_of(&found, Verdict::Warning),
            });
            output::print_json(caller, &told)?;
        } else {
            output::print_styled(&text(&found, caller.style))?;
        }
        Ok(u8::from(wrong > 0))
    }
}

async fn findings(caller: &Caller) -> Vec<Finding> {
    let mut found = Vec::new();
    let server = server::ask(caller).await;
    programs::check(&server, &mut found).await;
    places::check(&caller.paths, &mut found);
    server::check(caller, &server, &mut found);
    machine::check(&server, &mut found).await;
    surroundings::check(&mut found);
    found
}

fn number_of(found: &[Finding], verdict: Verdict) -> usize {
    found.iter().filter(|one| one.verdict == verdict).count()
}

/// A line for each check, and one that counts.
fn text(found: &[Finding], style: Style) -> String {
    let width = found.iter().map(|one| one.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in found {
        let (word, tone) = match one.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Warning => ("warning", Tone::Warning),
            Verdict::Wrong => ("wrong", Tone::Bad),
        };
        let word = style.paint(&format!("{word:<7}"), tone);
        let next = match one.next.as_str() {
            "" => String::new(),
            next => format!("; {next}"),
        };
        let said = output::printable(format!("{}{next}", one.message));
        // What the verdict and the name of the check take.
        let before = 9 + width + 2;
        let said = match style.cols {
            Some(cols) => output::wrapped(&said, cols.saturating_sub(before), 0),
            None => said,
        };
        let said = said.replace('\n', &format!("\n{}", " ".repeat(before)));
        text.push_str(&format!("{word}  {:<width$}  {said}\n", one.check));
    }
    let wrong = number_of(found, Verdict::Wrong);
    let warnings = count(number_of(found, Verdict::Warning), "warning");
    text.push_str(&format!("{wrong} wrong, {warnings}\n"));
    text
}

#[cfg(test)]
mod tests;
