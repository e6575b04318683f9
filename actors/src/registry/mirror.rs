//! Mirrors: places in layouts that show another pane.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use protocol::reply::PaneInfo;
use protocol::{Error, ErrorCode, Name, PaneNumber, PaneUuid, SessionUuid};

use super::Registry;
use crate::clock::epoch_ms;
use crate::pane::{PaneEntry, PanePlace, swap_back};
use crate::slots::Slot;
use model::pane::StoredMirror;

/// A second, read-only view of a pane. It has no program, no screen and no actor: what it shows is the
/// pane's own screen, and it goes when the pane goes.
pub(crate) struct Mirror {
    /// Its own id, a leaf of a layout.
    pub id: PaneUuid,
    /// Its number.
    pub number: PaneNumber,
    /// The session it is in.
    pub session: SessionUuid,
    /// The pane it shows.
    pub of: Arc<PaneEntry>,
    pub(super) name: ArcSwapOption<Name>,
    pub(super) created_at_ms: u64,
    /// It counts as a pane, so that there is a limit.
    _slot: Slot,
}

impl Mirror {
    /// A mirror of an earlier daemon.
    #[must_use]
    pub(crate) fn restored(stored: StoredMirror, of: Arc<PaneEntry>, slot: Slot) -> Self {
        Self {
            id: stored.id,
            created_at_ms: stored.created_at_ms,
            ..Self::new(stored.session, stored.number, of, stored.name, slot)
        }
    }

    /// A mirror of `of` that has no place yet.
    #[must_use]
    pub(crate) fn new(
        session: SessionUuid,
        number: PaneNumber,
        of: Arc<PaneEntry>,
        name: Option<Name>,
        slot: Slot,
    ) -> Self {
        Self {
            id: PaneUuid::new(),
            number,
            session,
            of,
            name: ArcSwapOption::new(name.map(Arc::new)),
            created_at_ms: epoch_ms(),
            _slot: slot,
        }
    }
}

/// The content of one place of a layout.
#[derive(Clone)]
pub(crate) enum Leaf {
    /// A pane.
    Pane(Arc<PaneEntry>),
    /// A view of a pane that has its own place.
    Mirror(Arc<Mirror>),
}

impl Leaf {
    /// The id by which layouts and callers know it.
    #[must_use]
    pub(crate) fn id(&self) -> PaneUuid {
        match self {
            Self::Pane(pane) => pane.id,
            Self::Mirror(mirror) => mirror.id,
        }
    }

    /// Its number.
    #[must_use]
    pub(crate) fn number(&self) -> PaneNumber {
        match self {
            Self::Pane(pane) => pane.record.number,
            Self::Mirror(mirror) => mirror.number,
        }
    }

    /// It as messages call it and somebody can type it: by its number, where it has one.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Pane(pane) => pane.shown(),
            Self::Mirror(mirror) => {
                let number = mirror.number.told();
                number.map_or_else(|| mirror.id.to_string(), |number| number.to_string())
            }
        }
    }

    /// The session whose layout it is in.
    #[must_use]
    pub(crate) fn session(&self) -> SessionUuid {
        match self {
            Self::Pane(pane) => pane.session,
            Self::Mirror(mirror) => mirror.session,
        }
    }

    /// The pane whose screen it shows.
    #[must_use]
    pub(crate) fn pane(&self) -> &Arc<PaneEntry> {
        match self {
            Self::Pane(pane) => pane,
            Self::Mirror(mirror) => &mirror.of,
        }
    }

    /// The pane, when it takes input.
    ///
    /// # Errors
    /// `denied` for a mirror, with the pane it shows.
    pub(crate) fn writable(&self) -> Result<&Arc<PaneEntry>, Error> {
        match self {
            Self::Pane(pane) => Ok(pane),
            Self::Mirror(mirror) => Err(Error::new(
                ErrorCode::Denied,
                format!(
                    "pane {} is a mirror, a read-only view of pane {}",
                    self.shown(),
                    mirror.of.shown()
                ),
            )
            .hint("type into the pane it shows")
            .candidates([mirror.of.shown()])),
        }
    }

    /// Its label.
    #[must_use]
    pub(crate) fn name(&self) -> Option<Arc<Name>> {
        match self {
            Self::Pane(pane) => pane.name(),
            Self::Mirror(mirror) => mirror.name.load_full(),
        }
    }

    /// Gives it another label, and says which it had.
    pub(crate) fn rename(&self, name: Option<Arc<Name>>) -> Option<Arc<Name>> {
        match self {
            Self::Pane(pane) => pane.rename(name),
            Self::Mirror(mirror) => mirror.name.swap(name),
        }
    }

    /// Gives it the label of before again, unless somebody has given it another one than `set` meanwhile. True if it has it.
    pub(crate) fn take_back(&self, set: Arc<Name>, before: Option<Arc<Name>>) -> bool {
        match self {
            Self::Pane(pane) => pane.take_name_back(set, before),
            Self::Mirror(mirror) => swap_back(&mirror.name, set, before),
        }
    }

    /// As it stands in a list.
    #[must_use]
    pub(crate) fn info(&self, place: &PanePlace) -> PaneInfo {
        let info = self.pane().info(place);
        match self {
            Self::Pane(_) => info,
            Self::Mirror(mirror) => PaneInfo {
                pane_id: mirror.id,
                number: mirror.number.told(),
                session_id: mirror.session,
                name: self.name().map(|name| Name::clone(&name)),
                created_at_ms: mirror.created_at_ms,
                mirror_of: Some(mirror.of.id),
                ..info
            },
        }
    }
}

impl Registry {
    /// The pane that has this id, or the mirror of one.
    #[must_use]
    pub(crate) fn leaf(&self, id: PaneUuid) -> Option<Leaf> {
        match self.pane(id) {
            Some(pane) => Some(Leaf::Pane(pane)),
            None => self
                .mirrors
                .get(&id)
                .map(|mirror| Leaf::Mirror(Arc::clone(&mirror))),
        }
    }

    /// Panes and mirrors, in no order.
    #[must_use]
    pub(crate) fn leaves(&self) -> Vec<Leaf> {
        let panes = self.panes().into_iter().map(Leaf::Pane);
        let mirrors = self.mirrors.iter().map(|m| Leaf::Mirror(Arc::clone(&m)));
        panes.chain(mirrors.collect::<Vec<_>>()).collect()
    }

    /// Enters a mirror, before it has its place.
    pub(crate) fn insert_mirror(&self, mirror: Arc<Mirror>) {
        self.mirrors.insert(mirror.id, mirror);
    }

    /// Takes a mirror out.
    pub(crate) fn remove_mirror(&self, id: PaneUuid) {
        self.mirrors.remove(&id);
    }

    /// Takes all mirrors of a pane out.
    pub(crate) fn take_mirrors_of(&self, pane: PaneUuid) -> Vec<Arc<Mirror>> {
        self.take_mirrors(|mirror| mirror.of.id == pane)
    }

    /// Takes out the mirrors that are chosen.
    pub(super) fn take_mirrors(&self, chosen: impl Fn(&Mirror) -> bool) -> Vec<Arc<Mirror>> {
        let ids: Vec<_> = self
            .mirrors
            .iter()
            .filter(|mirror| chosen(mirror))
            .map(|mirror| mirror.id)
            .collect();
        let taken = ids.iter().filter_map(|id| self.mirrors.remove(id));
        taken.map(|(_, mirror)| mirror).collect()
    }
}
