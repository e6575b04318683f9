//! Small changes by hand: the focus, sizes and mirrors.

use clap::Args;
use protocol::request::{
    MirrorPane, SignalPane, SignalTo, UpdatePane, UpdateSession, UpdateWindow,
};
use protocol::target::PathRest;
use protocol::{Direction, Name, Size, Target};

use super::caller::CALL_LIMIT;
use super::places::Named;
use super::units::size;
use super::{Caller, Outcome, args, output};

/// `fugue focus`.
#[derive(Debug, Args)]
pub(crate) struct FocusArgs {
    /// The pane that commands and viewers of its session are to mean
    pane: String,
}

/// `fugue select`.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// A session to be the active one, or a window to be its session's focused one
    target: String,
}

/// `fugue resize`.
#[derive(Debug, Args)]
pub(crate) struct ResizeArgs {
    /// The pane
    pane: String,
    /// Its size within its window, as far as the others leave room
    #[arg(long, value_name = "COLSxROWS", value_parser = args::size, conflicts_with_all = ["cols", "rows"])]
    size: Option<Size>,
    /// Its width in columns
    #[arg(long, required_unless_present_any = ["size", "rows", "ratio"])]
    cols: Option<u16>,
    /// Its height in rows
    #[arg(long)]
    rows: Option<u16>,
    /// Its share of the split that it is in, such as 0.3
    #[arg(long, value_parser = args::ratio)]
    ratio: Option<f64>,
}

/// `fugue mirror`.
#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// The pane to be shown a second time, read-only
    pane: String,
    /// The session or window to show it in [default: the caller's own session, else the active one]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Show it in a window of its own
    #[arg(long)]
    new_window: bool,
    /// Below the focused pane instead of to its right
    #[arg(long, conflicts_with = "new_window")]
    down: bool,
    /// Its share of the space [default: 0.5]
    #[arg(long, value_parser = args::ratio, conflicts_with = "new_window")]
    ratio: Option<f64>,
    /// Its name
    #[arg(short, long)]
    name: Option<Name>,
    /// Do not make it the focused pane
    #[arg(short, long)]
    detached: bool,
    /// Print its number alone
    #[arg(short, long)]
    quiet: bool,
}

/// `fugue signal`.
#[derive(Debug, Args)]
pub(crate) struct SignalArgs {
    /// The pane
    pane: String,
    /// The signal by its name or number, such as HUP, SIGUSR1 or 15
    #[arg(value_parser = signal_number)]
    signal: i32,
    /// To all that the pane has started, not only to what is in the foreground
    #[arg(long)]
    all: bool,
    /// To the pane's program alone
    #[arg(long, conflicts_with = "all")]
    program: bool,
}

fn signal_number(text: &str) -> Result<i32, String> {
    protocol::reply::signal_number(text).ok_or_else(|| {
        "no signal has this name; write HUP, SIGTERM or a number from 1 to 64".to_owned()
    })
}

impl SignalArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let to = match (self.all, self.program) {
            (true, _) => SignalTo::All,
            (false, true) => SignalTo::Program,
            (false, false) => SignalTo::Foreground,
        };
        let signal = SignalPane {
            pane,
            signal: self.signal,
            to,
        };
        let sent = caller.call(&server, &signal).await?;
        output::answer(caller, server.name(), &sent, |_| String::new())?;
        Ok(0)
    }
}

impl FocusArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let update = UpdatePane {
            focus: true,
            ..unchanged(pane)
        };
        let reply = caller.call(&server, &update).await?;
        output::answer(caller, server.name(), &reply, |_| String::new())?;
        Ok(0)
    }
}

/// An update of a pane that changes nothing yet.
pub(super) fn unchanged(pane: Target) -> UpdatePane {
    UpdatePane {
        pane,
        name: None,
        focus: false,
        rows: None,
        cols: None,
        ratio: None,
    }
}

impl SelectArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, target) = caller.target(&self.target)?;
        if is_window(&target) {
            let update = UpdateWindow {
                session: None,
                window: target,
                name: None,
                select: true,
            };
            let reply = caller.call(&server, &update).await?;
            output::answer(caller, server.name(), &reply, |_| String::new())?;
        } else {
            let update = UpdateSession {
                session: Some(target),
                select: true,
                ..UpdateSession::default()
            };
            let reply = caller.call(&server, &update).await?;
            output::answer(caller, server.name(), &reply, |_| String::new())?;
        }
        Ok(0)
    }
}

/// True if the target says by its form that it is a window.
pub(super) fn is_window(target: &Target) -> bool {
    match target {
        Target::Window(_) => true,
        Target::Path(path) => match path.rest {
            PathRest::Window(_) => true,
            PathRest::Pane(_) | PathRest::Both(..) => false,
        },
        Target::Id(_) | Target::Name(_) | Target::Session(_) | Target::Pane(_) => false,
    }
}

impl ResizeArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let update = UpdatePane {
            rows: self.size.map(|size| size.rows).or(self.rows),
            cols: self.size.map(|size| size.cols).or(self.cols),
            ratio: self.ratio,
            ..unchanged(pane)
        };
        let reply = caller.call(&server, &update).await?;
        output::answer(caller, server.name(), &reply, |pane| size(pane.size))?;
        Ok(0)
    }
}

impl MirrorArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, pane) = caller.target(&self.pane)?;
        let (place, to) = caller.maybe(self.to.as_deref())?;
        if self.to.is_some() && place.name() != server.name() {
            return Err(protocol::Error::invalid(format!(
                "{} and {} are on different servers",
                self.pane,
                self.to.unwrap_or_default()
            ))
            .hint("a mirror is on the server of its pane")
            .into());
        }
        let (session, window) = match to {
            Some(to) if is_window(&to) => (None, Some(to)),
            to => (to, None),
        };
        let mirror = MirrorPane {
            pane,
            session,
            window,
            new_window: self.new_window,
            direction: match self.down {
                true => Direction::Down,
                false => Direction::Right,
            },
            ratio: self.ratio,
            name: self.name,
            select: !self.detached,
        };
        let made = caller.call(&server, &mirror).await?;
        let number = caller.pane(server.name(), made.number, made.pane_id);
        if self.quiet || caller.json {
            output::answer(caller, server.name(), &made, |_| number)?;
            return Ok(0);
        }
        let session = Some(made.context.session_id.into());
        let panes = Named::of(&server, session, CALL_LIMIT).await;
        let place = panes.ok().and_then(|panes| panes.words(made.pane_id));
        let of = &self.pane;
        let text = match place {
            Some(place) => {
                let place = caller.shown(server.name(), place);
                format!("mirror of {of} is {place} ({number})")
            }
            None => format!("mirror of {of} is {number}"),
        };
        output::print_line(&text)?;
        Ok(0)
    }
}
