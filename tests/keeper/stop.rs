//! The stop recipe's two rounds on real processes: every way to take a signal, in every place.

use super::*;

use ::keeper::StopTimes;
use futures_util::{StreamExt, stream};

/// Notes which of SIGTERM and SIGHUP come, saves for a moment after the first, and ends.
const PROBE: &str = r#"
use POSIX ();
my ($path, @does) = @ARGV;
my (%seen, @order, %blocked);
sub came { my ($name) = @_; push @order, $name unless $seen{$name}++; }
for my $name ("TERM", "HUP") {
    my $does = shift @does;
    my $number = $name eq "TERM" ? 15 : 1;
    $SIG{$name} = $does eq "catches" ? sub { came($name) } : $does eq "ignores" ? "IGNORE" : "DEFAULT";
    if ($does eq "blocks") {
        POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new($number));
        $blocked{$name} = $number;
    }
}
sub look {
    my $pending = POSIX::SigSet->new();
    POSIX::sigpending($pending);
    for my $name (keys %blocked) { came($name) if $pending->ismember($blocked{$name}); }
}
sub file { my ($name, $text) = @_; open(my $f, ">", "$path.new"); print $f $text; close($f); rename("$path.new", "$path.$name"); }
file("ready", "");
while (1) {
    select(undef, undef, undef, 0.01);
    look();
    if (@order) {
        select(undef, undef, undef, 0.1);
        look();
        file("saved", "@order");
        exit 0;
    }
}
"#;

const DOES: [&str; 4] = ["default", "catches", "ignores", "blocks"];

