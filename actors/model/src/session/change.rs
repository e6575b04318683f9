//! Everything that can change in a session, as pure functions from one snapshot to the next.

use std::collections::BTreeMap;

use protocol::paths::UMASK_VARIABLE;
use protocol::request::UpdateSession;
use protocol::{
    Direction, Error, ErrorCode, Name, OrchestrationUuid, PaneUuid, Size, WindowNumber, WindowUuid,
    os_text,
};

use super::layout::{Layout, NoRoom};
use super::snapshot::{Environment, SessionSnapshot, Window};

/// Most variables, tags or metadata entries of a session.
const MAX_ENTRIES: usize = 1_000;

/// Most bytes of one variable, tag or metadata entry.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// Most bytes of all variables and metadata entries of a session together: an answer with them must fit a frame.
const MAX_SUM_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes of all tags of a session together: they stand in the list of all sessions.
const MAX_TAGS_BYTES: usize = 64 * 1024;

/// The place of a new pane.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The new pane.
    pub pane: PaneUuid,
    /// Into a window of its own, or beside another pane.
    pub place: Place,
    /// It becomes the focused one.
    pub select: bool,
}

/// The two kinds of place.
#[derive(Clone, Debug)]
pub enum Place {
    /// A window of its own.
    NewWindow {
        /// Its name; its index when absent.
        name: Option<Name>,
    },
    /// Beside a pane.
    Beside {
        /// The window; the focused one when absent.
        window: Option<WindowUuid>,
        /// The pane; the window's focused one when absent.
        pane: Option<PaneUuid>,
        /// To the right or below.
        direction: Direction,
        /// The new pane's share.
        ratio: f64,
    },
    /// A whole layout, of which the placed pane is the first.
    Layout {
        /// In the right half of this window; a window of its own when absent.
        window: Option<WindowUuid>,
        /// The name of the window of its own; its index when absent.
        name: Option<Name>,
        /// All its panes.
        layout: Layout,
    },
    /// In an orchestration's grid.
    Grid {
        /// The orchestration whose grid it is.
        orchestration: OrchestrationUuid,
        /// The window's name when it has to be made.
        name: Name,
    },
}

/// A change that is not about clients or the coming and going of panes.
#[derive(Clone, Debug)]
pub enum Change {
    /// Of the session itself.
    Session(UpdateSession),
    /// Of a window: a new name, or the focus.
    Window {
        /// The window.
        window: WindowUuid,
        /// Its new name.
        name: Option<Name>,
        /// Make it the focused one.
        select: bool,
    },
    /// The focus or the wished extents of a pane.
    Pane {
        /// The pane.
        pane: PaneUuid,
        /// Make it the focused one, with its window.
        focus: bool,
        /// Rows it should have.
        rows: Option<u16>,
        /// Columns it should have.
        cols: Option<u16>,
        /// Its share of the split that it is in.
        ratio: Option<f64>,
    },
    /// A view went to another pane; the others stay where they are.
    ViewStep(PaneUuid),
}

impl Change {
    /// True if it counts as use of the session.
    #[must_use]
    pub fn selects(&self) -> bool {
        match self {
            Self::Session(update) => update.select,
            Self::Window { select, .. } => *select,
            Self::Pane { focus, .. } => *focus,
            Self::ViewStep(_) => true,
        }
    }
}

fn gone(kind: &str, id: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::NotFound, format!("{kind} {id} is gone"))
        .hint("list what there is, as with `fugue panes` or fugue_list_panes")
}

impl SessionSnapshot {
    /// The session with a new pane in its place, and that pane's size.
    ///
    /// # Errors
    /// `not_found` for a window or pane that is gone; `limit` when there is no room.
    pub fn placed(&self, placement: &Placement) -> Result<(Self, Size), Error> {
        let mut next = self.clone();
        let pane = placement.pane;
        let window = match &placement.place {
            Place::NewWindow { name } => next.add_window(pane, name.clone(), None),
            Place::Beside {
                window,
                pane: beside,
                direction,
                ratio,
            } => next.split(pane, *window, *beside, *direction, *ratio)?,
            Place::Layout {
                window,
                name,
                layout,
            } => next.add_layout(*window, name.clone(), layout)?,
            Place::Grid {
                orchestration,
                name,
            } => next.add_to_grid(pane, *orchestration, name),
        };
        if placement.select || next.focused.is_none() {
            next.focus(window, pane);
            next.focus_epoch += u64::from(placement.select);
        }
        let size = next.pane_sizes().remove(&pane).unwrap_or(next.size);
        Ok((next, size))
    }

