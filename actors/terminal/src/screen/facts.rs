//! Facts that a program tells of itself by control strings: its state, how far it is, what it wants noticed.

mod notification;
mod status;

use std::collections::VecDeque;

use protocol::reply::{Notice, ProgramStatus, Progress};
use serde::{Deserialize, Serialize};

use super::engine::{Engine, MARK_TITLE};
use notification::{Draft, Told};
use status::{Heard, Statuses};

/// The number of notifications kept for viewers that have not drawn them yet.
const NOTICES: usize = 8;

/// The most that facts take besides the records: notifications, each with two texts.
pub(super) const MAX_BYTES: usize =
    status::MAX_BYTES + (2 * NOTICES + 2) * (2 * notification::MAX_TEXT_BYTES + 64);

/// The longest form in a checkpoint, in bytes. Records that have no room in it are not restored, the oldest first.
pub(super) const MAX_SAVED_BYTES: usize = 8 * 1024;

/// The facts that a program has told.
#[derive(Debug, Default)]
pub(super) struct Facts {
    statuses: Statuses,
    progress: Progress,
    /// The last notification.
    last: Option<Notice>,
    /// The beginning of one that comes in parts.
    draft: Option<Draft>,
    /// Notifications since the last look.
    fresh: Vec<Notice>,
    /// Notifications with the generation in which each came, the newest last.
    notices: VecDeque<(u64, Notice)>,
    status_changed: bool,
    progress_changed: bool,
    progress_generation: u64,
}

/// The form in a checkpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredFacts {
    reports: Vec<String>,
    progress: Progress,
    notice: Option<Notice>,
    draft: Option<Draft>,
}

impl Facts {
    /// The state that counts.
    pub(super) fn status(&self) -> Option<ProgramStatus> {
        self.statuses.shown()
    }

    /// The program's progress.
    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// The last notification.
    pub(super) fn last_notice(&self) -> Option<&Notice> {
        self.last.as_ref()
    }

    fn set_progress(&mut self, progress: Progress) {
        self.progress_changed |= self.progress != progress;
        self.progress = progress;
    }

    fn notice(&mut self, notice: Notice) {
        self.last = Some(notice.clone());
        if self.fresh.len() >= NOTICES {
            self.fresh.remove(0);
        }
        self.fresh.push(notice);
    }

    /// The program is gone, or the terminal is reset: what it told of itself holds no more. What it wanted noticed stays.
    pub(super) fn clear(&mut self) {
        self.status_changed |= self.statuses.clear();
        self.set_progress(Progress::None);
        self.draft = None;
    }

    /// Another life of the program: the last one's notifications are not its own.
    pub(super) fn begin_life(&mut self) {
        self.clear();
        self.status_changed |= self.last.take().is_some();
        self.notices.clear();
    }

    /// Gives what is new the generation `next`; false when nothing is.
    pub(super) fn note(&mut self, next: u64) -> bool {
        let status = std::mem::take(&mut self.status_changed);
        let progress = std::mem::take(&mut self.progress_changed);
        if progress {
            self.progress_generation = next;
        }
        let noticed = !self.fresh.is_empty();
        self.notices
            .extend(self.fresh.drain(..).map(|notice| (next, notice)));
        while self.notices.len() > NOTICES {
            self.notices.pop_front();
        }
        status || progress || noticed
    }

    /// Notifications since the generation that a viewer has; none for one that has nothing yet.
    pub(super) fn notices_since(&self, generation: u64) -> Vec<Notice> {
        let new = |(came, notice): &(u64, Notice)| (*came > generation).then(|| notice.clone());
        match generation {
            0 => Vec::new(),
            _ => self.notices.iter().filter_map(new).collect(),
        }
    }

    /// The progress, if it is another one than at that generation.
    pub(super) fn progress_since(&self, generation: u64) -> Option<Progress> {
        (generation == 0 || self.progress_generation > generation).then_some(self.progress)
    }

