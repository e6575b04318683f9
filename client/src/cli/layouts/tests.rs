//! The words of `layout create`.

use super::*;

#[test]
fn a_single_word_that_is_a_file_is_the_file() {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    for (given, target, file) in [
        (&[][..], None, None),
        (&["-"][..], None, Some("-")),
        (&["here.json"][..], None, Some("here.json")),
        (&["build"][..], Some("build"), None),
        (
            &["build", "here.json"][..],
            Some("build"),
            Some("here.json"),
        ),
        (&["build/0", "-"][..], Some("build/0"), Some("-")),
    ] {
        let given = words(given);
        let found = meant(&given, |word| word == "here.json");
        assert_eq!(found, (target, file), "{given:?}");
    }
}

#[test]
fn directories_are_those_of_the_caller() {
    for (cwd, meant) in [
        ("src", "/here/src"),
        ("./a/../b", "/here/a/../b"),
        ("/x", "/x"),
    ] {
        assert_eq!(absolute("/here", cwd), meant);
    }
}
