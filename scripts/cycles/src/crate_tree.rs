//! The modules of a crate as its files declare them, without those for tests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::{Attribute, Item, ItemMod, Meta};

/// A module: inline, or a file.
pub struct Module {
    /// Its name and those of the modules above it, from the crate's root.
    pub path: Vec<String>,
    /// Where its text is, relative to the folder of the root.
    pub file: PathBuf,
    /// What it holds.
    pub items: Vec<Item>,
}

/// All modules of a crate.
#[derive(Default)]
pub struct CrateTree {
    /// A parent stands before its children.
    pub modules: Vec<Module>,
}

impl CrateTree {
    /// Reads the crate whose first file is `root`: `src/lib.rs`.
    ///
    /// # Errors
    /// A file that is missing or is not Rust.
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.parent().context("a file has a folder")?;
        let mut tree = Self::default();
        let name = root.file_name().context("a file has a name")?;
        tree.read_file(folder, Path::new(name), Vec::new(), Path::new(""))?;
        Ok(tree)
    }

    fn read_file(
        &mut self,
        folder: &Path,
        file: &Path,
        path: Vec<String>,
        children: &Path,
    ) -> Result<()> {
        let whole = folder.join(file);
        let text = std::fs::read_to_string(&whole)
            .with_context(|| format!("cannot read {}", whole.display()))?;
        let parsed =
            syn::parse_file(&text).with_context(|| format!("{} is no Rust", whole.display()))?;
        self.enter(folder, file, path, children, parsed.items)
    }

    fn enter(
        &mut self,
        folder: &Path,
        file: &Path,
        path: Vec<String>,
        children: &Path,
        items: Vec<Item>,
    ) -> Result<()> {
        let items: Vec<_> = items
            .into_iter()
            .filter(|item| !attributes(item).iter().any(is_for_tests))
            .collect();
        let mut declared = Vec::new();
        let mut own = Vec::new();
        for item in items {
            match item {
                Item::Mod(module) => declared.push(module),
                other => own.push(other),
            }
        }
        let file = file.to_owned();
        self.modules.push(Module {
            path: path.clone(),
            file: file.clone(),
            items: own,
        });
        for module in declared {
            self.enter_child(folder, &file, &path, children, module)?;
        }
        Ok(())
    }

    fn enter_child(
        &mut self,
        folder: &Path,
        file: &Path,
        path: &[String],
        children: &Path,
        module: ItemMod,
    ) -> Result<()> {
        let name = module.ident.to_string();
        let mut path = path.to_vec();
        path.push(name.clone());
        let below = children.join(&name);
        if let Some((_, items)) = module.content {
            return self.enter(folder, file, path, &below, items);
        }
        let flat = children.join(format!("{name}.rs"));
        let nested = below.join("mod.rs");
        let found = match folder.join(&flat).exists() {
            true => flat,
            false => nested,
        };
        self.read_file(folder, &found, path, &below)
    }
}

/// The attributes of an item.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// True if it is compiled for tests only: `#[test]`, or a `cfg` that names `test` without `not`.
fn is_for_tests(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return attribute.path().is_ident("test");
    };
    let condition = list.tokens.to_string();
    let words = || condition.split(|c: char| !c.is_alphanumeric() && c != '_');
    attribute.path().is_ident("cfg")
        && words().any(|word| word == "test")
        && !words().any(|word| word == "not" || word == "any")
}