/// Where a program stands: how it is started, and what is typed when it is ready.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    Alone,
    UnderShell,
    Foreground(&'static str),
    Background(&'static str),
    Stopped(&'static str),
}

const STANDINGS: [Standing; 8] = [
    Standing::Alone,
    Standing::UnderShell,
    Standing::Foreground("bash"),
    Standing::Background("bash"),
    Standing::Stopped("bash"),
    Standing::Foreground("dash"),
    Standing::Background("dash"),
    Standing::Stopped("dash"),
];

impl Standing {
    fn spec(self, place: &Place, command: &str) -> KeeperSpec {
        let after = place.path("after").display().to_string();
        match self {
            Self::Alone => place.sh(&format!("exec {command}")),
            Self::UnderShell => place.sh(&format!("{command}; touch {after}; true")),
            Self::Foreground(shell) | Self::Background(shell) | Self::Stopped(shell) => {
                let mut argv = vec![shell, "-i"];
                if shell == "bash" {
                    argv.insert(1, "--norc");
                }
                let mut spec = place.spec(&argv);
                spec.env
                    .push(("HOME".into(), place.dir.path().display().to_string()));
                spec
            }
        }
    }

    fn line(self, command: &str) -> Option<String> {
        match self {
            Self::Alone | Self::UnderShell => None,
            Self::Foreground(_) | Self::Stopped(_) => Some(format!("{command}\n")),
            Self::Background(_) => Some(format!("{command} &\n")),
        }
    }
}

fn state_of(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Whether it is stopped, and its shell has the terminal again.
fn is_put_aside(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<_> = rest.split(' ').collect();
    // Source: proc(5): state, parent, group, session, terminal, its foreground group.
    matches!(fields[..], ["T", _, group, _, _, foreground, ..] if group != foreground)
}

/// Starts `command` there and waits until `ready`, and until it is stopped if it is to be.
async fn standing(
    place: &Place,
    standing: Standing,
    command: &str,
    name: &str,
    ready: impl Fn() -> bool,
) -> SpawnedPane {
    let pane = spawn(standing.spec(place, command)).await;
    if let Some(line) = standing.line(command) {
        rustix::io::write(&pane.master, line.as_bytes()).unwrap();
    }
    until("the program is ready", ready).await;
    if let Standing::Stopped(_) = standing {
        let found = pane.keeper.descendants().await.unwrap();
        let job = found.iter().find(|process| process.comm == name).unwrap();
        // As a person does; a program that has its own use for the key is stopped from outside.
        rustix::io::write(&pane.master, b"\x1a").unwrap();
        let raw = rustix::process::Pid::from_raw(job.pid).unwrap();
        let mut looks = 0;
        until("the job is stopped", || {
            looks += 1;
            if looks % 200 == 0 {
                let _ = rustix::process::kill_process(raw, rustix::process::Signal::STOP);
            }
            is_put_aside(job.pid)
        })
        .await;
    }
    pane
}

/// Which signal alone arrives at a program that does this with SIGTERM and that with SIGHUP. A stopped job
/// that handles SIGHUP gets that, by the end of its shell.
fn expected(term: &str, hup: &str, at: Standing) -> Option<&'static str> {
    let takes = |does: &str| matches!(does, "catches" | "blocks");
    match (takes(term), takes(hup)) {
        (true, true) if matches!(at, Standing::Stopped(_)) => Some("HUP"),
        (true, _) => Some("TERM"),
        (false, true) => Some("HUP"),
        (false, false) => None,
    }
}

async fn row(term: &'static str, hup: &'static str, at: Standing) {
    let place = Place::new();
    let what = format!("TERM {term}, HUP {hup}, {at:?}");
    let probe = place.script("probe.pl", PROBE.as_bytes(), 0o600);
    let path = place.path("p").display().to_string();
    let command = format!("/usr/bin/perl {probe} {path} {term} {hup}");
    let ready = place.path("p.ready");
    let pane = standing(&place, at, &command, "perl", || ready.exists()).await;
    let deaf = term == "ignores" && hup == "ignores";
    let times = StopTimes {
        first_ms: 30_000,
        second_ms: if deaf { 100 } else { 30_000 },
    };
    let keeper_pid = pane.keeper_pid.unsigned_abs();
    let left = pane.keeper.stop(keeper_pid, times, LIMIT).await.unwrap();
    assert!(left.is_empty(), "{what}: {left:?}");
    let saved = fs::read_to_string(place.path("p.saved")).ok();
    assert_eq!(saved.as_deref(), expected(term, hup, at), "{what}");
    assert!(
        !place.path("after").exists(),
        "{what}: the shell has begun its next command"
    );
    finish(pane, &place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_program_gets_one_signal_that_it_takes_wherever_it_stands() {
    let mut rows = Vec::new();
    for at in STANDINGS {
        for term in DOES {
            rows.extend(DOES.map(|hup| (term, hup, at)));
        }
    }
    assert_eq!(rows.len(), 128);
    stream::iter(rows)
        .for_each_concurrent(6, |(term, hup, at)| row(term, hup, at))
        .await;
}

fn is_installed(program: &str) -> bool {
    ["/usr/bin", "/bin", "/usr/local/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(program).exists())
}

/// Whether one of the files holds the text that was never written.
fn is_kept(dir: &Path) -> bool {
    let mut files = fs::read_dir(dir).unwrap().flatten();
    files.any(|file| {
        let bytes = fs::read(file.path()).unwrap_or_default();
        bytes.windows(7).any(|part| part == b"UNSAVED")
    })
}

async fn editor(name: &'static str, arguments: &'static str, at: Standing) {
    let place = Place::new();
    let dir = place.path("work");
    fs::create_dir(&dir).unwrap();
    let file = dir.join("notes.txt");
    fs::write(&file, "orig\n").unwrap();
    let command = format!("{name} {arguments} {}", file.display());
    let pane = spawn(at.spec(&place, &command)).await;
    if let Some(line) = at.line(&command) {
        rustix::io::write(&pane.master, line.as_bytes()).unwrap();
    }
    output_with(&pane.master, "orig").await;
    let typed = if name == "vim" { "oUNSAVED" } else { "UNSAVED" };
    rustix::io::write(&pane.master, typed.as_bytes()).unwrap();
    output_with(&pane.master, "UNSAVED").await;
    if let Standing::Stopped(_) = at {
        let found = pane.keeper.descendants().await.unwrap();
        let is_editor = |process: &&keeper::Process| process.comm.starts_with(name);
        let job = found.iter().find(is_editor).unwrap().pid;
        let raw = rustix::process::Pid::from_raw(job).unwrap();
        rustix::process::kill_process(raw, rustix::process::Signal::TSTP).unwrap();
        let mut looks = 0;
        until("the editor is stopped", || {
            looks += 1;
            if looks % 200 == 0 {
                let _ = rustix::process::kill_process(raw, rustix::process::Signal::STOP);
            }
            is_put_aside(job)
        })
        .await;
    }
    let times = StopTimes {
        first_ms: 2_000,
        second_ms: 2_000,
    };
    let keeper_pid = pane.keeper_pid.unsigned_abs();
    let reader = drain(&pane.master);
    let left = pane.keeper.stop(keeper_pid, times, LIMIT).await.unwrap();
    drop(reader);
    assert!(left.is_empty(), "{name}, {at:?}: {left:?}");
    assert!(is_kept(&dir), "{name}, {at:?}: nothing is kept");
    finish(pane, &place).await;
}

/// Reads what is printed, as a daemon does, until it is dropped.
fn drain(master: &OwnedFd) -> tokio::task::JoinHandle<()> {
    let master = master.try_clone().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        for _ in 0..10_000 {
            if rustix::io::read(&master, &mut buffer).is_err() {
                sleep(Duration::from_millis(2)).await;
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn editors_keep_their_emergency_copies_wherever_they_stand() {
    for (name, arguments) in [("vim", "-u NONE -N"), ("nano", "-I")] {
        if !is_installed(name) {
            eprintln!("{name} is not installed: not tried");
            continue;
        }
        for at in STANDINGS {
            // An editor in the background stops at once, before it has read anything.
            if !matches!(at, Standing::Background(_)) {
                editor(name, arguments, at).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_asked_ends_although_the_daemon_goes() {
    let place = Place::new();
    let saved = place.path("saved");
    let script = format!(
        "sh -c \"trap 'sleep 0.3; echo ok >{}; exit' TERM; echo ready; while :; do sleep 0.02; done\"; true",
        saved.display()
    );
    let pane = spawn(place.sh(&script)).await;
    output_with(&pane.master, "ready").await;
    let times = StopTimes {
        first_ms: 20_000,
        second_ms: 20_000,
    };
    let keeper_pid = pane.keeper_pid.unsigned_abs();
    let socket = place.path("0.sock");
    let asked = pane.keeper.stop(keeper_pid, times, LIMIT);
    let next = async {
        until("the shell is held", || state_of(pane.pid) == Some('T')).await;
        Keeper::adopt(&socket, LIMIT).await.unwrap()
    };
    let (gone, next) = tokio::join!(asked, next);
    assert!(matches!(gone, Err(LinkError::Closed)), "{gone:?}");
    let report = report(&next.keeper).await;
    assert_eq!(
        report.status,
        ProgramStatus::Signaled {
            signal: 15,
            core_dumped: false
        }
    );
    assert_eq!(fs::read_to_string(saved).unwrap(), "ok\n");
    assert!(next.keeper.release(LIMIT).await.unwrap().is_empty());
}

/// A supervisor that ends at once when it is asked, over a child that saves for a while: the child has its time.
#[tokio::test]
async fn a_child_saves_although_the_program_above_it_ends_at_once() {
    for supervisor in [
        "trap 'exit 0' TERM; CHILD & wait",
        "trap 'exit 0' TERM HUP; CHILD & wait",
    ] {
        let place = Place::new();
        let probe = place.script("probe.pl", PROBE.as_bytes(), 0o600);
        let path = place.path("p").display().to_string();
        let command = format!("/usr/bin/perl {probe} {path} catches default");
        let script = supervisor.replace("CHILD", &command);
        let pane = spawn(place.spec(&["bash", "-c", &script])).await;
        let ready = place.path("p.ready");
        until("the child is ready", || ready.exists()).await;
        let times = StopTimes {
            first_ms: 30_000,
            second_ms: 30_000,
        };
        let keeper_pid = pane.keeper_pid.unsigned_abs();
        let left = pane.keeper.stop(keeper_pid, times, LIMIT).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        let saved = fs::read_to_string(place.path("p.saved")).ok();
        assert_eq!(saved.as_deref(), Some("TERM"), "{supervisor}");
        finish(pane, &place).await;
    }
}
