//! The sessions that orchestrations made for themselves: lists leave them out unless they are asked for.

use std::collections::HashSet;

use protocol::fleet::Remote;
use protocol::reply::{Sessions, TreeNode};
use protocol::request::{ListSessions, Tree};
use protocol::{Error, SessionUuid};

use super::Caller;
use super::units::count;

/// Leaves them out of a list unless `all` are wanted, and says how many.
pub(crate) fn seen(sessions: &mut Sessions, all: bool) -> usize {
    let before = sessions.sessions.len();
    sessions
        .sessions
        .retain(|session| all || !session.is_out_of_sight());
    before - sessions.sessions.len()
}

/// The message about so many that a list without anything else has left out.
pub(crate) fn told(left_out: usize) -> String {
    let sessions = count(left_out, "session");
    format!("`fugue ls -a` also lists {sessions} that orchestrations made")
}

/// Their ids.
pub(crate) async fn out_of_sight(
    caller: &Caller,
    server: &Remote,
) -> Result<HashSet<SessionUuid>, Error> {
    let sessions = caller.call(server, &ListSessions {}).await?.sessions;
    let out = sessions.iter().filter(|session| session.is_out_of_sight());
    Ok(out.map(|session| session.session_id).collect())
}

/// The actor tree, without them unless `all` is wanted.
pub(crate) async fn tree(
    caller: &Caller,
    server: &Remote,
    wanted: &Tree,
    all: bool,
) -> Result<TreeNode, Error> {
    let mut root = caller.call(server, wanted).await?;
    if !all {
        let out = out_of_sight(caller, server).await?;
        prune(&mut root, &out);
    }
    Ok(root)
}

/// Takes the nodes of these sessions out.
fn prune(root: &mut TreeNode, out: &HashSet<SessionUuid>) {
    let is_out = |node: &TreeNode| {
        let id = node.id.parse::<SessionUuid>();
        id.is_ok_and(|id| out.contains(&id))
    };
    let lists = root
        .children
        .iter_mut()
        .filter(|node| node.id == "sessions");
    for list in lists {
        list.children.retain(|session| !is_out(session));
    }
}

#[cfg(test)]
mod tests;
