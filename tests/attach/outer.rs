//! `fugue attach` on a terminal: what it sets there, what it takes back, and what it makes of what is typed. The terminal is
//! a pane of the same daemon, so its modes can be looked at.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::event::{Copied, ScreenUpdate, mode};
use protocol::id::PaneUuid;
use protocol::terminal::{SetColors, TerminalFacts};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, fugue_exe};
use crate::support::view::named;
use crate::support::{LIMIT, eventually, proc, run};

const MOUSE: u32 = mode::MOUSE_CLICK | mode::MOUSE_DRAG | mode::MOUSE_MOTION;

/// A terminal with a shell on it, looked at through a view of its own.
pub(super) struct Outer {
    client: Client,
    pane: PaneUuid,
    shell: u32,
    pub(super) last: ScreenUpdate,
    /// What it was told to copy.
    pub(super) copied: Vec<Copied>,
    /// The colours that were set on it.
    pub(super) colors: SetColors,
    rows: BTreeMap<u16, String>,
}

impl Outer {
    pub(super) async fn open(daemon: &Daemon) -> Self {
        let mut client = daemon.client().await;
        let made = client
            .session("outer", "PS1='OUTER$ ' exec bash --norc -i")
            .await;
        client.attach(1, named("outer")).await;
        let last = client.screen(1).await;
        let mut outer = Self {
            client,
            pane: made.pane_id,
            shell: made.pid,
            last: ScreenUpdate::default(),
            copied: Vec::new(),
            colors: SetColors::default(),
            rows: BTreeMap::new(),
        };
        outer.take(last);
        outer
            .until("a prompt", |outer| outer.text().contains("OUTER$"))
            .await;
        outer
    }

    fn take(&mut self, update: ScreenUpdate) {
        if update.full {
            self.rows.clear();
        }
        for row in &update.rows {
            let text = String::from_utf8_lossy(&row.ansi).into_owned();
            self.rows.insert(row.row, text);
        }
        self.copied.extend(update.copied.clone());
        if let Some(colors) = &update.colors {
            self.colors.clone_from(colors);
        }
        self.last = update;
    }

    pub(super) fn text(&self) -> String {
        self.rows.values().cloned().collect::<Vec<_>>().join("\n")
    }

    fn has(&self, modes: u32) -> bool {
        self.last.modes & modes != 0
    }

    pub(super) async fn types(&self, text: &str) {
        self.client.types(1, text).await;
    }

    pub(super) async fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let left = LIMIT.saturating_sub(begun.elapsed());
            let next = tokio::time::timeout(left, self.client.screen(1)).await;
            let Ok(update) = next else {
                panic!(
                    "not within {LIMIT:?}: {what}; shown:\n{}\nmodes {:#x}",
                    self.text(),
                    self.last.modes
                );
            };
            self.take(update);
        }
    }

    /// It is shown on such a terminal.
    pub(super) async fn is(&self, terminal: TerminalFacts) {
        let update = protocol::request::UpdateView {
            view: 1,
            terminal: Some(terminal),
            ..protocol::request::UpdateView::default()
        };
        self.client.ok(update).await;
    }

    /// Attaches a view of session `name` here and returns its process.
    pub(super) async fn attach(&mut self, name: &str) -> u32 {
        self.types(&format!("{} attach {name}\r", fugue_exe()))
            .await;
        self.until("the view", |outer| outer.has(mode::ALTERNATE_SCREEN))
            .await;
        let shell = self.shell;
        eventually("its process", async || {
            let all = proc::all();
            all.into_iter()
                .find(|pid| proc::ancestors(*pid).first() == Some(&shell))
        })
        .await
    }
}

/// A program that shows each byte it gets, and wants what `asks` asks for.
async fn shows_input(client: &Client, asks: &str) -> PaneUuid {
    let line = format!("stty raw -echo; printf '{asks}READY'; exec cat -v");
    let made = client.session("target", &line).await;
    eventually("the program", async || {
        client
            .text(made.pane_id)
            .await
            .contains("READY")
            .then_some(())
    })
    .await;
    made.pane_id
}

pub(super) async fn until_text(client: &Client, pane: PaneUuid, part: &str) {
    eventually(part, async || {
        client.text(pane).await.contains(part).then_some(())
    })
    .await;
}