    /// The bytes of all that is kept.
    pub(super) fn kept_bytes(&self) -> usize {
        let size = |notice: &Notice| notice.title.len() + notice.body.len() + 64;
        let kept = self.notices.iter().map(|(_, notice)| size(notice));
        let fresh = self.fresh.iter().map(size);
        self.statuses.kept_bytes()
            + kept.chain(fresh).sum::<usize>()
            + self.last.as_ref().map_or(0, size)
            + self.draft.as_ref().map_or(0, Draft::kept_bytes)
    }

    /// The form in a checkpoint, at most `room` bytes and without control characters; empty when there is nothing to say.
    pub(super) fn save(&self, room: usize) -> String {
        let mut saved = StoredFacts {
            reports: self.statuses.reports().map(str::to_owned).collect(),
            progress: self.progress,
            notice: self.last.clone(),
            draft: self.draft.clone(),
        };
        let is_empty = saved.reports.is_empty() && saved.notice.is_none() && saved.draft.is_none();
        if is_empty && saved.progress.is_none() {
            return String::new();
        }
        loop {
            let text = serde_json::to_string(&saved).unwrap_or_default();
            if text.len() <= room {
                return text;
            }
            // The oldest are the first.
            match saved.reports.len() {
                0 if saved.notice.is_none() && saved.draft.is_none() => return String::new(),
                0 => (saved.notice, saved.draft) = (None, None),
                some => drop(saved.reports.drain(..some.div_ceil(2))),
            }
        }
    }

    /// The facts of a checkpoint, not new to anybody.
    pub(super) fn restore(text: &str) -> Self {
        let saved: StoredFacts = serde_json::from_str(text).unwrap_or_default();
        let mut facts = Self::default();
        for report in &saved.reports {
            let _ = facts.statuses.hear(report.as_bytes());
        }
        facts.progress = saved.progress;
        facts.last = saved.notice.map(notification::bounded);
        facts.draft = saved.draft.and_then(Draft::checked);
        facts
    }
}

impl Engine {
    /// Takes in a control string by which a program tells something of itself; false when it is another one.
    pub(super) fn tell(&mut self, parts: &[&[u8]]) -> bool {
        match parts {
            [b"7501", body @ ..] => match self.facts.statuses.hear(&body.join(&b';')) {
                Heard::Change => self.facts.status_changed = true,
                Heard::Nothing => {}
                // Source: Program Status Protocol 0.4, "Feature detection".
                Heard::Question => self.reply(format_args!("\x1b]7501;?\x1b\\")),
            },
            // A shell asks for its next command: what ran has ended. The engine's own table reads the mark as well.
            [b"133", mark, ..] if mark.first() == Some(&b'A') => {
                self.facts.status_changed |= self.facts.statuses.prompt_started();
                return false;
            }
            // A directory.
            [b"9", b"9", ..] => return false,
            [b"9", rest @ ..] => self.told(notification::osc9(rest)),
            [b"777", b"notify", title, body @ ..] if *title == MARK_TITLE.as_bytes() => {
                self.mark(String::from_utf8_lossy(&body.join(&b';')).into_owned());
            }
            [b"777", b"notify", title, body @ ..] => {
                self.told(notification::osc777(title, &body.join(&b';')));
            }
            [b"99", about, payload @ ..] => {
                let draft = self.facts.draft.take();
                let (told, draft) = notification::osc99(draft, about, &payload.join(&b';'));
                self.facts.draft = draft;
                self.told(told);
            }
            _ => return false,
        }
        true
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::Nothing => {}
            Told::Progress(progress) => self.facts.set_progress(progress),
            Told::Notice(notice) => {
                self.events.noticed = true;
                self.facts.notice(notice);
            }
            // Source: kitty, "Desktop notifications", querying for support. What is shown are title and body.
            Told::Question(id) => {
                let id = if id.is_empty() {
                    id
                } else {
                    format!("i={id}:")
                };
                self.reply(format_args!("\x1b]99;{id}p=?;p=title,body\x1b\\"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
