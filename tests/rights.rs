//! What a pane's program may do on its server: by its token, without it, and with a wrong one.

use protocol::ErrorCode;
use protocol::reply::{ExitStatus, PaneCreated};
use protocol::request::{CreateSession, ListOrchestrations, RunParallel, Whoami};
use protocol::rights::Rights;

use crate::support::daemon::{Client, Daemon, fugue_exe, shell, with_daemon};
use crate::support::view::named;

/// Makes a session as an agent's front does.
async fn by_agent(daemon: &Daemon, name: &str, line: &str) -> PaneCreated {
    let front = daemon.client_named("fugue mcp").await;
    front.session(name, line).await
}

/// Runs shell lines inside a pane of this session, one after another, and gives the exit code of each.
async fn inside(client: &Client, pane: &PaneCreated, lines: &[&str]) -> Vec<i32> {
    let session = pane.context.session_id;
    let mut codes = Vec::new();
    for line in lines {
        let line = line.replace("fugue ", &format!("{} ", fugue_exe()));
        let made = client
            .ok(protocol::request::CreateWindow {
                session: Some(session.into()),
                pane: shell(&line),
                ..Default::default()
            })
            .await;
        let end = client.exit(made.pane_id).await;
        codes.push(end.exit.unwrap().shell_code());
    }
    codes
}

#[test]
fn what_has_ended_elsewhere_is_not_read_by_its_name() {
    with_daemon(async |daemon, client| {
        let secret = client.session("secret", "echo hidden; exec cat").await;
        crate::support::eventually("it has printed", async || {
            let text = client.text(secret.pane_id).await;
            text.contains("hidden").then_some(())
        })
        .await;
        assert_eq!(daemon.fugue(&["close", "secret", "--force"]).code, 0);
        let end = daemon.fugue(&["read", "secret"]);
        assert!(end.out.contains("hidden"), "{end:?}");
        client.session("persons", "exec cat").await;
        let script = "fugue read secret; a=$?; fugue wait secret; b=$?; fugue send person x; c=$?; \
            echo \"codes $a $b $c\"; exec sleep 600";
        let script = script.replace("fugue ", &format!("{} ", fugue_exe()));
        let agent = by_agent(&daemon, "agent", &script).await;
        let text = crate::support::eventually("it has asked", async || {
            let text = client.text(agent.pane_id).await;
            text.contains("codes ").then_some(text)
        })
        .await;
        assert!(text.contains("codes 1 1 3"), "{text}");
        // Nor are names told that its lists do not have.
        assert!(
            !text.contains("hidden") && !text.contains("persons"),
            "{text}"
        );
    });
}

#[test]
fn a_wrong_token_is_refused_whatever_else_it_says() {
    with_daemon(async |daemon, client| {
        let victim = client.session("victim", "exec cat").await;
        let mine = client.session("mine", "exec sleep 600").await;
        let codes = inside(
            &client,
            &mine,
            &[
                "export FUGUE_TOKEN=wrong; fugue send victim stolen --enter",
                "export FUGUE_TOKEN=wrong; unset FUGUE_PANE_ID FUGUE_SESSION_ID; fugue env victim A=b",
                "export FUGUE_TOKEN=wrong; fugue ls",
                // A person's pane may, with its own token and without any.
                "fugue env victim C=d",
                "unset FUGUE_TOKEN FUGUE_PANE_ID; fugue env victim E=f",
            ],
        )
        .await;
        assert_eq!(codes, [1, 1, 1, 0, 0]);
        assert!(!client.text(victim.pane_id).await.contains("stolen"));
        let env = daemon.fugue(&["env", "victim"]).out;
        assert_eq!(env, "C=d\nE=f\n");
        let outside = daemon
            .command(fugue_exe())
            .env("FUGUE", daemon.socket())
            .env("FUGUE_TOKEN", "wrong")
            .arg("ls")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outside.stderr).into_owned();
        assert!(said.contains("is of no pane of this server"), "{said}");
        // A token is shown to its own server only.
        let elsewhere = daemon
            .command(fugue_exe())
            .env("FUGUE", "/somewhere/else.sock")
            .env("FUGUE_TOKEN", "wrong")
            .arg("ls")
            .output()
            .unwrap();
        assert!(elsewhere.status.success(), "{elsewhere:?}");
    });
}

#[test]
fn the_end_of_the_server_is_ordered_from_outside_of_its_panes() {
    with_daemon(async |daemon, client| {
        let mine = client.session("mine", "exec sleep 600").await;
        let codes = inside(
            &client,
            &mine,
            &["fugue stop", "unset FUGUE_TOKEN FUGUE_PANE_ID; fugue stop"],
        )
        .await;
        assert_eq!(codes, [1, 1]);
        assert_eq!(client.panes().await.len(), 3);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
    });
}

#[test]
fn a_program_that_asks_before_its_pane_is_entered_is_of_that_pane() {
    with_daemon(async |daemon, client| {
        let mine = client.session("mine", "exec sleep 600").await;
        let slow = "start: its terminal=slow 1000";
        client.crash("step", slow).await.unwrap();
        let line = "unset FUGUE_TOKEN FUGUE_PANE_ID; fugue stop";
        assert_eq!(inside(&client, &mine, &[line]).await, [1]);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
    });
}

