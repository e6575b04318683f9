//! Resources: each pane's screen and each server's actor tree, by address.

use protocol::fleet::Fleet;
use protocol::reply::PaneInfo;
use protocol::{Error, ErrorCode, ServerName, Target, request};
use rmcp::model::{
    ErrorData, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;

use crate::call::Front;
use crate::route::{Place, QUICK, gathered};
use crate::shape;

/// Resources in one answer of a list.
const PAGE: usize = 200;

/// The thing that an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A pane's screen.
    Screen(ServerName, Target),
    /// A server's actor tree.
    Tree(ServerName),
}

impl Address {
    /// Reads `fugue://SERVER/pane/PANE/screen` or `fugue://SERVER/tree`.
    ///
    /// # Errors
    /// `invalid_argument` for anything else.
    pub(crate) fn parse(uri: &str) -> Result<Self, Error> {
        let wrong = || {
            let shown = protocol::name::shown(uri);
            Error::invalid(format!("{shown} is not the address of a resource"))
                .hint("addresses are fugue://SERVER/pane/PANE_ID/screen and fugue://SERVER/tree; resources/list has them")
        };
        let rest = uri.strip_prefix("fugue://").ok_or_else(wrong)?;
        let parts: Vec<&str> = rest.split('/').collect();
        match parts[..] {
            [server, "tree"] => Ok(Self::Tree(ServerName::new(server)?)),
            [server, "pane", pane, "screen"] => {
                Ok(Self::Screen(ServerName::new(server)?, Target::parse(pane)?))
            }
            _ => Err(wrong()),
        }
    }

    /// The server that has it.
    pub(crate) fn server(&self) -> &ServerName {
        match self {
            Self::Screen(server, _) | Self::Tree(server) => server,
        }
    }

    /// The pane, when it is one's screen.
    pub(crate) fn pane(&self) -> Option<&Target> {
        match self {
            Self::Screen(_, pane) => Some(pane),
            Self::Tree(_) => None,
        }
    }

    /// The server as the target of calls.
    ///
    /// # Errors
    /// `unknown_server`.
    pub(crate) fn place(&self, fleet: &Fleet) -> Result<Place, Error> {
        Place::new(fleet, self.server())
    }
}

fn screen(place: &Place, info: &PaneInfo) -> Resource {
    let name = match &info.name {
        Some(name) => name.to_string(),
        None => info.pane_id.to_string(),
    };
    let uri = format!("fugue://{}/pane/{}/screen", place.name(), info.pane_id);
    let status = shape::status_words(&info.status);
    let about = format!(
        "Screen of a pane in session {}: {}",
        info.session_name, status
    );
    Resource::new(uri, name)
        .with_title(info.command.clone())
        .with_description(about)
        .with_mime_type("text/plain")
}

fn tree(place: &Place) -> Resource {
    Resource::new(format!("fugue://{}/tree", place.name()), "tree")
        .with_title(format!("Actor tree of server {}", place.name()))
        .with_description(
            "Sessions, panes and runs under supervision: what runs, what restarted and why",
        )
        .with_mime_type("text/plain")
}

/// All resources, servers in order of their names, panes in order of creation; a server that fails
/// is left out. `after` is the last address of the page before.
pub(crate) async fn list(front: &Front, after: Option<&str>) -> Result<ListResourcesResult, Error> {
    let places = front.places(true, None)?;
    let all = request::ListPanes {
        all: true,
        ..request::ListPanes::default()
    };
    let asked = places.iter().map(|place| async {
        let mut panes = place.look(&all, QUICK).await?.panes;
        panes.sort_by_key(|pane| pane.pane_id);
        let screens = panes.iter().map(|info| screen(place, info));
        Ok::<_, Error>(std::iter::once(tree(place)).chain(screens).collect())
    });
    let lists = gathered(&places, asked).await;
    let lists: Vec<Vec<Resource>> = lists.into_iter().flatten().collect();
    let mut all: Vec<Resource> = lists.into_iter().flatten().collect();
    if let Some(after) = after {
        let at = all.iter().position(|resource| resource.uri == after);
        let at = at.ok_or_else(|| {
            Error::invalid(format!(
                "{} is no cursor of this list",
                protocol::name::shown(after)
            ))
            .hint("list again from the beginning: the resource it names is gone")
        })?;
        all.drain(..=at);
    }
    let more = all.len() > PAGE;
    all.truncate(PAGE);
    let cursor = all.last().filter(|_| more).map(|last| last.uri.clone());
    let mut result = ListResourcesResult::with_all_items(all);
    result.next_cursor = cursor;
    Ok(result)
}

/// The templates by which addresses are made.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let screen = ResourceTemplate::new("fugue://{server}/pane/{pane_id}/screen", "pane-screen")
        .with_title("Screen of a pane")
        .with_description(
            "Its visible text, also after its program has ended; pane_id may be a name",
        )
        .with_mime_type("text/plain");
    let tree = ResourceTemplate::new("fugue://{server}/tree", "tree")
        .with_title("Actor tree of a server")
        .with_mime_type("text/plain");
    ListResourceTemplatesResult::with_all_items(vec![screen, tree])
}

/// The text of one.
pub(crate) async fn read(front: &Front, uri: &str) -> Result<ReadResourceResult, Error> {
    let address = Address::parse(uri)?;
    let place = address.place(&front.fleet)?;
    let text = match address {
        Address::Tree(_) => {
            let tree = place.look(&request::Tree::default(), QUICK).await?;
            shape::tree_text(&tree)
        }
        Address::Screen(_, pane) => {
            let params = request::ReadPane {
                pane,
                lines: None,
                since: None,
                scrollback: false,
                ansi: false,
                max_bytes: None,
            };
            let read = place.look(&params, QUICK).await?;
            shape::without_blank_end(&read.text).to_owned()
        }
    };
    let contents = ResourceContents::text(text, uri);
    Ok(ReadResourceResult::new(vec![contents]))
}

/// An error outside tools, where MCP has error codes of its own.
pub(crate) fn refusal(error: &Error) -> ErrorData {
    let data = json!({
        "code": error.code.as_str(), "hint": error.hint, "candidates": error.candidates,
    });
    let message = format!("{}: {error}", error.code);
    match error.code {
        ErrorCode::NotFound | ErrorCode::PaneExited | ErrorCode::UnknownServer => {
            ErrorData::resource_not_found(message, Some(data))
        }
        ErrorCode::InvalidArgument | ErrorCode::AmbiguousName | ErrorCode::Limit => {
            ErrorData::invalid_params(message, Some(data))
        }
        ErrorCode::NameTaken
        | ErrorCode::NoSession
        | ErrorCode::ServerUnreachable
        | ErrorCode::Unsupported
        | ErrorCode::Busy
        | ErrorCode::Timeout
        | ErrorCode::Cancelled
        | ErrorCode::InputBlocked
        | ErrorCode::SpawnFailed
        | ErrorCode::Unauthenticated
        | ErrorCode::Denied
        | ErrorCode::Unreachable
        | ErrorCode::Internal => ErrorData::internal_error(message, Some(data)),
    }
}

#[cfg(test)]
mod tests;
