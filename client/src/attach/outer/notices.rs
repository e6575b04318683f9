//! Notifications and progress of programs, as the outer terminal's own. Pure.

use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

use protocol::plain;
use protocol::reply::{Notice, NoticeForm, Progress};

/// Takes the progress away. Source: ConEmu, "ANSI X3.64 and Xterm", OSC 9;4.
pub(crate) const NO_PROGRESS: &[u8] = b"\x1b]9;4;0\x07";

/// So many notifications are shown within [`WINDOW`]; further ones are left out, as a person would only be disturbed by them.
const BURST: usize = 5;

/// See [`BURST`].
const WINDOW: Duration = Duration::from_secs(10);

/// The notifications and the progress that the outer terminal was told.
#[derive(Debug)]
pub(crate) struct Notices {
    /// The person wants them.
    on: bool,
    wanted: Progress,
    shown: Progress,
    /// A progress was shown at some time.
    has_begun: bool,
    /// When the last notifications were written.
    written: VecDeque<Instant>,
    count: u64,
}

impl Notices {
    /// For a terminal that shows no progress; with `on` false it is told nothing.
    pub(crate) fn new(on: bool) -> Self {
        Self {
            on,
            wanted: Progress::None,
            shown: Progress::None,
            has_begun: false,
            written: VecDeque::new(),
            count: 0,
        }
    }

    /// True if the first progress is about to be shown, which is to be taken away in the end.
    pub(crate) fn begins_progress(&mut self, progress: Option<Progress>) -> bool {
        let shows = self.on && progress.is_some_and(|progress| !progress.is_none());
        shows && !std::mem::replace(&mut self.has_begun, true)
    }

    /// Shows the program's progress, if it is another one.
    pub(crate) fn progress(&mut self, progress: Progress, out: &mut Vec<u8>) {
        self.wanted = progress;
        if self.on && self.shown != progress {
            self.shown = progress;
            let (state, percent) = match progress {
                Progress::None => return out.extend_from_slice(NO_PROGRESS),
                Progress::Value { percent } => (1, Some(percent)),
                Progress::Error { percent } => (2, percent),
                Progress::Indeterminate => (3, None),
                Progress::Paused { percent } => (4, percent),
            };
            match percent {
                Some(percent) => put(out, format_args!("\x1b]9;4;{state};{percent}\x07")),
                None => put(out, format_args!("\x1b]9;4;{state}\x07")),
            }
        }
    }

    /// Shows it again: the terminal was entered anew.
    pub(crate) fn again(&mut self, out: &mut Vec<u8>) {
        self.shown = Progress::None;
        self.progress(self.wanted, out);
    }

    /// Shows notifications in the form in which their program wrote them, which it chose for its terminal, each with the name of
    /// where it is from.
    pub(crate) fn notify(&mut self, notices: &[Notice], now: Instant, out: &mut Vec<u8>) {
        for notice in notices {
            if self.may_write(now) {
                self.count += 1;
                write(notice, self.count, out);
            }
        }
    }

    fn may_write(&mut self, now: Instant) -> bool {
        let is_old = |at: &Instant| now.saturating_duration_since(*at) >= WINDOW;
        while self.written.front().is_some_and(is_old) {
            self.written.pop_front();
        }
        let may = self.on && self.written.len() < BURST;
        if may {
            self.written.push_back(now);
        }
        may
    }
}

/// Source: iTerm2, "Proprietary Escape Codes", OSC 9; rxvt-unicode, extension "notify"; kitty, "Desktop notifications".
fn write(notice: &Notice, number: u64, out: &mut Vec<u8>) {
    let from = plain::plain_line(&notice.from);
    let (title, body) = (
        plain::plain_line(&notice.title),
        plain::plain_line(&notice.body),
    );
    let marked = |text: &str| match (from.is_empty(), text.is_empty()) {
        (true, _) => text.to_owned(),
        (false, true) => from.to_string(),
        (false, false) => format!("{from}: {text}"),
    };
    match notice.form {
        NoticeForm::Osc9 => put(out, format_args!("\x1b]9;{}\x07", marked(&body))),
        NoticeForm::Osc777 => {
            // The first semicolon ends the title.
            let title = marked(&title).replace(';', ",");
            put(out, format_args!("\x1b]777;notify;{title};{body}\x07"));
        }
        NoticeForm::Osc99 if body.is_empty() => {
            put(out, format_args!("\x1b]99;;{}\x1b\\", marked(&title)));
        }
        NoticeForm::Osc99 => {
            let title = marked(&title);
            put(
                out,
                format_args!("\x1b]99;i=fugue-{number}:d=0;{title}\x1b\\"),
            );
            put(
                out,
                format_args!("\x1b]99;i=fugue-{number}:p=body;{body}\x1b\\"),
            );
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing into memory does not fail");
}

#[cfg(test)]
mod tests;
