//! The request that shows a window's layout, in the shape that makes such a one.

use std::sync::Arc;

use protocol::reply::{PlacedPane, WindowLayout};
use protocol::request::{GetLayout, LayoutNode, PaneSpec, Program, StopRecipe};
use protocol::rights::Level;
use protocol::{Error, ErrorCode, Name, PaneUuid, os_text};

use super::super::pane::session_and_window;
use crate::registry::{Caller, Leaf};
use crate::server::Server;
use model::pane::PaneRecord;

pub(in super::super) fn get(
    server: &Arc<Server>,
    caller: &Caller,
    params: &GetLayout,
) -> Result<WindowLayout, Error> {
    let (session, window) = (params.session.as_ref(), params.window.as_ref());
    let (session, window) = session_and_window(server, caller, session, window)?;
    let snapshot = session.snapshot();
    let window = match window {
        Some(id) => snapshot.window(id),
        None => snapshot.focused_window(),
    };
    let window = window.ok_or_else(|| {
        let message = format!("session {} has no window at this moment", snapshot.name);
        Error::new(ErrorCode::NotFound, message)
            .hint("make one with `fugue window` or fugue_create_window")
    })?;
    let registry = &server.registry;
    let rects = window.rects(snapshot.size).into_iter();
    let panes = rects.filter_map(|(id, rect)| {
        let leaf = registry.leaf(id)?;
        let (mirror_of, pane) = match &leaf {
            Leaf::Pane(pane) => (None, pane),
            Leaf::Mirror(mirror) => (Some(mirror.of.id), &mirror.of),
        };
        Some(PlacedPane {
            pane_id: id,
            number: leaf.number().told(),
            name: leaf.name().map(|name| Name::clone(&name)),
            command: pane.record.command.clone(),
            focused: window.focused == id,
            row: rect.row,
            col: rect.col,
            size: rect.size,
            mirror_of,
        })
    });
    let panes = panes.collect();
    // Variables can be secrets, which looking does not show.
    let with_variables = caller.rights.level.reaches(Level::Full);
    let mut spec = |id: PaneUuid| {
        let pane = registry.pane(id)?;
        let name = pane.name().map(|name| Name::clone(&name));
        Some(spec(
            &server.config.stop.recipe(),
            name,
            &pane.record,
            with_variables,
        ))
    };
    let layout: Option<LayoutNode> = window.layout.wanted(&mut spec);
    let infos = snapshot.window_infos().into_iter();
    let info = infos.into_iter().find(|info| info.window_id == window.id);
    let window = info.ok_or_else(|| {
        Error::new(
            ErrorCode::NotFound,
            format!("window {} is gone", window.number),
        )
    })?;
    Ok(WindowLayout {
        context: session.context(&server.name),
        window,
        panes,
        layout,
    })
}

/// A pane as a request would describe it.
fn spec(
    usual: &StopRecipe,
    name: Option<Name>,
    record: &PaneRecord,
    with_variables: bool,
) -> PaneSpec {
    let given = record.given.iter().flatten();
    let given = given.filter(|_| with_variables).filter_map(|name| {
        let variable = record.env.iter().find(|(known, _)| known == name);
        variable.cloned()
    });
    PaneSpec {
        name,
        program: program(record),
        cwd: Some(record.cwd.clone()),
        env: given.collect(),
        settings: record.settings,
        stop: match record.stop == StopRecipe::default().or(usual) {
            true => StopRecipe::default(),
            false => record.stop.clone(),
        },
        history_lines: u32::try_from(record.history_lines).ok(),
        login: record.program.is_some() && record.argv.first().is_some_and(|a| a.starts_with('-')),
    }
}

fn program(record: &PaneRecord) -> Program {
    match record.argv.as_slice() {
        _ if record.program.is_some() => Program::LoginShell,
        // As the shell is found that nobody has chosen; it is shown by its line.
        [shell, option, line]
            if option == "-c"
                && matches!(shell.as_str(), "bash" | "sh")
                && record.command == os_text::shown(line) =>
        {
            Program::ShellLine {
                line: line.clone(),
                shell: None,
            }
        }
        argv => Program::Argv(argv.to_vec()),
    }
}