    fn add_window(
        &mut self,
        pane: PaneUuid,
        name: Option<Name>,
        tiled_for: Option<OrchestrationUuid>,
    ) -> WindowUuid {
        let id = WindowUuid::new();
        let index = self.windows.len();
        let name =
            name.unwrap_or_else(|| Name::new(&index.to_string()).expect("a number is a name"));
        self.windows.push(Window {
            id,
            number: WindowNumber::default(),
            name,
            layout: Layout::single(pane),
            focused: pane,
            tiled_for,
        });
        id
    }

    fn split(
        &mut self,
        new: PaneUuid,
        window: Option<WindowUuid>,
        beside: Option<PaneUuid>,
        direction: Direction,
        ratio: f64,
    ) -> Result<WindowUuid, Error> {
        let size = self.size;
        let id = match (window, beside) {
            (Some(id), _) => id,
            (None, Some(pane)) => self.window_of(pane).ok_or_else(|| gone("pane", pane))?.id,
            (None, None) => match self.focused_window() {
                Some(window) => window.id,
                // An empty session that is held: its first pane needs no neighbour.
                None => return Ok(self.add_window(new, None, None)),
            },
        };
        let window = self
            .windows
            .iter_mut()
            .find(|window| window.id == id)
            .ok_or_else(|| gone("window", id))?;
        let target = beside.unwrap_or(window.focused);
        if !window.layout.panes().contains(&target) {
            return Err(gone("pane", target));
        }
        window.layout = window
            .layout
            .split(target, new, direction, ratio, size)
            .map_err(|no_room| {
                Error::new(
                    ErrorCode::Limit,
                    format!(
                        "window {} of {} × {} cannot be split: {no_room}",
                        window.name, size.rows, size.cols
                    ),
                )
                .hint("create the pane in a new window, or close a pane first")
            })?;
        Ok(id)
    }

    fn add_layout(
        &mut self,
        window: Option<WindowUuid>,
        name: Option<Name>,
        layout: &Layout,
    ) -> Result<WindowUuid, Error> {
        let size = self.size;
        let no_room = |no_room: NoRoom| {
            Error::new(
                ErrorCode::Limit,
                format!(
                    "the layout does not fit a window of {} × {}: {no_room}",
                    size.rows, size.cols
                ),
            )
            .hint("use fewer panes or more even ratios, or make the session larger")
        };
        layout.divides(size).map_err(no_room)?;
        let Some(id) = window else {
            let first = layout.panes()[0];
            let id = self.add_window(first, name, None);
            if let Some(made) = self.windows.last_mut() {
                made.layout = layout.clone();
            }
            return Ok(id);
        };
        let found = self.windows.iter_mut().find(|window| window.id == id);
        let found = found.ok_or_else(|| gone("window", id))?;
        let both = found.layout.clone().beside(layout.clone());
        let half = both.halves(size).1;
        both.fits(size)
            .and_then(|()| layout.divides(half))
            .map_err(no_room)?;
        found.layout = both;
        Ok(id)
    }

    fn add_to_grid(
        &mut self,
        pane: PaneUuid,
        orchestration: OrchestrationUuid,
        name: &Name,
    ) -> WindowUuid {
        let grid = |window: &&mut Window| window.tiled_for == Some(orchestration);
        let Some(window) = self.windows.iter_mut().find(grid) else {
            return self.add_window(pane, Some(name.clone()), Some(orchestration));
        };
        let mut panes = window.layout.panes();
        panes.push(pane);
        window.layout = Layout::tiled(&panes);
        window.id
    }

    fn focus(&mut self, window: WindowUuid, pane: PaneUuid) {
        self.focused = Some(window);
        if let Some(window) = self.windows.iter_mut().find(|w| w.id == window) {
            window.focused = pane;
        }
    }

