//! Another name for a pane: recorded, or undone.

use std::sync::Arc;

use protocol::{Error, Name};

use crate::registry::Leaf;
use crate::server::Server;
use crate::step::step;

/// Gives a pane another name, and the one before when that cannot be recorded.
pub(super) async fn rename(server: &Server, leaf: &Leaf, name: Name) -> Result<(), Error> {
    let save = || {
        server.registry.note_change();
        match leaf {
            Leaf::Pane(pane) => server.store.save(pane),
            Leaf::Mirror(mirror) => server.store.save(mirror),
        }
    };
    let before = leaf.rename(Some(Arc::new(name)));
    let mut undo = OnDrop(Some(|| {
        leaf.rename(before);
        let _ = save();
    }));
    step!("rename: it is recorded")?;
    save().wait().await?;
    undo.0 = None;
    Ok(())
}

/// Work that is done when it is dropped, unless it is taken out: also by a panic.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(undo) = self.0.take() {
            undo();
        }
    }
}
