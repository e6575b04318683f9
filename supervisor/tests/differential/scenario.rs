//! Scenarios: a supervision tree and what is done to it, random and as data.

use serde::{Deserialize, Serialize};
use supervisor::{AutoShutdown, RestartType, Strategy};

/// A tree and the commands that it is given, one after the other, each after all is quiet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) root: Team,
    pub(crate) commands: Vec<Command>,
}

/// A supervisor with fixed children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Team {
    pub(crate) strategy: Strategy,
    pub(crate) max_restarts: u32,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<Child>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Child {
    Actor {
        id: String,
        restart: RestartType,
        significant: bool,
        manner: Manner,
    },
    Team {
        id: String,
        restart: RestartType,
        significant: bool,
        team: Team,
    },
    Dynamic {
        id: String,
        restart: RestartType,
        max_restarts: u32,
        /// The restart type of all its children.
        children: RestartType,
    },
}

/// How an actor takes a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Manner {
    /// It stops when asked.
    Polite,
    /// It is not asked: brutal_kill.
    Brutal,
    /// It does not stop when asked, and is killed after its time.
    Stubborn,
}

/// How an actor ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Normal,
    Shutdown,
    ShutdownFor,
    Error,
    Kill,
}

/// Paths are names joined by `/`, beginning with `root`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// An actor ends.
    Exit {
        path: String,
        end: End,
    },
    /// The next starts of an actor fail.
    Fail {
        path: String,
        times: u32,
    },
    Terminate {
        sup: String,
        id: String,
    },
    Restart {
        sup: String,
        id: String,
    },
    Delete {
        sup: String,
        id: String,
    },
    /// One more actor under a supervisor with fixed children.
    Start {
        sup: String,
        child: Child,
    },
    /// One more actor under a dynamic supervisor.
    StartDynamic {
        sup: String,
        name: String,
    },
}

impl Child {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Actor { id, .. } | Self::Team { id, .. } | Self::Dynamic { id, .. } => id,
        }
    }
}

/// Stops under a dynamic supervisor have no order among themselves: runs of them are sorted.
pub(crate) fn normal_form(mut trace: Vec<String>) -> Vec<String> {
    let group = |line: &str| {
        let path = line.strip_prefix("stop ")?;
        let (parent, _) = path.rsplit_once('/')?;
        let name = parent.rsplit('/').next()?;
        name.starts_with('d').then(|| parent.to_owned())
    };
    let mut begin = 0;
    while begin < trace.len() {
        let this = group(&trace[begin]);
        let mut end = begin + 1;
        while this.is_some() && end < trace.len() && group(&trace[end]) == this {
            end += 1;
        }
        trace[begin..end].sort();
        begin = end;
    }
    trace
}

/// splitmix64: small, and the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }
}

const RESTARTS: [RestartType; 5] = [
    RestartType::Permanent,
    RestartType::Permanent,
    RestartType::Transient,
    RestartType::Transient,
    RestartType::Temporary,
];

impl Scenario {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let root = random_team(rng, 0);
        let mut places = Places::default();
        places.collect(&root, "root");
        let count = 2 + rng.below(9);
        let commands = (0..count)
            .map(|_| random_command(rng, &mut places))
            .collect();
        Self { root, commands }
    }
}

/// What commands can name.
#[derive(Default)]
struct Places {
    actors: Vec<String>,
    teams: Vec<(String, Vec<String>)>,
    dynamics: Vec<String>,
    made: usize,
}

impl Places {
    fn collect(&mut self, team: &Team, path: &str) {
        let ids = team.children.iter().map(|child| child.id().to_owned());
        self.teams.push((path.to_owned(), ids.collect()));
        for child in &team.children {
            let path = format!("{path}/{}", child.id());
            match child {
                Child::Actor { .. } => self.actors.push(path),
                Child::Team { team, .. } => self.collect(team, &path),
                Child::Dynamic { .. } => self.dynamics.push(path),
            }
        }
    }

    fn new_name(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{}", self.made)
    }
}

fn random_team(rng: &mut Rng, depth: usize) -> Team {
    let auto_shutdown = if rng.percent(65) {
        AutoShutdown::Never
    } else {
        rng.pick(&[AutoShutdown::AnySignificant, AutoShutdown::AllSignificant])
    };
    let count = 1 + rng.below(4);
    let children = (0..count)
        .map(|i| random_child(rng, depth, i, auto_shutdown))
        .collect();
    Team {
        strategy: rng.pick(&[
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
        ]),
        max_restarts: rng.pick(&[0, 1, 2, 2, 3, 5]),
        auto_shutdown,
        children,
    }
}

