//! The meaning of a name in a module: an item that is defined there, a module below it, or what it imports.

use std::collections::BTreeMap;

use syn::{Item, UseTree};

use crate::crate_tree::{CrateTree, Module};

/// The names that an import brings.
#[derive(Debug)]
pub(crate) struct Imports {
    /// Each name, with the path that it stands for.
    pub(crate) named: BTreeMap<String, Vec<String>>,
    /// Modules and enums of which everything is imported.
    pub(crate) globs: Vec<Vec<String>>,
}

/// A module's names.
#[derive(Debug)]
pub(crate) struct Names {
    items: Vec<String>,
    pub(crate) imports: Imports,
}

/// The end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To a module, by its number.
    Module(usize),
    /// To an item that is defined in this module.
    Item(usize),
    /// Out of the crate, or nowhere.
    Outside,
}

/// The names of all modules of a crate.
pub(crate) struct Scopes<'a> {
    tree: &'a CrateTree,
    by_path: BTreeMap<&'a [String], usize>,
    names: Vec<Names>,
    /// Macros, which are known below where they are defined, by text.
    macros: BTreeMap<String, usize>,
}

/// Re-exports of re-exports that are followed at most.
const DEPTH: usize = 16;

impl<'a> Scopes<'a> {
    pub(crate) fn of(tree: &'a CrateTree) -> Self {
        let numbered = || tree.modules.iter().enumerate();
        let macros = numbered().flat_map(|(number, module)| {
            let named = module.items.iter().filter_map(|item| match item {
                Item::Macro(item) => item.ident.as_ref().map(ToString::to_string),
                _ => None,
            });
            named.map(move |name| (name, number)).collect::<Vec<_>>()
        });
        Self {
            tree,
            by_path: numbered()
                .map(|(n, module)| (&module.path[..], n))
                .collect(),
            names: tree.modules.iter().map(Names::of).collect(),
            macros: macros.collect(),
        }
    }

    pub(crate) fn names(&self, module: usize) -> &Names {
        &self.names[module]
    }

    /// The end of a path that stands in a module.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Target {
        let found = self.follow(module, path, DEPTH);
        match found {
            Target::Module(_) => self.namesake(module, path).unwrap_or(found),
            Target::Item(_) | Target::Outside => found,
        }
    }

    /// The item that stands beside a module of the same name, as in `mod close; pub use close::close;`.
    fn namesake(&self, module: usize, path: &[String]) -> Option<Target> {
        let (last, before) = path.split_last()?;
        let Target::Module(within) = self.follow(module, before, DEPTH) else {
            return None;
        };
        let import = self.names[within].imports.named.get(last)?;
        let item = self.follow(within, import, DEPTH);
        matches!(item, Target::Item(_)).then_some(item)
    }

    /// The module that defines a macro of this name.
    pub(crate) fn macro_of(&self, name: &str) -> Option<usize> {
        self.macros.get(name).copied()
    }

    fn follow(&self, module: usize, path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else {
            return Target::Module(module);
        };
        let begin = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(module),
            "super" => self.above(module),
            name => self.name(module, name, depth),
        };
        self.go_on(begin, rest, depth)
    }

    fn go_on(&self, mut at: Target, rest: &[String], depth: usize) -> Target {
        for name in rest {
            at = match at {
                Target::Module(module) if name == "super" => self.above(module),
                Target::Module(module) if name == "self" => Target::Module(module),
                Target::Module(module) => self.name(module, name, depth),
                // Variants, methods and constants of a type are where it is.
                Target::Item(_) | Target::Outside => return at,
            };
        }
        at
    }

    fn above(&self, module: usize) -> Target {
        let path = &self.tree.modules[module].path;
        let above = path
            .split_last()
            .and_then(|(_, above)| self.by_path.get(above));
        above.map_or(Target::Outside, |number| Target::Module(*number))
    }

    fn name(&self, module: usize, name: &str, depth: usize) -> Target {
        let names = &self.names[module];
        if names.items.iter().any(|item| item == name) {
            return Target::Item(module);
        }
        let mut below = self.tree.modules[module].path.clone();
        below.push(name.to_owned());
        if let Some(number) = self.by_path.get(&below[..]) {
            return Target::Module(*number);
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Target::Outside;
        };
        if let Some(path) = names.imports.named.get(name) {
            // `use name::…` of another crate of that name is not this import again.
            if path.first().is_none_or(|first| first != name) {
                return self.follow(module, path, depth);
            }
            return Target::Outside;
        }
        let mut globs = names.imports.globs.iter();
        let found = globs.find_map(|path| {
            let Target::Module(from) = self.follow(module, path, depth) else {
                return None;
            };
            let found = (from != module).then(|| self.name(from, name, depth))?;
            (found != Target::Outside).then_some(found)
        });
        found.unwrap_or(Target::Outside)
    }
}

impl Names {
    fn of(module: &Module) -> Self {
        let mut imports = Imports {
            named: BTreeMap::new(),
            globs: Vec::new(),
        };
        let mut items = Vec::new();
        for item in &module.items {
            match item {
                Item::Use(item) => imports.take(&item.tree, &mut Vec::new()),
                other => items.extend(name_of(other)),
            }
        }
        Self { items, imports }
    }
}

impl Imports {
    fn take(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.take(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => self.name(&name.ident.to_string(), None, before),
            UseTree::Rename(rename) => {
                let new = rename.rename.to_string();
                self.name(&rename.ident.to_string(), Some(new), before);
            }
            UseTree::Glob(_) => self.globs.push(before.clone()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.take(tree, before);
                }
            }
        }
    }

    fn name(&mut self, name: &str, new: Option<String>, before: &[String]) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        let known = new.or_else(|| path.last().cloned());
        if let Some(known) = known {
            self.named.insert(known, path);
        }
    }
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::TraitAlias(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        _ => return None,
    })
}
