//! What a pipeline's shell reports counts, and nothing that anybody else says in its name.

use super::*;

/// Copies the socket that the shell has put aside, and says through it what stands in the arguments; with `claim` as the shell.
/// `give` starts it again in the shell's place, with the copy.
const FORGER: &str = r#"
import array, ctypes, os, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def copied(pid):
    handle = os.pidfd_open(pid)
    for fd in range(9, 40):
        got = libc.syscall(438, handle, fd, 0)
        if got >= 0:
            try:
                return socket.socket(fileno=got)
            except OSError:
                os.close(got)
    sys.exit("no socket")
how, shell, lines = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
if how == "inherited":
    said = socket.socket(fileno=int(os.environ["FORGED_FD"]))
else:
    said = copied(shell)
if how == "user":
    os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
for line in lines:
    packet = (line + "\n").encode()
    if how in ("claim", "user"):
        name = struct.pack("iII", shell, os.getuid(), os.getgid())
        try:
            said.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, name)])
            continue
        except PermissionError:
            if how == "claim": raise
    said.send(packet)
"#;

/// A shell that answers to the rules of a pipeline's script.
const RULES: &str =
    "told() { echo \"$1 $2\" >&9; read -r mark <&9; }; echo begin >&9; read -r mark <&9; ";

/// What is in the status pipe until its end, which comes right after the shell's.
fn all_of(pipe: OwnedFd) -> String {
    let mut told = String::new();
    rustix::io::ioctl_fionbio(&pipe, false).unwrap();
    fs::File::from(pipe).read_to_string(&mut told).unwrap();
    told
}

/// What came out of the status pipe by the end of the shell.
async fn told(place: &Place, script: &str) -> Vec<String> {
    let forger = place.script("forger.py", FORGER.as_bytes(), 0o755);
    let script = format!("forge() {{ python3 {forger} \"$@\"; }}; {RULES}{script}");
    let mut spec = place.spec(&["bash", "-c", &script]);
    spec.status_pipe = true;
    spec.report_word = Some("word".to_owned());
    let mut pane = spawn(spec).await;
    report(&pane.keeper).await;
    let text = all_of(pane.status_pipe.take().unwrap());
    finish(pane, place).await;
    let lines = text.lines().filter_map(|line| line.strip_prefix("word "));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_shell_itself_is_believed() {
    let place = Place::new();
    let script = "told 0 0; told 1 7; printf '2 ' >&9; told 255; exit 5";
    // `told 255` completes what the printf began.
    let script = script.replace("told 255", "echo 255 >&9; read -r mark <&9");
    assert_eq!(told(&place, &script).await, ["0 0", "1 7", "2 255"]);
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let attempts = [
        ("a child", "(echo 0 0 >&9)"),
        (
            "a grandchild after setsid",
            "(setsid sh -c 'echo 0 0 >&9; sleep 0.1' & wait) & wait",
        ),
        (
            "a background job that outlives its step",
            "(sleep 0.2; echo 1 0 >&9) & sleep 0.05",
        ),
        ("a copy", "{ forge copy $$ '0 0' '1 0'; } 9>&-"),
        (
            "a copy, as a user that claims to be the shell",
            "{ forge user $$ '0 0' '1 0'; } 9>&-",
        ),
    ];
    for (who, attempt) in attempts {
        let place = Place::new();
        let script = format!("{attempt}; told 0 3; sleep 0.4; told 1 4");
        assert_eq!(told(&place, &script).await, ["0 3", "1 4"], "{who}");
    }
}

#[tokio::test]
async fn what_is_executed_in_the_shells_place_is_not_believed() {
    // It has the shell's pid and its socket, and says so, and lives on for a while or not.
    for rest in ["; sleep 0.3", ""] {
        let place = Place::new();
        let script = format!(
            "told 0 0; exec 9>&9 python3 -c 'import os, time; os.write(9, b\"1 0\\n\"); os.write(9, b\"2 0\\n\"); time.sleep({})'",
            if rest.is_empty() { "0" } else { "0.3" }
        );
        assert_eq!(told(&place, &script).await, ["0 0"]);
        // The same program with other text.
        let script = format!("told 0 0; exec bash -c 'echo 1 0 >&9; echo 2 0 >&9{rest}'");
        assert_eq!(told(&place, &script).await, ["0 0"]);
    }
}

#[tokio::test]
async fn who_may_claim_any_pid_is_told_as_the_shell_beside_it() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    // It is answered by what the claims have left, so it has to live on, as the shell that it is, until it is heard.
    let script = "{ forge claim $$ '0 0' '1 0'; } 9>&-; told 0 3; sleep 1; :";
    assert_eq!(told(&place, script).await, ["0 0", "1 0", "0 3"]);
}

#[tokio::test]
async fn reports_wait_for_the_next_daemon_without_their_shell() {
    let place = Place::new();
    let mut spec = place.spec(&["bash", "-c", &format!("{RULES}told 0 0; told 1 2; exit 2")]);
    spec.status_pipe = true;
    spec.report_word = Some("word".to_owned());
    let socket = spec.socket.clone();
    let pane = spawn(spec).await;
    drop(pane);
    let mut adopted = Keeper::adopt(&socket, LIMIT).await.unwrap();
    report(&adopted.keeper).await;
    let told = all_of(adopted.status_pipe.take().unwrap());
    assert!(
        told.contains("\nword 0 0\n") && told.ends_with("\nword 1 2\n"),
        "{told}"
    );
    adopted.keeper.release(LIMIT).await.unwrap();
    place.assert_no_processes().await;
}