    /// Takes a pane out; a window without panes goes with it, and the focus goes to a neighbour.
    pub fn remove_pane(&mut self, pane: PaneUuid) {
        let Some(index) = self
            .windows
            .iter()
            .position(|window| window.layout.panes().contains(&pane))
        else {
            return;
        };
        let window = &mut self.windows[index];
        let panes = window.layout.panes();
        match window.layout.without(pane) {
            Some(layout) => {
                window.layout = match window.tiled_for {
                    Some(_) => Layout::tiled(&layout.panes()),
                    None => layout,
                };
                if window.focused == pane {
                    let at = panes.iter().position(|p| *p == pane).unwrap_or_default();
                    let neighbour = if at == 0 { 1 } else { at - 1 };
                    window.focused = panes[neighbour];
                }
            }
            None => {
                let id = self.windows.remove(index).id;
                if self.focused == Some(id) {
                    let next = index.min(self.windows.len().saturating_sub(1));
                    self.focused = self.windows.get(next).map(|window| window.id);
                }
            }
        }
    }

    /// The session after `change`.
    ///
    /// # Errors
    /// `not_found` for a window or pane that is gone; `limit` and `invalid_argument` for too many or
    /// malformed entries.
    pub fn changed(&self, change: Change) -> Result<Self, Error> {
        let mut next = self.clone();
        match change {
            Change::Session(update) => next.update(update)?,
            Change::Window {
                window,
                name,
                select,
            } => {
                let found = next.windows.iter_mut().find(|w| w.id == window);
                let found = found.ok_or_else(|| gone("window", window))?;
                if let Some(name) = name {
                    found.name = name;
                }
                if select {
                    next.focused = Some(window);
                    next.focus_epoch += 1;
                }
            }
            Change::Pane {
                pane,
                focus,
                rows,
                cols,
                ratio,
            } => {
                next.resize_pane(pane, rows, cols)?;
                if let Some(ratio) = ratio {
                    next.share_pane(pane, ratio)?;
                }
                if focus {
                    let window = next.window_of(pane).ok_or_else(|| gone("pane", pane))?.id;
                    next.focus(window, pane);
                    next.focus_epoch += 1;
                }
            }
            Change::ViewStep(pane) => {
                let window = next.window_of(pane).ok_or_else(|| gone("pane", pane))?.id;
                next.focus(window, pane);
            }
        }
        Ok(next)
    }

    fn resize_pane(
        &mut self,
        pane: PaneUuid,
        rows: Option<u16>,
        cols: Option<u16>,
    ) -> Result<(), Error> {
        let size = self.size;
        let window = self
            .windows
            .iter_mut()
            .find(|window| window.layout.panes().contains(&pane))
            .ok_or_else(|| gone("pane", pane))?;
        for (extent, direction) in [(rows, Direction::Down), (cols, Direction::Right)] {
            if let Some(extent) = extent {
                window.layout = window.layout.resized(pane, direction, extent, size);
            }
        }
        // A pane alone in its window has the window's size, so the wish is the session's.
        if window.layout.panes().len() == 1 && self.clients.is_empty() {
            self.size =
                Size::new(rows.unwrap_or(size.rows), cols.unwrap_or(size.cols)).checked()?;
        }
        Ok(())
    }

