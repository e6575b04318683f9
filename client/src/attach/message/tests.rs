//! How messages give way to the room there is.

use super::*;

#[test]
fn a_message_says_what_there_is_room_for_in_whole_words() {
    let message = Message::new([
        "one of 5 panes: C-b o shows the next",
        "1 of 5 panes, C-b ?",
    ]);
    for (cols, shown) in [
        (80, "one of 5 panes: C-b o shows the next"),
        (36, "one of 5 panes: C-b o shows the next"),
        (35, "1 of 5 panes, C-b ?"),
        (19, "1 of 5 panes, C-b ?"),
        (18, "1 of 5 panes, …"),
        (8, "1 of 5 …"),
        (1, "…"),
        (0, ""),
    ] {
        assert_eq!(message.fitted(cols), shown, "{cols}");
    }
    assert_eq!(Message::new(["hello\nthere"]).fitted(80), "hello\nthere");
}

#[test]
fn the_keys_are_told_in_whole_on_every_terminal() {
    for cols in [80, 60, 40, 20] {
        let shown = Message::help().fitted(cols);
        assert!(!shown.contains('…'), "{cols}: {shown}");
        assert!(shown.starts_with("C-b"), "{cols}: {shown}");
    }
}

#[test]
fn of_two_the_second_gives_way_first() {
    let both = Message::new(["read-only: C-b d leaves", "read-only"])
        .and(Message::new(["one of 2 panes", "2 panes"]));
    for (cols, shown) in [
        (40, "read-only: C-b d leaves; one of 2 panes"),
        (32, "read-only: C-b d leaves; 2 panes"),
        (26, "read-only; one of 2 panes"),
        (24, "read-only; 2 panes"),
        (10, "read-only"),
    ] {
        assert_eq!(both.fitted(cols), shown, "{cols}");
    }
}