#[test]
fn nothing_in_a_paste_is_a_command() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = shows_input(&client, "").await;
        let mut outer = Outer::open(&daemon).await;
        outer.attach("target").await;
        outer.types("\x1b[200~ab\x02dcd\x1b[201~x").await;
        until_text(&client, target, "ab^Bdcdx").await;
        assert!(
            !client.text(target).await.contains("200~"),
            "its program wants no marks"
        );
        // Nor in what comes at once from a terminal that marks nothing.
        let burst = format!("{}\x02d{}END", "0123456789".repeat(9), "filler".repeat(9));
        outer.types(&burst).await;
        until_text(&client, target, "END").await;
        assert!(
            client
                .text(target)
                .await
                .replace('\n', "")
                .contains("789^Bdfiller")
        );
        assert_eq!(client.attached("target").await, 1, "the view is there");
        tokio::time::sleep(Duration::from_millis(100)).await;
        outer.types("\x02d").await;
        outer
            .until("the shell", |outer| {
                outer.text().contains("[detached from session target]")
            })
            .await;
    });
}

#[test]
fn a_program_that_wants_marked_pastes_gets_them() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = shows_input(&client, "\\033[?2004h").await;
        let mut outer = Outer::open(&daemon).await;
        outer.attach("target").await;
        outer
            .until("the program's screen", |outer| {
                outer.text().contains("READY")
            })
            .await;
        outer.types("\x1b[200~a\x02d\x1b[201~x").await;
        until_text(&client, target, "^[[200~a^Bd^[[201~x").await;
    });
}

#[test]
fn a_stopped_view_leaves_the_terminal_usable_and_comes_back_with_its_modes() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        shows_input(&client, "\\033[?1003h\\033[?1006h").await;
        let mut outer = Outer::open(&daemon).await;
        let view = outer.attach("target").await;
        outer
            .until("the mouse", |outer| outer.has(mode::MOUSE_MOTION))
            .await;
        assert!(outer.has(mode::BRACKETED_PASTE));
        for signal in [Signal::TSTP, Signal::STOP] {
            proc::signal(view, signal);
            outer
                .until("a usable terminal", |outer| {
                    !outer.has(MOUSE | mode::ALTERNATE_SCREEN | mode::MOUSE_SGR)
                })
                .await;
            outer.types("echo us''able\r").await;
            outer
                .until("the shell", |outer| outer.text().contains("usable"))
                .await;
            outer.types("fg\r").await;
            outer
                .until("the view", |outer| {
                    outer.has(mode::ALTERNATE_SCREEN)
                        && outer.has(mode::MOUSE_MOTION)
                        && outer.has(mode::BRACKETED_PASTE)
                        && outer.text().contains("READY")
                })
                .await;
        }
        outer.types("\x02d").await;
        outer
            .until("the shell", |outer| outer.text().contains("[detached"))
            .await;
        assert!(!outer.has(MOUSE | mode::ALTERNATE_SCREEN));
    });
}

#[test]
fn what_a_view_says_last_stays_and_the_prompt_comes_below_it() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let mut outer = Outer::open(&daemon).await;
        for round in 0..4 {
            shows_input(&client, "").await;
            outer.types("clear; echo one; echo two\r").await;
            let view = outer.attach("target").await;
            let said = match round {
                0 => {
                    proc::signal(view, Signal::TSTP);
                    outer
                        .until("the shell", |outer| outer.text().contains("Stopped"))
                        .await;
                    outer.types("fg\r").await;
                    outer
                        .until("the view", |outer| outer.text().contains("READY"))
                        .await;
                    outer.types("\x02d").await;
                    "[detached from session target]"
                }
                _ => {
                    let kill = protocol::request::KillSession {
                        session: protocol::Target::Name(protocol::Name::new("target").unwrap()),
                        guarded: false,
                    };
                    client.ok(kill).await;
                    "[session target ended"
                }
            };
            outer
                .until("its last words above the prompt", |outer| {
                    let text = outer.text();
                    let mut lines = text.lines().skip_while(|line| !line.contains(said));
                    lines.next().is_some() && lines.any(|line| line.contains("OUTER$"))
                })
                .await;
            if round == 0 {
                let kill = protocol::request::KillSession {
                    session: protocol::Target::Name(protocol::Name::new("target").unwrap()),
                    guarded: false,
                };
                client.ok(kill).await;
            }
        }
    });
}

