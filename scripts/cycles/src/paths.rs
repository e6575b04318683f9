//! The paths that stand in a module's items, also in the arguments of macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, Macro, Path, UseTree, Visibility};

/// The paths of an item, and the names of the macros that it calls by their name alone.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) macros: Vec<String>,
}

/// All that an item uses which is not for tests.
pub(crate) fn of(item: &Item) -> Found {
    let mut found = Found::default();
    found.visit_item(item);
    found
}

impl<'ast> Visit<'ast> for Found {
    fn visit_path(&mut self, path: &'ast Path) {
        let segments = path.segments.iter();
        self.paths
            .push(segments.map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        if let Some(name) = called.path.get_ident() {
            self.macros.push(name.to_string());
        } else {
            visit::visit_path(self, &called.path);
        }
        in_tokens(called.tokens.clone(), self);
    }

    /// `pub(in crate::x)` is no use of x.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Use(item) = item {
            return imported(&item.tree, &mut Vec::new(), &mut self.paths);
        }
        visit::visit_item(self, item);
    }

    /// Attributes hold names of derives and lints.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// The paths of a `use`, each as far as its last name.
fn imported(tree: &UseTree, before: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            imported(&path.tree, before, paths);
            before.pop();
        }
        UseTree::Name(name) => paths.push(with(before, &name.ident.to_string())),
        UseTree::Rename(rename) => paths.push(with(before, &rename.ident.to_string())),
        // What of it is used is seen where it is used.
        UseTree::Glob(_) => {}
        UseTree::Group(group) => {
            for tree in &group.items {
                imported(tree, before, paths);
            }
        }
    }
}

fn with(before: &[String], name: &str) -> Vec<String> {
    let mut path = before.to_vec();
    path.push(name.to_owned());
    path
}

/// Names joined by `::` in the arguments of a macro, and single names that may be items.
fn in_tokens(tokens: TokenStream, found: &mut Found) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    close(&mut path, found);
                }
                path.push(name.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Punct(mark) => {
                if mark.as_char() == '!'
                    && let [name] = &path[..]
                {
                    found.macros.push(name.clone());
                }
                close(&mut path, found);
                colons = 0;
            }
            TokenTree::Group(group) => {
                close(&mut path, found);
                colons = 0;
                in_tokens(group.stream(), found);
            }
            TokenTree::Literal(_) => {
                close(&mut path, found);
                colons = 0;
            }
        }
    }
    close(&mut path, found);
}

fn close(path: &mut Vec<String>, found: &mut Found) {
    if !path.is_empty() {
        found.paths.push(std::mem::take(path));
    }
}
