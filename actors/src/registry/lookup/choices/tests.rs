//! Which choices are given, and in which order.

use super::*;

fn choices(words: &[&str]) -> Vec<Choice> {
    let choice = |word: &&str| Choice::new(word, format!("build/{word}"));
    words.iter().map(choice).collect()
}

#[test]
fn the_nearest_come_first_and_each_once() {
    let wanted = Name::new("lgos").unwrap();
    let words = ["web", "logs", "tail", "Logs", "web"];
    let near = nearest(Some(&wanted), choices(&words));
    assert_eq!(
        near,
        ["build/logs", "build/Logs", "build/web", "build/tail"]
    );
    let ordered = nearest(None, choices(&words));
    assert_eq!(
        ordered,
        ["build/web", "build/logs", "build/tail", "build/Logs"]
    );
}

#[test]
fn there_are_not_too_many() {
    let words: Vec<String> = (0..300).map(|number| format!("w{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(nearest(None, choices(&words)).len(), MOST);
    let wanted = Name::new("w299").unwrap();
    let near = nearest(Some(&wanted), choices(&words));
    assert_eq!(near.first().map(String::as_str), Some("build/w299"));
    assert_eq!(near.len(), MOST);
}
