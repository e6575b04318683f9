//! A new login attaches: programs that its session starts later find its agent and its display, not those of the first one.

use std::collections::BTreeMap;

use protocol::Name;
use protocol::id::PaneUuid;
use protocol::request::{Attach, CreateSession, CreateWindow, GetSession, PaneSpec, RestartType};

use crate::support::daemon::{Client, Daemon, fugue_exe, kept, shell, with_daemon};
use crate::support::view::{attach, named};
use crate::support::{eventually, run};

const TELLS: &str = "echo agent=$SSH_AUTH_SOCK display=$DISPLAY other=$OTHER.; exec sleep 600";

fn login(variables: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    let owned =
        |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(ToOwned::to_owned));
    variables.iter().map(owned).collect()
}

/// A session `s` of a first login, whose program runs again and again.
async fn first_login(client: &Client) -> PaneUuid {
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("SSH_AUTH_SOCK", "/first"),
        ("DISPLAY", ":1"),
        ("OTHER", "kept"),
    ];
    let create = CreateSession {
        name: Some(Name::new("s").unwrap()),
        environment: Some(variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into()),
        pane: PaneSpec {
            settings: kept(RestartType::Permanent),
            env: BTreeMap::from([("DISPLAY".to_owned(), ":own".to_owned())]),
            ..shell("echo agent=$SSH_AUTH_SOCK display=$DISPLAY other=$OTHER.; read line")
        },
        ..CreateSession::default()
    };
    client.ok(create).await.pane_id
}

async fn shows(client: &Client, pane: PaneUuid, wanted: &str) {
    eventually(wanted, async || {
        client.text(pane).await.contains(wanted).then_some(())
    })
    .await;
}

/// What a program that is started now has.
async fn started_now(client: &Client, wanted: &str) {
    let window = CreateWindow {
        session: Some(named("s")),
        pane: shell(TELLS),
        ..CreateWindow::default()
    };
    let pane = client.ok(window).await.pane_id;
    shows(client, pane, wanted).await;
}

async fn changes(client: &Client) -> BTreeMap<String, Option<String>> {
    let session = Some(named("s"));
    client.ok(GetSession { session }).await.environment
}

#[test]
fn programs_started_later_have_the_variables_of_the_login_that_attached() {
    with_daemon(async |_, client| {
        let restarted = first_login(&client).await;
        let told = login(&[
            ("SSH_AUTH_SOCK", Some("/second")),
            ("DISPLAY", None),
            // Not of the list: an attach does not set what it likes.
            ("OTHER", Some("forced")),
        ]);
        let looks = Attach {
            read_only: true,
            environment: told.clone(),
            ..attach(1, named("s"))
        };
        client.ok(looks).await;
        assert_eq!(changes(&client).await, BTreeMap::new());
        started_now(&client, "agent=/first display=:1 other=kept.").await;

        let attaches = Attach {
            environment: told,
            ..attach(2, named("s"))
        };
        client.ok(attaches).await;
        let learned = login(&[("SSH_AUTH_SOCK", Some("/second")), ("DISPLAY", None)]);
        assert_eq!(changes(&client).await, learned);
        started_now(&client, "agent=/second display= other=kept.").await;
        // A next life finds them too, with what its pane was given for itself.
        client.types(2, "\r").await;
        shows(&client, restarted, "agent=/second display=:own other=kept.").await;
    });
}

#[test]
fn what_a_session_has_learned_of_a_login_outlives_the_server() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        first_login(&client).await;
        let attaches = Attach {
            environment: login(&[("SSH_AUTH_SOCK", Some("/second"))]),
            ..attach(1, named("s"))
        };
        client.ok(attaches).await;
        // Answered when it is written, and what was before it with it.
        started_now(&client, "agent=/second").await;
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        started_now(&client, "agent=/second display=:1 other=kept.").await;
    });
}

#[test]
fn fugue_attach_tells_the_variables_that_the_configuration_names() {
    run(async {
        let config = "[daemon]\nupdate_environment = [\"SSH_AUTH_SOCK\", \"OTHER\"]\n";
        let daemon = Daemon::start_with(config);
        let client = daemon.client().await;
        first_login(&client).await;
        let login = "SSH_AUTH_SOCK=/third DISPLAY=:3";
        let line = format!("unset OTHER; {login} exec {} attach s", fugue_exe());
        client.session("terminal", &line).await;
        eventually("it is attached", async || {
            (client.attached("s").await == 1).then_some(())
        })
        .await;
        started_now(&client, "agent=/third display=:1 other=.").await;
    });
}
