//! Updates for clients: a client that applies them shows the same screen.

use proptest::prelude::*;

use super::support::{fed, output, screen, size};
use crate::pane::screen::{Screen, ScreenUpdate};

/// A client: a screen of its own that is fed what an update says.
struct Client {
    screen: Screen,
    generation: u64,
}

impl Client {
    fn apply(&mut self, update: &ScreenUpdate) {
        if update.full {
            self.screen = Screen::new(update.size, 0);
        }
        for (row, ansi) in &update.rows {
            self.screen
                .advance(format!("\x1b[?7l\x1b[{};1H", row + 1).as_bytes());
            self.screen.advance(ansi);
            self.screen.advance(b"\x1b[K");
        }
        self.generation = update.generation;
    }

    fn rows(&self) -> Vec<String> {
        rows(&self.screen)
    }
}

fn rows(screen: &Screen) -> Vec<String> {
    screen
        .update_since(0)
        .rows
        .into_iter()
        .map(|(_, ansi)| String::from_utf8(ansi).expect("UTF-8"))
        .collect()
}

#[test]
fn only_changed_rows_are_sent() {
    let mut screen = screen("a\r\nb\r\nc");
    let generation = screen.generation();
    screen.advance(b"d");
    let update = screen.update_since(generation);
    assert!(!update.full);
    assert_eq!(update.rows, [(2, b"\x1b[mcd".to_vec())]);
    assert_eq!(update.title, None);
    assert_eq!(screen.update_since(update.generation).rows, []);
}

#[test]
fn nothing_visible_is_no_change() {
    let mut screen = screen("a");
    let generation = screen.generation();
    screen.advance(b"\x07\x1b[c\x1b[");
    assert_eq!(screen.generation(), generation);
    screen.advance(b"?2004h");
    assert!(screen.generation() > generation);
}

#[test]
fn titles_are_sent_when_they_change() {
    let mut screen = screen("a");
    let generation = screen.generation();
    screen.advance(b"\x1b]0;new\x07");
    assert_eq!(
        screen.update_since(generation).title.as_deref(),
        Some("new")
    );
    assert_eq!(screen.update_since(screen.generation()).title, None);
    assert!(screen.take_events().title_changed);
    screen.advance(b"b");
    assert!(!screen.take_events().title_changed);
}

#[test]
fn a_generation_from_elsewhere_gets_everything() {
    assert!(screen("a").update_since(u64::MAX).full);
    assert!(screen("a").update_since(0).full);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_client_that_looks_now_and_then_sees_the_same(steps in proptest::collection::vec((output(), any::<bool>()), 1..12), resize in any::<bool>()) {
        let mut screen = fed(size(6, 16), 20, b"");
        let mut client = Client { screen: Screen::new(size(6, 16), 0), generation: 0 };
        for (bytes, looks) in steps {
            // A client that draws what was joined into clusters must join clusters too.
            prop_assume!(!bytes.windows(4).any(|window| window == b"2027"));
            // Inserting in front of wide characters (IRM) can leave a row that a client draws differently at its end.
            prop_assume!(!bytes.windows(3).any(|window| window == b"[4h" || window == b";4h"));
            screen.advance(&bytes);
            if resize && bytes.len() % 7 == 0 {
                screen.resize(size(4 + bytes.len() as u16 % 5, 10 + bytes.len() as u16 % 9));
            }
            if looks {
                client.apply(&screen.update_since(client.generation));
                prop_assert_eq!(client.rows(), rows(&screen));
            }
        }
    }
}
