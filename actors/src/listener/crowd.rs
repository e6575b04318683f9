//! The last places for connections, which go to those who have few: a program that opens all it can get does not keep
//! the operator's commands out.

use crate::registry::Registry;
use crate::rights;

/// One place in so many is kept back.
const SHARE: usize = 16;

/// At most so many are.
const MOST: usize = 16;

/// Whoever has fewer connections than this gets one of them.
const FEW: usize = 4;

/// Places that are kept back of `most`.
pub(super) fn kept_back(most: usize) -> usize {
    (most / SHARE).min(MOST)
}

/// Whether a process, with all others inside the same pane, has few connections.
pub(super) fn is_modest(registry: &Registry, process: Option<i32>) -> bool {
    let Some(process) = process else {
        return false;
    };
    let inside = rights::above(registry, process).map(|pane| pane.id);
    let same = |client: &crate::registry::ClientEntry| {
        client.process == Some(process) || (inside.is_some() && client.inside == inside)
    };
    registry
        .clients()
        .iter()
        .filter(|client| same(client))
        .count()
        < FEW
}
