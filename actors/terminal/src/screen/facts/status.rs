//! The records of OSC 7501: each part of a program has one, the program as a whole has the first.
//!
//! Source: Program Status Protocol, revision 0.4.

use protocol::reply::{Need, ProgramState, ProgramStatus};
use termstate_core::{Kind, Message, Report, State, parse_body};

/// Records kept; the one that was told about longest ago gives way.
const MAX_RECORDS: usize = 256;

/// The most that all records may take, in bytes: room for 64 of the longest.
pub(super) const MAX_BYTES: usize = 320 * 1024;

/// A record besides its texts, in bytes.
const RECORD_BYTES: usize = 128;

const START: &str = "\x1b]7501;";
const END: &str = "\x1b\\";

/// The kind of a control string of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something that is no report, or changes nothing.
    Nothing,
    /// A report that changed what is kept.
    Change,
    /// A question whether the protocol is spoken.
    Question,
}

/// The last report about one part of a program.
#[derive(Debug)]
struct Record {
    /// The part's path; empty for the whole program.
    id: String,
    state: State,
    /// The report in its shortest form, without what stands around it.
    report: String,
}

impl Record {
    fn new(report: &Report<'_>) -> Self {
        let text = report.to_string();
        let body = text.strip_prefix(START).and_then(|t| t.strip_suffix(END));
        Self {
            id: report
                .id
                .map(|id| id.as_str().to_owned())
                .unwrap_or_default(),
            state: report.state,
            report: body.unwrap_or_default().to_owned(),
        }
    }

    fn kept_bytes(&self) -> usize {
        RECORD_BYTES + self.id.len() + self.report.len()
    }

    fn is_within(&self, part: &str) -> bool {
        let rest = self.id.strip_prefix(part);
        part.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn status(&self) -> Option<ProgramStatus> {
        let Ok(Message::Report(report)) = parse_body(self.report.as_bytes()) else {
            return None;
        };
        Some(ProgramStatus {
            value: match report.state {
                State::Idle => ProgramState::Idle,
                State::Working => ProgramState::Working,
                State::Done => ProgramState::Done,
                State::Blocked => ProgramState::NeedsInput,
                State::Error => ProgramState::Failed,
            },
            since_ms: None,
            app: report.app.map(|app| app.as_str().to_owned()),
            part: report.id.map(|id| id.as_str().to_owned()),
            kind: report.kind.map(|kind| match kind {
                Kind::Permission => Need::Permission,
                Kind::Question => Need::Question,
                Kind::Auth => Need::Login,
            }),
            message: report.msg.map(|text| text.to_string()),
            title: report.title.map(|text| text.to_string()),
            percent: report.progress,
        })
    }
}

/// The urgency of a state for the person, from the least.
fn urgency(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Done => 1,
        State::Working => 2,
        State::Error => 3,
        State::Blocked => 4,
    }
}

/// The records of one program, the one that was told about last at the end.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    records: Vec<Record>,
    bytes: usize,
}

impl Statuses {
    /// Takes in what stands between `ESC ] 7501 ;` and the end. A report that breaks a rule changes nothing.
    pub(super) fn hear(&mut self, body: &[u8]) -> Heard {
        match parse_body(body) {
            Ok(Message::Report(report)) => self.set(Record::new(&report)),
            Ok(Message::Clear { id }) => {
                let part = id.as_ref().map_or("", |id| id.as_str());
                match self.remove(|record| record.is_within(part)) {
                    true => Heard::Change,
                    false => Heard::Nothing,
                }
            }
            Ok(Message::Feature(_)) => Heard::Question,
            Err(_) => Heard::Nothing,
        }
    }

    fn set(&mut self, record: Record) -> Heard {
        let same = |old: &Record| old.id == record.id && old.report == record.report;
        if self.records.last().is_some_and(same) {
            return Heard::Nothing;
        }
        self.remove(|old| old.id == record.id);
        self.bytes += record.kept_bytes();
        self.records.push(record);
        while self.records.len() > MAX_RECORDS || self.bytes > MAX_BYTES {
            self.bytes -= self.records.remove(0).kept_bytes();
        }
        Heard::Change
    }

    /// Removes the records that `goes` names. True if there were any.
    fn remove(&mut self, goes: impl Fn(&Record) -> bool) -> bool {
        let before = self.records.len();
        self.records.retain(|record| !goes(record));
        self.bytes = self.records.iter().map(Record::kept_bytes).sum();
        self.records.len() < before
    }

    /// Takes all away; false when there were none.
    pub(super) fn clear(&mut self) -> bool {
        self.remove(|_| true)
    }

    /// A shell asks for its next command: nobody works and nobody needs input any more. False when that is no news.
    pub(super) fn prompt_started(&mut self) -> bool {
        self.remove(|record| record.state.is_transient())
    }

    /// The status that counts for the pane: the record of the whole program, else the most urgent one, the newest of several.
    pub(super) fn shown(&self) -> Option<ProgramStatus> {
        let whole = self.records.iter().find(|record| record.id.is_empty());
        let parts = || {
            let records = self.records.iter();
            records.max_by_key(|record| urgency(record.state))
        };
        whole.or_else(parts)?.status()
    }

    /// The reports that make these records, in order.
    pub(super) fn reports(&self) -> impl Iterator<Item = &str> {
        self.records.iter().map(|record| record.report.as_str())
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;
