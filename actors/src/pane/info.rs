//! A pane as it stands in a list.

use std::path::Path;

use protocol::paths::is_same;
use protocol::reply::PaneInfo;
use protocol::{Name, WindowUuid, os_text};

use super::PaneEntry;
use crate::clock::steady_ms;

/// A pane's place in its session.
#[derive(Clone, Debug)]
pub(crate) struct PanePlace {
    /// The session's name.
    pub session_name: Name,
    /// Its window.
    pub window: WindowUuid,
    /// That window's position in the session.
    pub window_index: u32,
    /// That window is the session's focused one.
    pub window_focused: bool,
    /// Its position in the window's layout.
    pub index: u32,
    /// It is its window's focused pane.
    pub focused: bool,
}

impl PaneEntry {
    /// As it stands in a list.
    #[must_use]
    pub(crate) fn info(&self, place: &PanePlace) -> PaneInfo {
        let process = self.process();
        let live = self.io.live();
        let facts = live.facts();
        let cwd = self.cwd();
        PaneInfo {
            pane_id: self.id,
            number: self.record.number.told(),
            session_id: self.session,
            session_name: place.session_name.clone(),
            window_id: place.window,
            window_index: Some(place.window_index),
            window_focused: Some(place.window_focused),
            index: place.index,
            name: self.name().map(|name| Name::clone(&name)),
            pid: process.pid,
            keeper_pid: process.keeper_pid,
            command: self.record.command.clone(),
            cwd: os_text::shown(&cwd).into_owned(),
            cwd_raw: os_text::is_marked(&cwd).then_some(cwd),
            size: self.io.size(),
            title: live.title().to_string(),
            status: self.status(),
            settings: self.record.settings,
            focused: place.focused,
            idle_ms: steady_ms().saturating_sub(live.last_change_ms()),
            output_idle_ms: steady_ms().saturating_sub(live.last_output_ms()),
            alternate: live.alternate(),
            progress: facts.progress,
            notification: facts.notification.clone(),
            created_at_ms: self.record.created_at_ms,
            mirror_of: None,
        }
    }

    /// Directory of the program: as it told (OSC 7), else as the kernel knows, else where it started. A directory reached by a
    /// link keeps the name by which it was reached.
    fn cwd(&self) -> String {
        if let Some(told) = self.io.live().cwd() {
            return told.to_string();
        }
        let begun_in = || self.record.cwd.clone();
        if self.state.borrow().has_ended() {
            return begun_in();
        }
        let link = format!("/proc/{}/cwd", self.process.load().pid);
        match std::fs::read_link(&link) {
            Ok(path) if !is_same(Path::new(&link), Path::new(&os_text::decoded(&begun_in()))) => {
                os_text::encoded(path)
            }
            Ok(_) | Err(_) => begun_in(),
        }
    }
}
