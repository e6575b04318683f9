//! Another name for a pane: recorded, or undone.

use std::sync::Arc;

use protocol::{Error, Name};

use crate::registry::Leaf;
use crate::server::Server;
use crate::step::step;
use crate::store::PendingCommit;

/// Gives a pane another name, and the one before when that cannot be recorded. It keeps the new one when that is settled.
pub(super) async fn rename<'a>(
    server: &'a Server,
    leaf: &'a Leaf,
    name: Name,
) -> Result<Renamed<'a>, Error> {
    let name = Arc::new(name);
    let before = leaf.rename(Some(Arc::clone(&name)));
    let renamed = Renamed {
        server,
        leaf,
        undo: Some((name, before)),
    };
    step!("rename: it is recorded")?;
    save(server, leaf).wait().await?;
    Ok(renamed)
}

fn save(server: &Server, leaf: &Leaf) -> PendingCommit {
    server.registry.note_change();
    match leaf {
        Leaf::Pane(pane) => server.store.save(pane),
        Leaf::Mirror(mirror) => server.store.save(mirror),
    }
}

/// A pane with another name. Unless that is settled, it gets the one before again: also by a panic.
pub(super) struct Renamed<'a> {
    server: &'a Server,
    leaf: &'a Leaf,
    /// The name, and the one before.
    undo: Option<(Arc<Name>, Option<Arc<Name>>)>,
}

impl Renamed<'_> {
    /// All that was asked for together with it is done.
    pub(super) fn settled(mut self) {
        self.undo = None;
    }
}

impl Drop for Renamed<'_> {
    fn drop(&mut self) {
        if let Some((name, before)) = self.undo.take()
            && self.leaf.take_back(name, before)
        {
            let _ = save(self.server, self.leaf);
        }
    }
}

#[cfg(test)]
mod tests;
