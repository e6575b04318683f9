//! What programs copy reaches the clipboards of those who look, and of nobody else.

use protocol::event::{Copied, Selection};
use protocol::reply::PaneCreated;

use super::outer::Outer;
use crate::support::daemon::{Client, Daemon};
use crate::support::run;
use crate::support::view::{VIEW_SIZE, attach, named, shown};

/// A program that copies each line that it reads, which is base64, and says so.
async fn copies(client: &Client, name: &str) -> PaneCreated {
    let line = r"stty -echo; echo READY; while read -r text; do printf '\033]52;c;%s\007' $text; echo copied $text; done";
    client.session(name, line).await
}

/// What a view has got when the program says that it has copied `text`.
async fn got(client: &mut Client, text: &str) -> Vec<Copied> {
    let mut got = Vec::new();
    loop {
        let update = client.screen(1).await;
        got.extend(update.copied.clone());
        if shown(&update).contains(&format!("copied {text}")) {
            return got;
        }
    }
}

fn hello() -> Vec<Copied> {
    vec![Copied {
        selection: Selection::Clipboard,
        text: b"hello".to_vec(),
    }]
}

#[test]
fn what_a_program_copies_reaches_those_who_look() {
    run(async {
        let daemon = Daemon::start();
        let mut one = daemon.client().await;
        copies(&one, "target").await;
        one.attach(1, named("target")).await;
        let mut two = daemon.client().await;
        let looks = protocol::request::Attach {
            read_only: true,
            size: VIEW_SIZE,
            ..attach(1, named("target"))
        };
        two.ok(looks).await;
        for client in [&mut one, &mut two] {
            while !shown(&client.screen(1).await).contains("READY") {}
        }
        one.types(1, "aGVsbG8=\n").await;
        assert_eq!(got(&mut one, "aGVsbG8=").await, hello());
        assert_eq!(got(&mut two, "aGVsbG8=").await, hello());
        // Who comes later keeps what is in the clipboard.
        let mut late = daemon.client().await;
        late.attach(1, named("target")).await;
        assert_eq!(got(&mut late, "aGVsbG8=").await, []);
    });
}

#[test]
fn what_agents_panes_copy_reaches_nobody_unless_it_is_allowed() {
    run(async {
        for (config, is_passed_on) in [("", false), ("[daemon]\nclipboard = \"all\"", true)] {
            let daemon = Daemon::start_with(config);
            let agent = daemon.client_named("fugue mcp").await;
            copies(&agent, "target").await;
            let mut client = daemon.client().await;
            client.attach(1, named("target")).await;
            while !shown(&client.screen(1).await).contains("READY") {}
            client.types(1, "aGVsbG8=\n").await;
            let wanted = if is_passed_on { hello() } else { Vec::new() };
            assert_eq!(got(&mut client, "aGVsbG8=").await, wanted);
        }
    });
}

#[test]
fn a_terminal_is_told_to_copy_unless_its_person_does_not_want_that() {
    run(async {
        for (config, is_passed_on) in [("", true), ("[attach]\nclipboard = false", false)] {
            let daemon = Daemon::start_with(config);
            let client = daemon.client().await;
            copies(&client, "target").await;
            let mut outer = Outer::open(&daemon).await;
            outer.attach("target").await;
            outer
                .until("the program", |outer| outer.text().contains("READY"))
                .await;
            outer.types("aGVsbG8=\r").await;
            outer
                .until("its word", |outer| outer.text().contains("copied"))
                .await;
            let wanted = if is_passed_on { hello() } else { Vec::new() };
            assert_eq!(outer.copied, wanted);
        }
    });
}
