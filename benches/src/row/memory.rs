//! Memory that a pane with a full history costs: the server's and its keepers', not its program's.

use anyhow::Result;
use protocol::Size;

use crate::payload::Payload;
use crate::peer::{Fugue, Kind, Peer, Tmux};
use crate::proc;
use crate::report::{Line, Unit, Wanted};
use crate::socket::Desk;
use crate::stage::Stage;

/// Panes of one round.
const PANES: usize = 20;

/// History and screen are full of them; with more tmux drops a tenth of its history.
const LINES: usize = 2_020;

/// 3 MiB first, then tmux's; rmux's 587 KiB where tmux had 905 KiB is the peer beyond.
const FIRST_KIB: f64 = 3.0 * 1024.0;

/// Growth of the proportional set size for each of the panes.
pub(super) fn per_pane(stage: &Stage) -> Result<Vec<Line>> {
    let mut line = Line::new(
        "memory per pane, 2,000 lines, daemon and keeper",
        Unit::KiB,
        &[Wanted::Limit(FIRST_KIB), Wanted::AtMost(1.0, "tmux")],
    );
    let file = Payload::lines(stage.dir(), LINES)?.display().to_string();
    for round in 0..stage.rounds {
        let mut fugue = Fugue::start(stage)?;
        let ours = growth(stage, &mut fugue, &file, |fugue, name, argv| {
            fugue.session(name, argv, Size::DEFAULT).map(drop)
        })?;
        drop(fugue);
        let mut tmux = Tmux::start(stage)?;
        let theirs = growth(stage, &mut tmux, &file, |tmux, name, argv| {
            tmux.session(name, argv, Size::DEFAULT)
        })?;
        eprintln!("  {round} fugue {ours:.0} KiB, tmux {theirs:.0} KiB");
        line.add(Kind::Fugue.name(), ours);
        line.add(Kind::Tmux.name(), theirs);
    }
    Ok(vec![line])
}

/// The first pane stands for what the server costs without panes.
fn growth<P: Peer>(
    stage: &Stage,
    peer: &mut P,
    file: &str,
    start: impl Fn(&P, &str, &[String]) -> Result<()>,
) -> Result<f64> {
    let desk = Desk::open(&stage.fresh()?)?;
    let argv = desk.program(&["feed", file, "--query"])?;
    peer.run(&argv, Size::DEFAULT)?;
    let mut remotes = vec![desk.ready()?];
    remotes[0].work()?;
    let before = proc::pss_kib(&peer.server()?)?;
    for number in 0..PANES {
        start(peer, &format!("m{number}"), &argv)?;
        let mut remote = desk.ready()?;
        remote.work()?;
        remotes.push(remote);
    }
    let after = proc::pss_kib(&peer.server()?)?;
    Ok((after - before) / PANES as f64)
}