#[test]
fn the_terminal_writes_keys_as_the_focused_panes_program_asked_for() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = shows_input(&client, "\\033[>1u").await;
        let mut outer = Outer::open(&daemon).await;
        let view = outer.attach("target").await;
        outer
            .until("the keyboard", |outer| outer.last.keyboard == 1)
            .await;
        outer.types("\x1b[13;5u").await;
        until_text(&client, target, "^[[13;5u").await;
        // Another pane's program asked for nothing.
        let window = protocol::request::CreateWindow {
            session: Some(named("target")),
            pane: crate::support::daemon::shell("echo OTHER; exec sleep 600"),
            ..protocol::request::CreateWindow::default()
        };
        client.ok(window).await;
        outer.types("\x1b[98;5un").await;
        outer
            .until("the other pane", |outer| {
                outer.text().contains("OTHER") && outer.last.keyboard == 0
            })
            .await;
        outer.types("\x02p").await;
        outer
            .until("the keyboard again", |outer| outer.last.keyboard == 1)
            .await;
        proc::signal(view, Signal::KILL);
        outer
            .until("the shell", |outer| {
                outer.last.keyboard == 0 && !outer.has(mode::ALTERNATE_SCREEN)
            })
            .await;
    });
}

#[test]
fn the_terminal_of_a_killed_view_is_put_right() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = shows_input(
            &client,
            "\\033[?1003h\\033[?1006h\\033[5 q\\033]2;mine\\007",
        )
        .await;
        let mut outer = Outer::open(&daemon).await;
        for seen in ["READYk", "READYkk"] {
            let view = outer.attach("target").await;
            outer
                .until("the mouse", |outer| outer.has(mode::MOUSE_MOTION))
                .await;
            // Behind the answers of the terminal, which the shell is not to find.
            outer.types("k").await;
            until_text(&client, target, seen).await;
            proc::signal(view, Signal::KILL);
            outer
                .until("a usable terminal", |outer| {
                    !outer.has(MOUSE | mode::ALTERNATE_SCREEN | mode::MOUSE_SGR)
                        && outer.last.cursor.shape == 0
                })
                .await;
            outer.types("stty -a; echo us''able\r").await;
            outer
                .until("the shell", |outer| outer.text().contains("usable"))
                .await;
            let text = outer.client.text(outer.pane).await;
            assert!(
                !text.contains("-icrnl") && !text.contains("-opost"),
                "{text}"
            );
        }
    });
}

#[test]
fn a_terminal_that_another_program_has_is_left_alone() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        shows_input(&client, "\\033[?1003h").await;
        let mut outer = Outer::open(&daemon).await;
        let view = outer.attach("target").await;
        proc::signal(view, Signal::TSTP);
        outer
            .until("the shell", |outer| !outer.has(mode::ALTERNATE_SCREEN))
            .await;
        outer
            .types("printf '\\033[?1049h\\033[?1000h'; cat\r")
            .await;
        outer
            .until("another program", |outer| outer.has(mode::ALTERNATE_SCREEN))
            .await;
        proc::signal(view, Signal::KILL);
        eventually("one client less", async || {
            (client.attached("target").await == 0).then_some(())
        })
        .await;
        outer.types("alive\r").await;
        outer
            .until("its echo", |outer| outer.text().contains("alive"))
            .await;
        assert!(outer.has(mode::ALTERNATE_SCREEN) && outer.has(mode::MOUSE_CLICK));
    });
}

