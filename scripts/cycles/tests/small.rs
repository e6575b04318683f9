//! A small crate with a facade, in which every kind of use is counted once.

#![allow(clippy::unwrap_used, reason = "what fails in a test is to be seen")]

use std::path::{Path, PathBuf};

use cycles::{CrateTree, Graph};

/// A crate of these files.
fn graph(files: &[(&str, &str)]) -> Graph {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Graph::of(&CrateTree::read(&dir.path().join("lib.rs")).unwrap())
}

fn cycles(files: &[(&str, &str)]) -> Vec<Vec<PathBuf>> {
    graph(files).cycles()
}

fn names(files: &[&str]) -> Vec<PathBuf> {
    files.iter().map(PathBuf::from).collect()
}

const LIB: (&str, &str) = ("lib.rs", "mod a; mod b;");

#[test]
fn files_that_use_each_other_are_a_cycle() {
    let found = cycles(&[
        LIB,
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; fn f(_: crate::a::A) {}"),
    ]);
    assert_eq!(found, [names(&["a.rs", "b.rs"])]);
}

#[test]
fn a_use_through_a_facade_is_one_of_the_file_that_defines() {
    let files = [
        ("lib.rs", "mod a; mod face;"),
        ("face.rs", "mod b; mod c; pub use b::B; pub use c::*;"),
        ("face/b.rs", "pub struct B;"),
        ("face/c.rs", "pub struct C; fn f() { crate::a::f() }"),
        (
            "a.rs",
            "use crate::face::{B, C}; pub fn f() -> (B, C) { loop {} }",
        ),
    ];
    let found = graph(&files);
    assert_eq!(found.cycles(), [names(&["a.rs", "face/c.rs"])]);
    let all = names(&["lib.rs", "a.rs", "face.rs", "face/b.rs", "face/c.rs"]);
    let used = found.uses_within(Path::new("a.rs"), &all);
    let mut used: Vec<_> = used.map(|used| used.file.clone()).collect();
    used.dedup();
    assert_eq!(
        used,
        names(&["face/b.rs", "face/c.rs"]),
        "and not the facade"
    );
}

#[test]
fn a_function_that_is_called_like_its_file_counts() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod face;"),
        ("face.rs", "mod close; pub use close::close;"),
        ("face/close.rs", "pub fn close() { crate::a::f() }"),
        ("a.rs", "use crate::face; pub fn f() { face::close() }"),
    ]);
    assert_eq!(found, [names(&["a.rs", "face/close.rs"])]);
}

#[test]
fn a_child_that_uses_its_parent_is_in_a_cycle_with_it() {
    let found = cycles(&[
        ("lib.rs", "mod a;"),
        ("a.rs", "mod child; pub struct A;"),
        ("a/child.rs", "use super::A; impl A {}"),
    ]);
    assert_eq!(found, [names(&["a/child.rs", "a.rs"])]);
}

#[test]
fn inline_paths_and_arguments_of_macros_count() {
    let found = cycles(&[
        LIB,
        (
            "a.rs",
            "pub const A: u8 = 1; fn f() { println!(\"{}\", crate::b::B); }",
        ),
        ("b.rs", "use crate::a; pub const B: u8 = a::A;"),
    ]);
    assert_eq!(found, [names(&["a.rs", "b.rs"])]);
}

#[test]
fn tests_visibilities_and_other_crates_do_not_count() {
    let found = cycles(&[
        LIB,
        (
            "a.rs",
            "pub(in crate::b) struct A; use b::B; #[cfg(test)] mod tests { use crate::b::B; } #[cfg(test)] fn t(_: crate::b::B) {}",
        ),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
    ]);
    assert_eq!(found, Vec::<Vec<PathBuf>>::new());
}

#[test]
fn the_largest_cycle_comes_first_and_modules_within_a_file_are_that_file() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
        ("c.rs", "pub mod inner { pub struct C(crate::d::D); }"),
        ("d.rs", "pub struct D(crate::e::E);"),
        ("e.rs", "use crate::c::inner; pub struct E(inner::C);"),
    ]);
    assert_eq!(
        found,
        [names(&["c.rs", "d.rs", "e.rs"]), names(&["a.rs", "b.rs"])]
    );
}
