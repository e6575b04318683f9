//! The graph of the files that use each other, and its cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use crate::crate_tree::CrateTree;
use crate::names::{Scopes, Target};
use crate::paths;

/// A use of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Which.
    pub file: PathBuf,
    /// The path that leads there; `mod` for a declaration.
    pub path: String,
}

/// The files of a crate and what each uses.
#[derive(Debug, Default)]
pub struct Graph {
    uses: BTreeMap<PathBuf, BTreeSet<Use>>,
}

impl Graph {
    /// The graph of a crate.
    #[must_use]
    pub fn of(tree: &CrateTree) -> Self {
        let scopes = Scopes::of(tree);
        let mut graph = Self::default();
        for (number, module) in tree.modules.iter().enumerate() {
            graph.uses.entry(module.file.clone()).or_default();
            for item in &module.items {
                let found = paths::of(item);
                for path in found.paths {
                    let target = match scopes.resolve(number, &path) {
                        Target::Item(target) => target,
                        // A path that ends at a module is used to name what is below it.
                        Target::Module(_) | Target::Outside => continue,
                    };
                    let to = &tree.modules[target].file;
                    graph.add(&module.file, to, path.join("::"));
                }
                for name in found.macros {
                    let is_here = || scopes.names(number).imports.named.contains_key(&name);
                    if let Some(target) = scopes.macro_of(&name).filter(|_| !is_here()) {
                        let to = &tree.modules[target].file;
                        graph.add(&module.file, to, format!("{name}!"));
                    }
                }
            }
            if let Some((_, above)) = module.path.split_last() {
                let parent = tree.modules.iter().find(|parent| parent.path == above);
                if let Some(parent) = parent {
                    graph.add(&parent.file, &module.file, "mod".to_owned());
                }
            }
        }
        graph
    }

    fn add(&mut self, from: &Path, to: &Path, path: String) {
        if from != to {
            let file = to.to_owned();
            let uses = self.uses.entry(from.to_owned()).or_default();
            uses.insert(Use { file, path });
        }
    }

    /// Files that use each other at some remove, the most first; files alone are no cycle.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<PathBuf>> {
        let mut graph = DiGraphMap::<&Path, ()>::new();
        for (from, uses) in &self.uses {
            graph.add_node(from);
            for used in uses {
                graph.add_edge(from, &used.file, ());
            }
        }
        let mut cycles: Vec<Vec<PathBuf>> = tarjan_scc(&graph)
            .into_iter()
            .filter(|files| files.len() > 1)
            .map(|files| {
                let mut files: Vec<_> = files.into_iter().map(Path::to_owned).collect();
                files.sort();
                files
            })
            .collect();
        cycles.sort_by_key(|files| std::cmp::Reverse(files.len()));
        cycles
    }

    /// The uses of these files in a file.
    pub fn uses_within<'a>(
        &'a self,
        file: &Path,
        files: &'a [PathBuf],
    ) -> impl Iterator<Item = &'a Use> {
        let uses = self.uses.get(file).into_iter().flatten();
        uses.filter(|used| files.contains(&used.file))
    }
}
