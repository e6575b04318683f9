//! What is typed into a pane arrives whole and in order, or whoever typed it is told; and nothing else waits for it.

mod lines;
mod pastes;
mod unread;