fn random_child(rng: &mut Rng, depth: usize, i: usize, auto_shutdown: AutoShutdown) -> Child {
    let restart = rng.pick(&RESTARTS);
    let significant = auto_shutdown != AutoShutdown::Never
        && restart != RestartType::Permanent
        && rng.percent(60);
    if depth < 2 && rng.percent(20) {
        return Child::Team {
            id: format!("s{i}"),
            restart,
            significant,
            team: random_team(rng, depth + 1),
        };
    }
    if depth < 2 && rng.percent(12) {
        return Child::Dynamic {
            id: format!("d{i}"),
            restart,
            max_restarts: rng.pick(&[0, 1, 3]),
            children: rng.pick(&RESTARTS),
        };
    }
    Child::Actor {
        id: format!("a{i}"),
        restart,
        significant,
        manner: random_manner(rng),
    }
}

fn random_manner(rng: &mut Rng) -> Manner {
    rng.pick(&[
        Manner::Polite,
        Manner::Polite,
        Manner::Polite,
        Manner::Polite,
        Manner::Polite,
        Manner::Polite,
        Manner::Brutal,
        Manner::Stubborn,
    ])
}

fn random_command(rng: &mut Rng, places: &mut Places) -> Command {
    let (sup, ids) = rng.pick(&places.teams);
    let missing = vec!["nobody".to_owned()];
    let unknown = ids.is_empty() || rng.percent(3);
    let id = rng.pick(if unknown { &missing } else { &ids });
    match rng.below(100) {
        0..50 if !places.actors.is_empty() => Command::Exit {
            path: rng.pick(&places.actors),
            end: rng.pick(&[
                End::Normal,
                End::Shutdown,
                End::ShutdownFor,
                End::Error,
                End::Error,
                End::Error,
                End::Kill,
            ]),
        },
        50..62 if !places.actors.is_empty() => Command::Fail {
            path: rng.pick(&places.actors),
            times: rng.pick(&[1, 1, 2, 4]),
        },
        62..76 if !places.dynamics.is_empty() => {
            let sup = rng.pick(&places.dynamics);
            let name = places.new_name("x");
            places.actors.push(format!("{sup}/{name}"));
            Command::StartDynamic { sup, name }
        }
        76..80 if !places.dynamics.is_empty() => {
            let sup = rng.pick(&places.dynamics);
            let below: Vec<_> = places
                .actors
                .iter()
                .filter_map(|path| path.strip_prefix(&format!("{sup}/")).map(str::to_owned))
                .chain(missing)
                .collect();
            let id = rng.pick(&below);
            Command::Terminate { sup, id }
        }
        0..84 => Command::Terminate { sup, id },
        84..92 => Command::Restart { sup, id },
        92..95 => Command::Delete { sup, id },
        _ => random_start(rng, places, sup, id),
    }
}

/// A start under a new name, or now and then under one that is taken.
fn random_start(rng: &mut Rng, places: &mut Places, sup: String, id: String) -> Command {
    let id = if rng.percent(25) {
        id
    } else {
        places.new_name("a9")
    };
    let path = format!("{sup}/{id}");
    if id.starts_with('a') && !places.actors.contains(&path) {
        places.actors.push(path);
        for (team, ids) in &mut places.teams {
            if *team == sup {
                ids.push(id.clone());
            }
        }
    }
    let restart = rng.pick(&RESTARTS);
    let manner = random_manner(rng);
    Command::Start {
        sup,
        child: Child::Actor {
            id,
            restart,
            significant: false,
            manner,
        },
    }
}

impl Command {
    /// The command as it stands in traces.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Exit { path, end } => format!("exit {path} {end:?}"),
            Self::Fail { path, times } => format!("fail {path} {times}"),
            Self::Terminate { sup, id } => format!("terminate {sup} {id}"),
            Self::Restart { sup, id } => format!("restart {sup} {id}"),
            Self::Delete { sup, id } => format!("delete {sup} {id}"),
            Self::Start { sup, child } => format!("start {sup} {}", child.id()),
            Self::StartDynamic { sup, name } => format!("start_dynamic {sup} {name}"),
        }
    }
}
