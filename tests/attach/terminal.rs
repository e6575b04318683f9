//! Programs are told what the terminal of who looks is, and what they make of it is shown there and undone.

use protocol::event::mode;
use protocol::id::PaneUuid;
use protocol::request::{Attach, UpdateView};
use protocol::terminal::{CellPixels, SetColors, TerminalColors, TerminalFacts};
use rustix::process::Signal;
use rustix::termios::tcgetwinsize;

use super::outer::{Outer, until_text};
use crate::support::daemon::{Client, Daemon};
use crate::support::view::{attach, named};
use crate::support::{eventually, proc, run};

/// A program that asks when it gets a byte, and shows each further one. What every terminal answers comes last.
async fn asks(client: &Client, name: &str, before: &str) -> PaneUuid {
    let ask = r"\033]11;?\033\\\033[14t\033[16t\033[5n";
    let line = format!(
        "stty raw -echo; printf '{before}READY'; dd bs=1 count=1 of=/dev/null 2>/dev/null; printf '{ask}'; exec cat -v"
    );
    let made = client.session(name, &line).await;
    until_text(client, made.pane_id, "READY").await;
    made.pane_id
}

/// A program that has set something and shows each key that it gets.
async fn shows_keys(client: &Client, set: &str) -> PaneUuid {
    let line = format!("stty raw -echo; printf '{set}READY'; exec cat -v");
    let made = client.session("target", &line).await;
    until_text(client, made.pane_id, "READY").await;
    made.pane_id
}

fn light(cell: Option<CellPixels>) -> TerminalFacts {
    TerminalFacts {
        colors: Some(TerminalColors {
            background: Some((0xfd, 0xf6, 0xe3)),
            ..TerminalColors::default()
        }),
        cell,
    }
}

const CELL: CellPixels = CellPixels {
    width: 9,
    height: 18,
};

#[test]
fn programs_are_told_of_the_attached_terminal_and_of_none_where_there_was_none() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let unseen = asks(&client, "unseen", "").await;
        client.ok(send(unseen, "x")).await;
        until_text(&client, unseen, "READY^[[0n").await;

        let seen = asks(&client, "seen", "").await;
        let view = Attach {
            terminal: light(Some(CELL)),
            ..attach(1, named("seen"))
        };
        client.ok(view).await;
        client.ok(send(seen, "x")).await;
        let told = "READY^[]11;rgb:fdfd/f6f6/e3e3^[\\^[[4;432;720t^[[6;18;9t^[[0n";
        until_text(&client, seen, told).await;
        let panes = client.panes().await;
        let pid = panes.iter().find(|pane| pane.pane_id == seen).unwrap().pid;
        let terminal = std::fs::File::open(format!("/proc/{pid}/fd/0")).unwrap();
        let size = tcgetwinsize(&terminal).unwrap();
        assert_eq!((size.ws_xpixel, size.ws_ypixel), (720, 432));
        // A terminal with other letters.
        let smaller = UpdateView {
            view: 1,
            terminal: Some(light(None)),
            ..UpdateView::default()
        };
        client.ok(smaller).await;
        eventually("no pixels", async || {
            let size = tcgetwinsize(&terminal).unwrap();
            (size.ws_xpixel == 0).then_some(())
        })
        .await;
    });
}

fn send(pane: PaneUuid, text: &str) -> protocol::request::SendInput {
    protocol::request::SendInput {
        pane: pane.into(),
        text: text.to_owned(),
        paste: None,
        keys: Vec::new(),
        submit: false,
        timeout_ms: None,
    }
}

#[test]
fn a_view_asks_its_terminal_and_nothing_of_the_answers_is_typed() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = asks(&client, "target", "").await;
        let mut outer = Outer::open(&daemon).await;
        outer.is(light(Some(CELL))).await;
        outer.attach("target").await;
        outer
            .until("the program", |outer| outer.text().contains("READY"))
            .await;
        // Once the server knows, each new pane is told at its start.
        eventually("the answers", async || {
            let window = protocol::request::CreateWindow {
                session: Some(named("target")),
                pane: crate::support::daemon::shell(
                    "stty raw -echo; printf '\\033]11;?\\033\\\\\\033[5n'; dd bs=1 count=40 2>/dev/null | cat -v",
                ),
                ..protocol::request::CreateWindow::default()
            };
            let made = client.ok(window).await;
            eventually("an answer", async || {
                let text = client.text(made.pane_id).await;
                text.contains("[0n").then_some(())
            })
            .await;
            let text = client.text(made.pane_id).await;
            client
                .ok(protocol::request::ClosePane {
                    pane: made.pane_id.into(),
                    force: true,
                    guarded: false,
                })
                .await;
            text.contains("fdfd/f6f6/e3e3").then_some(())
        })
        .await;
        let text = client.text(target).await;
        assert_eq!(text.trim_end(), "READY", "nothing was typed");
    });
}

#[test]
fn colours_that_a_program_sets_are_shown_and_undone_on_every_way_out() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let set =
            "\\033]10;#112233\\007\\033]11;#000001\\007\\033]4;1;#0000ff\\007\\033]12;#ff0000\\007";
        let target = shows_keys(&client, set).await;
        let mut outer = Outer::open(&daemon).await;
        let wanted = SetColors {
            foreground: Some((0x11, 0x22, 0x33)),
            background: Some((0, 0, 1)),
            indexed: vec![(1, (0, 0, 255))],
        };
        let mut seen = "READY".to_owned();
        for signal in [Some(Signal::KILL), Some(Signal::TSTP), None] {
            let view = outer.attach("target").await;
            outer
                .until("its colours", |outer| {
                    outer.colors == wanted && outer.last.cursor_color == Some((255, 0, 0))
                })
                .await;
            // Behind the answers of the terminal, which the shell is not to find.
            seen.push('k');
            outer.types("k").await;
            until_text(&client, target, &seen).await;
            match signal {
                Some(signal) => proc::signal(view, signal),
                None => outer.types("\x02d").await,
            }
            outer
                .until("its own colours", |outer| {
                    outer.colors == SetColors::default()
                        && outer.last.cursor_color.is_none()
                        && outer.last.modes & mode::ALTERNATE_SCREEN == 0
                })
                .await;
            if signal == Some(Signal::TSTP) {
                outer.types("fg\r").await;
                outer
                    .until("its colours again", |outer| outer.colors == wanted)
                    .await;
                outer.types("\x02d").await;
                outer
                    .until("the shell", |outer| outer.text().contains("[detached"))
                    .await;
                outer.types("clear\r").await;
            }
        }
    });
}
