//! What a pane without a command runs.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::stdio::Mcp;

#[test]
fn a_shell_keeps_its_callers_path() {
    run(async {
        let daemon = Daemon::start();
        let bin = daemon.dir.path().join("venv/bin");
        std::fs::create_dir_all(&bin).unwrap();
        let tool = bin.join("mytool");
        std::fs::write(&tool, "#!/bin/sh\necho mi''ne\n").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let home = daemon.dir.path().display().to_string();
        // A profile that sets PATH anew, as those of some systems do.
        std::fs::write(daemon.dir.path().join(".profile"), "PATH=/bin:/usr/bin\n").unwrap();
        for shell in ["/bin/bash", "/bin/sh"] {
            let env = [
                ("PATH", path.as_str()),
                ("SHELL", shell),
                ("HOME", home.as_str()),
                ("VIRTUAL_ENV", "here"),
            ];
            let mcp = Mcp::launch_with(&daemon, &[], &env);
            mcp.initialize(json!({})).await;
            let pane = mcp.ok("fugue_create_session", json!({})).await["pane_id"].clone();
            let typed = json!({
                "pane_id": pane, "input": "mytool; echo =$VIRTUAL_ENV", "submit": true,
                "expect": "(?s)mine.*=here", "timeout_ms": 20_000,
            });
            let seen = mcp.ok("fugue_send_input", typed).await;
            assert_eq!(seen["outcome"], "match", "{shell}: {seen}");
        }
    });
}

#[test]
fn a_bare_environment_gets_the_accounts_shell_and_utf8() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let mut bare = daemon.command(crate::support::daemon::fugued_exe());
        for name in ["SHELL", "LANG", "LC_ALL", "LC_CTYPE"] {
            bare.env_remove(name);
        }
        daemon.launch_as(bare);
        // A home without files: what the shell of whoever runs the tests does at its start is none of this.
        let home = daemon.dir.path().display().to_string();
        let env = [
            ("HOME", home.as_str()),
            ("SHELL", ""),
            ("LANG", ""),
            ("LC_ALL", ""),
            ("LC_CTYPE", ""),
        ];
        let mcp = Mcp::launch_with(&daemon, &[], &env);
        mcp.initialize(json!({})).await;
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let uid = rustix::process::getuid().as_raw().to_string();
        let account = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.get(2) == Some(&uid.as_str()));
        let made = mcp.ok("fugue_create_session", json!({})).await;
        let list = mcp.ok("fugue_list_panes", json!({"all": true})).await;
        if let Some(shell) = account.and_then(|fields| fields.get(6).copied()) {
            let base = shell.rsplit('/').next().unwrap();
            assert_eq!(list["panes"][0]["command"], base, "{list}");
        }
        let typed = json!({
            "pane_id": made["pane_id"], "input": "echo =$LANG=", "submit": true, "expect": "^=(.*)=$", "timeout_ms": 20_000,
        });
        let seen: Value = mcp.ok("fugue_send_input", typed).await;
        assert_eq!(seen["groups"], json!(["C.UTF-8"]), "{seen}");
    });
}