#[test]
fn what_an_agent_made_reaches_its_own_and_what_it_made() {
    with_daemon(async |daemon, client| {
        client.session("persons", "exec cat").await;
        let agents = by_agent(&daemon, "agents", "exec sleep 600").await;
        // The windows that this makes are a person's, so it is asked by what runs in the agent's own pane.
        let script = "
            fugue send persons stolen --enter; a=$?
            fugue env persons LD_PRELOAD=/evil.so; b=$?
            fugue kill persons --yes; c=$?
            fugue env agents OWN=1; d=$?
            fugue new -d -n child -- sleep 600; e=$?
            fugue env child MADE=1; f=$?
            unset FUGUE_TOKEN FUGUE_PANE_ID FUGUE_SESSION_ID
            fugue send persons stolen --enter; g=$?
            fugue ls >ls.txt; fugue run 'exit 0'; h=$?
            fugue tree >/dev/null; i=$?; fugue tree agents >/dev/null; j=$?
            fugue stop --keep-panes; k=$?
            exit=$a$b$c$d$e$f$g$h$i$j$k; echo \"codes $exit\"; cat ls.txt; echo \"all told\"; exec sleep 600";
        let script = script.replace("fugue ", &format!("{} ", fugue_exe()));
        let mut spec = shell(&script);
        spec.cwd = Some(daemon.dir.path().display().to_string());
        let front = daemon.client_named("fugue mcp").await;
        let pane = front
            .ok(protocol::request::CreateWindow {
                session: Some(agents.context.session_id.into()),
                pane: spec,
                ..Default::default()
            })
            .await;
        let text = crate::support::eventually("the codes", async || {
            let text = client.text(pane.pane_id).await;
            text.contains("all told").then_some(text)
        })
        .await;
        assert!(text.contains("codes 11100010101"), "{text}");
        let listed = text.split("codes ").nth(1).unwrap();
        assert!(
            listed.contains("agents") && listed.contains("child"),
            "{text}"
        );
        assert!(!listed.contains("persons"), "{text}");
        assert_eq!(daemon.fugue(&["env", "persons"]).out, "");
        // A person sees everything.
        assert_eq!(client.sessions().await.len(), 3);
        let runs = client.ok(ListOrchestrations {}).await.orchestrations;
        assert_eq!(runs.len(), 1);
    });
}

#[test]
fn rights_outlive_the_server() {
    with_daemon(async |mut daemon, client| {
        client.session("persons", "exec cat").await;
        let line = format!(
            "while ! test -e {0}; do sleep 0.05; done; {1} send persons stolen --enter; echo \"code $?\"; exec sleep 600",
            daemon.dir.path().join("go").display(),
            fugue_exe()
        );
        let pane = by_agent(&daemon, "agents", &line).await;
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        std::fs::write(daemon.dir.path().join("go"), "").unwrap();
        crate::support::eventually("the code", async || {
            let text = client.text(pane.pane_id).await;
            text.contains("code 1").then_some(())
        })
        .await;
    });
}

#[test]
fn a_run_that_an_agent_begins_gives_its_commands_the_agents_rights() {
    with_daemon(async |daemon, client| {
        client.session("persons", "exec cat").await;
        let front = daemon.client_named("fugue mcp").await;
        let command = protocol::request::ParallelCommand {
            command: format!("{} send persons stolen --enter", fugue_exe()),
            ..Default::default()
        };
        let run = front
            .ok(RunParallel {
                commands: vec![command],
                ..RunParallel::default()
            })
            .await;
        let done = front
            .ok(protocol::request::GetOrchestration {
                orchestration_id: run.orchestration_id,
                after_version: None,
                wait: true,
                timeout_ms: 20_000,
            })
            .await;
        assert_eq!(done.commands[0].exit_code, Some(1), "{done:?}");
    });
}

#[test]
fn everybody_is_told_what_they_may_do() {
    with_daemon(async |daemon, client| {
        let told = client.ok(Whoami {}).await.rights;
        assert_eq!(told, Some(Rights::PERSON));
        let agents = by_agent(&daemon, "agents", "exec sleep 600").await;
        // Whoever says that it comes from a pane gets that pane's rights, and not more.
        let claims = daemon.client_inside(agents.pane_id).await;
        let told = claims.ok(Whoami {}).await.rights;
        let own = Rights::of_agents_pane(agents.context.session_id);
        assert_eq!(told, Some(own));
        client.session("persons", "exec cat").await;
        let error = claims
            .call(protocol::request::KillSession {
                session: named("persons"),
                guarded: false,
            })
            .await
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(error.message.contains("`full, own`"), "{error}");
        assert!(error.message.contains("session persons"), "{error}");
        claims
            .ok(CreateSession {
                pane: shell("exec sleep 600"),
                ..CreateSession::default()
            })
            .await;
        assert_eq!(claims.sessions().await.len(), 2);
        assert_eq!(client.sessions().await.len(), 3);
    });
}

#[test]
fn a_program_that_asks_at_once_is_known() {
    with_daemon(async |_daemon, client| {
        let slow = "start: its terminal=slow 700";
        client.crash("step", slow).await.unwrap();
        let fugue = fugue_exe();
        let made = client.session("s", &format!("exec {fugue} ls")).await;
        let ended = client.exit(made.pane_id).await;
        let text = client.text(made.pane_id).await;
        assert_eq!(ended.exit, Some(ExitStatus::Exited { code: 0 }), "{text}");
    });
}

#[test]
fn a_program_that_opens_all_connections_does_not_keep_others_out() {
    with_daemon_of("[daemon]\nmax_clients = 128\n", async |daemon, client| {
        let mut held = Vec::new();
        while let Ok(socket) = std::os::unix::net::UnixStream::connect(daemon.socket()) {
            held.push(socket);
            if held.len() >= 300 {
                break;
            }
        }
        // Another process still gets in, and the program itself does not.
        for _ in 0..3 {
            let ran = daemon.fugue(&["ls"]);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        drop(client);
        drop(held);
    });
}

fn with_daemon_of(config: &str, test: impl AsyncFnOnce(Daemon, Client)) {
    crate::support::run(async {
        let daemon = Daemon::start_with(config);
        let client = daemon.client().await;
        test(daemon, client).await;
    });
}