#[test]
fn nothing_is_set_that_no_program_asked_for() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        shows_input(&client, "").await;
        let mut outer = Outer::open(&daemon).await;
        outer
            .types("printf '\\033[5 q\\033]2;own title\\007'\r")
            .await;
        outer
            .until("its bar", |outer| outer.last.cursor.shape == 5)
            .await;
        outer.attach("target").await;
        outer
            .until("the program's screen", |outer| {
                outer.text().contains("READY")
            })
            .await;
        let present = outer.client.panes().await;
        let own = present
            .iter()
            .find(|pane| pane.pane_id == outer.pane)
            .unwrap();
        assert_eq!(own.title, "own title");
        assert_eq!(outer.last.cursor.shape, 5);
        outer.types("\x02d").await;
        outer
            .until("the shell", |outer| !outer.has(mode::ALTERNATE_SCREEN))
            .await;
    });
}

#[test]
fn the_wheel_goes_through_the_scrollback_and_never_through_the_shells_history() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "stty raw -echo; i=0; while [ $i -lt 99 ]; do i=$((i+1)); printf 'line %d\\r\\n' $i; done; printf READY; exec cat -v";
        let made = client.session("target", line).await;
        until_text(&client, made.pane_id, "READY").await;
        let mut outer = Outer::open(&daemon).await;
        outer.attach("target").await;
        outer
            .until("the end", |outer| outer.text().contains("READY"))
            .await;
        for _ in 0..20 {
            outer.types("\x1b[<64;5;5M").await;
        }
        outer
            .until("older lines", |outer| {
                let text = outer.text();
                text.contains("line 20") && !text.contains("line 99")
            })
            .await;
        outer.types("k").await;
        outer
            .until("the end again", |outer| outer.text().contains("READYk"))
            .await;
        // As much on and back again as there is.
        outer.types("\x02\x1b[5~").await;
        outer
            .until("a page back", |outer| !outer.text().contains("READY"))
            .await;
        for _ in 0..9 {
            outer.types("\x1b[<65;5;5M").await;
        }
        outer
            .until("the end by the wheel", |outer| {
                outer.text().contains("READYk")
            })
            .await;
        assert!(
            !client.text(made.pane_id).await.contains("^["),
            "nothing of it reached the program"
        );
    });
}

#[test]
fn the_wheel_is_cursor_keys_for_a_program_on_the_alternate_screen() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let target = shows_input(&client, "\\033[?1049h").await;
        let mut outer = Outer::open(&daemon).await;
        outer.attach("target").await;
        outer
            .until("the program's screen", |outer| {
                outer.text().contains("READY")
            })
            .await;
        outer.types("\x1b[<64;5;5M\x1b[<65;5;5M").await;
        until_text(&client, target, "^[[A^[[A^[[A^[[B^[[B^[[B").await;
    });
}

#[test]
fn programs_are_told_when_the_person_comes_and_goes_if_they_asked() {
    run(async {
        let daemon = Daemon::start();
        let mut client = daemon.client().await;
        let target = shows_input(&client, "\\033[?1004h").await;
        client.attach(1, named("target")).await;
        client.screen(1).await;
        until_text(&client, target, "READY^[[I").await;
        // A second person changes nothing, neither by coming nor by going first.
        let mut other = daemon.client().await;
        other.attach(1, named("target")).await;
        other.screen(1).await;
        other.types(1, "\x1b[O").await;
        other.types(1, "a").await;
        until_text(&client, target, "^[[Ia").await;
        drop(other);
        client.types(1, "b").await;
        until_text(&client, target, "^[[Iab").await;
        client.types(1, "\x1b[O").await;
        client.types(1, "c").await;
        until_text(&client, target, "^[[Iab^[[Oc").await;
        client.types(1, "\x1b[I").await;
        client.types(1, "d").await;
        until_text(&client, target, "^[[Id").await;
        // Another window, and back.
        let window = protocol::request::CreateWindow {
            session: Some(named("target")),
            pane: crate::support::daemon::shell("exec sleep 600"),
            ..protocol::request::CreateWindow::default()
        };
        client.ok(window).await;
        let step = |by| protocol::request::UpdateView {
            view: 1,
            window_step: by,
            ..protocol::request::UpdateView::default()
        };
        client.ok(step(1)).await;
        until_text(&client, target, "^[[Id^[[O").await;
        client.ok(step(1)).await;
        client.screen(1).await;
        client.screen(1).await;
        until_text(&client, target, "^[[Id^[[O^[[I").await;
        client.detach(1).await.unwrap();
        until_text(&client, target, "^[[O^[[I^[[O").await;
    });
}
