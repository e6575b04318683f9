//! Tests of the split tree.

use proptest::prelude::*;
use protocol::{Direction, PaneUuid, Size};

use super::{Layout, NoRoom};

fn panes(count: usize) -> Vec<PaneUuid> {
    (0..count).map(|_| PaneUuid::new()).collect()
}

#[test]
fn half_a_window_each_with_a_border_between() {
    let p = panes(2);
    let layout = Layout::single(p[0])
        .split(p[0], p[1], Direction::Right, 0.5, Size::DEFAULT)
        .unwrap();
    let rects = layout.rects(Size::new(24, 81));
    assert_eq!(rects[0].1.size, Size::new(24, 40));
    assert_eq!((rects[1].1.col, rects[1].1.size.cols), (41, 40));
}

#[test]
fn a_split_in_the_same_direction_joins_its_siblings() {
    let p = panes(3);
    let size = Size::new(24, 80);
    let layout = Layout::single(p[0])
        .split(p[0], p[1], Direction::Down, 0.5, size)
        .and_then(|l| l.split(p[1], p[2], Direction::Down, 0.5, size))
        .unwrap();
    assert_eq!(layout.panes(), p);
    let text = layout.to_string();
    assert_eq!(text.matches("down(").count(), 1, "{text}");
}

#[test]
fn removing_a_pane_gives_its_space_to_its_siblings() {
    let p = panes(3);
    let size = Size::new(24, 80);
    let layout = Layout::single(p[0])
        .split(p[0], p[1], Direction::Right, 0.5, size)
        .and_then(|l| l.split(p[1], p[2], Direction::Down, 0.5, size))
        .unwrap();
    let without = layout.without(p[0]).unwrap();
    assert_eq!(without.panes(), p[1..]);
    assert_eq!(without.rects(size)[0].1.size, Size::new(12, 80));
    let last = without.without(p[1]).unwrap();
    assert_eq!(last, Layout::single(p[2]));
    assert_eq!(last.without(p[2]), None);
}

#[test]
fn a_split_without_room_is_refused() {
    let p = panes(2);
    let split = |size| Layout::single(p[0]).split(p[0], p[1], Direction::Down, 0.5, size);
    assert_eq!(split(Size::new(2, 80)), Err(NoRoom));
    assert!(split(Size::new(3, 80)).is_ok());
}

#[test]
fn resize_reaches_the_innermost_split_of_its_direction() {
    let p = panes(3);
    let size = Size::new(24, 80);
    let layout = Layout::single(p[0])
        .split(p[0], p[1], Direction::Right, 0.5, size)
        .and_then(|l| l.split(p[1], p[2], Direction::Down, 0.5, size))
        .unwrap()
        .resized(p[2], Direction::Down, 5, size)
        .resized(p[2], Direction::Right, 20, size);
    let rects = layout.rects(size);
    assert_eq!(rects[2].1.size, Size::new(5, 20));
    assert_eq!(rects[0].1.size, Size::new(24, 59));
}

#[derive(Clone, Debug)]
enum Step {
    Split(prop::sample::Index, bool, f64),
    Remove(prop::sample::Index),
    Resize(prop::sample::Index, bool, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<prop::sample::Index>(), any::<bool>(), 0.01..0.99)
            .prop_map(|(i, d, r)| Step::Split(i, d, r)),
        any::<prop::sample::Index>().prop_map(Step::Remove),
        (any::<prop::sample::Index>(), any::<bool>(), any::<u16>())
            .prop_map(|(i, d, e)| Step::Resize(i, d, e)),
    ]
}

fn direction(right: bool) -> Direction {
    if right {
        Direction::Right
    } else {
        Direction::Down
    }
}

fn overlaps(a: super::Rect, b: super::Rect) -> bool {
    let apart = |a0: u16, a1: u16, b0: u16, b1: u16| a0 + a1 <= b0 || b0 + b1 <= a0;
    !apart(a.row, a.size.rows, b.row, b.size.rows) && !apart(a.col, a.size.cols, b.col, b.size.cols)
}

proptest! {
    #[test]
    fn panes_stay_unique_inside_the_window_and_apart(
        steps in prop::collection::vec(step(), 1..40),
        rows in 1u16..60,
        cols in 1u16..200,
    ) {
        let size = Size::new(rows, cols);
        let mut layout = Layout::single(PaneUuid::new());
        let mut count = 1;
        for step in steps {
            let panes = layout.panes();
            match step {
                Step::Split(at, right, ratio) => {
                    if let Ok(split) = layout.split(*at.get(&panes), PaneUuid::new(), direction(right), ratio, size) {
                        layout = split;
                        count += 1;
                    }
                }
                Step::Remove(at) => {
                    if let Some(rest) = layout.without(*at.get(&panes)) {
                        layout = rest;
                        count -= 1;
                    }
                }
                Step::Resize(at, right, extent) => {
                    layout = layout.resized(*at.get(&panes), direction(right), extent, size);
                }
            }
            let rects = layout.rects(size);
            prop_assert_eq!(rects.len(), count);
            for (i, (_, a)) in rects.iter().enumerate() {
                prop_assert!(a.size.rows >= 1 && a.size.cols >= 1);
                prop_assert!(a.row + a.size.rows <= rows && a.col + a.size.cols <= cols, "{:?} in {:?}", a, size);
                for (_, b) in &rects[i + 1..] {
                    prop_assert!(!overlaps(*a, *b), "{:?} {:?}", a, b);
                }
            }
        }
    }

    #[test]
    fn tiles_hold_every_pane_in_order(count in 1usize..100) {
        let p = panes(count);
        prop_assert_eq!(Layout::tiled(&p).panes(), p);
    }
}