    fn share_pane(&mut self, pane: PaneUuid, ratio: f64) -> Result<(), Error> {
        let window = self
            .windows
            .iter_mut()
            .find(|window| window.layout.panes().contains(&pane))
            .ok_or_else(|| gone("pane", pane))?;
        if window.layout.panes().len() == 1 {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "the pane is alone in its window and has no share of it",
            )
            .hint("give rows or cols for the session's size"));
        }
        window.layout = window.layout.with_ratio(pane, ratio);
        Ok(())
    }

    fn update(&mut self, update: UpdateSession) -> Result<(), Error> {
        if let Some(name) = update.name {
            self.name = name;
        }
        for (name, value) in update.environment {
            checked_variable(&name)?;
            let variable = "environment variable";
            checked_entry(variable, &name, value.as_deref(), os_text::is_possible)?;
            if let (UMASK_VARIABLE, Some(digits)) = (name.as_str(), &value) {
                checked_umask(digits)?;
            }
            self.environment.changes.insert(name, value);
        }
        for (key, value) in update.metadata {
            checked_entry("metadata entry", &key, value.as_deref(), is_text)?;
            match value {
                Some(value) => self.metadata.insert(key, value),
                None => self.metadata.remove(&key),
            };
        }
        if let Some(tags) = update.tags {
            for tag in &tags {
                checked_entry("tag", tag, None, is_text)?;
            }
            self.tags = tags;
        }
        let counts = [
            self.environment.changes.len(),
            self.metadata.len(),
            self.tags.len(),
        ];
        if counts.iter().any(|count| *count > MAX_ENTRIES) {
            return Err(Error::new(
                ErrorCode::Limit,
                format!(
                    "a session has at most {MAX_ENTRIES} variables, tags and metadata entries each"
                ),
            ));
        }
        self.check_sums()
    }

    /// Its environment after somebody has attached with these variables of their login, given or absent there.
    ///
    /// # Errors
    /// `invalid_argument` and `limit` for malformed or large ones.
    pub fn learned(&self, login: &BTreeMap<String, Option<String>>) -> Result<Environment, Error> {
        let known = self.environment.merged();
        let news = login
            .iter()
            .filter(|(name, value)| known.get(*name) != value.as_ref());
        let mut next = self.clone();
        next.update(UpdateSession {
            environment: news
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            ..UpdateSession::default()
        })?;
        Ok(next.environment)
    }

    fn check_sums(&self) -> Result<(), Error> {
        let length = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        let variables = self.environment.changes.iter();
        let variables = variables.map(|(name, value)| name.len() + length(value));
        let entries = self
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len());
        let sum: usize = variables.chain(entries).sum();
        let tags: usize = self.tags.iter().map(String::len).sum();
        for (what, bytes, most) in [
            ("variables and metadata", sum, MAX_SUM_BYTES),
            ("tags", tags, MAX_TAGS_BYTES),
        ] {
            if bytes > most {
                return Err(Error::new(
                    ErrorCode::Limit,
                    format!("the session's {what} would have {bytes} bytes together; at most {most} are possible"),
                )
                .hint("nothing was changed; keep large things in files, and their paths here"));
            }
        }
        Ok(())
    }

    /// Each pane's size in its window.
    #[must_use]
    pub fn pane_sizes(&self) -> BTreeMap<PaneUuid, Size> {
        self.windows
            .iter()
            .flat_map(|window| window.rects(self.size))
            .map(|(pane, rect)| (pane, rect.size))
            .collect()
    }

    /// Each pane's size while somebody looks with a view of one pane: the one that is shown has all of the terminal.
    #[must_use]
    pub fn shown_sizes(&self) -> BTreeMap<PaneUuid, Size> {
        let mut sizes = self.pane_sizes();
        if let Some(shown) = self.focused_pane().and_then(|pane| sizes.get_mut(&pane)) {
            *shown = self.size;
        }
        sizes
    }
}

/// Checks an environment variable's name.
///
/// # Errors
/// `invalid_argument` for an empty name, or one with `=` or NUL.
pub fn checked_variable(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains('=') || !os_text::is_possible(name) {
        return Err(Error::invalid(format!(
            "{} cannot be the name of an environment variable",
            protocol::name::shown(name)
        ))
        .hint("a name is not empty and has no '=' and no NUL"));
    }
    Ok(())
}

/// The umask that a session's environment names.
///
/// # Errors
/// `invalid_argument` for what is none.
pub fn checked_umask(digits: &str) -> Result<u32, Error> {
    let mask = u32::from_str_radix(digits, 8).ok();
    mask.filter(|mask| *mask <= 0o777).ok_or_else(|| {
        let shown = protocol::name::shown(digits);
        Error::invalid(format!("{UMASK_VARIABLE} is {shown}, which is no umask"))
            .hint("give octal digits, such as 022 or 077")
    })
}

fn is_text(value: &str) -> bool {
    !value.contains('\0')
}

fn checked_entry(
    kind: &str,
    key: &str,
    value: Option<&str>,
    is_right: fn(&str) -> bool,
) -> Result<(), Error> {
    let bytes = key.len() + value.map_or(0, str::len);
    if key.is_empty() || bytes > MAX_ENTRY_BYTES || !value.is_none_or(is_right) {
        return Err(Error::invalid(format!(
            "{} is no {kind}: 1 to {MAX_ENTRY_BYTES} bytes without NUL",
            protocol::name::shown(key)
        )));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
