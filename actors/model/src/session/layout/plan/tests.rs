//! Tests of described layouts.

use proptest::prelude::*;
use protocol::request::{LayoutNode, LayoutPart, LayoutSplit};
use protocol::{Direction, ErrorCode, PaneUuid, Size};

use super::checked;
use crate::session::layout::Layout;

fn pane() -> LayoutNode {
    LayoutNode::Pane(Box::default())
}

fn split(direction: Direction, parts: Vec<(Option<f64>, LayoutNode)>) -> LayoutNode {
    let part = |(ratio, layout)| LayoutPart { ratio, layout };
    LayoutNode::Split(LayoutSplit {
        direction,
        splits: parts.into_iter().map(part).collect(),
    })
}

fn made(wanted: &LayoutNode) -> Layout {
    let places = checked(wanted).unwrap();
    let ids: Vec<_> = places.iter().map(|_| PaneUuid::new()).collect();
    let layout = Layout::planned(wanted, &ids).unwrap();
    assert_eq!(layout.panes(), ids);
    layout
}

#[test]
fn ratios_are_honoured_to_within_a_cell() {
    let wanted = split(
        Direction::Right,
        vec![
            (Some(0.7), pane()),
            (
                None,
                split(
                    Direction::Down,
                    vec![(Some(1.0), pane()), (Some(3.0), pane())],
                ),
            ),
        ],
    );
    let size = Size::new(25, 101);
    let layout = made(&wanted);
    layout.divides(size).unwrap();
    let sizes: Vec<_> = layout.rects(size).iter().map(|(_, r)| r.size).collect();
    assert_eq!(
        sizes,
        [Size::new(25, 70), Size::new(6, 30), Size::new(18, 30)]
    );
}

#[test]
fn parts_without_a_ratio_share_what_is_left() {
    let wanted = split(
        Direction::Right,
        vec![(None, pane()), (Some(0.5), pane()), (None, pane())],
    );
    let cols: Vec<_> = made(&wanted)
        .rects(Size::new(10, 102))
        .iter()
        .map(|(_, rect)| rect.size.cols)
        .collect();
    assert_eq!(cols, [25, 50, 25]);
}

#[test]
fn what_cannot_be_made_is_refused_with_its_place() {
    let refused = |wanted: &LayoutNode| {
        let places = match checked(wanted) {
            Ok(places) => places,
            Err(error) => return error,
        };
        let ids: Vec<_> = places.iter().map(|_| PaneUuid::new()).collect();
        Layout::planned(wanted, &ids).unwrap_err()
    };
    let mut deep = pane();
    for _ in 0..LayoutNode::DEEPEST {
        deep = split(Direction::Down, vec![(None, pane()), (None, deep)]);
    }
    let wide = (0..65).map(|_| (None, pane())).collect();
    let cases = [
        (deep, "33 splits deep"),
        (split(Direction::Right, wide), "65 panes"),
        (split(Direction::Right, vec![]), "no pane"),
        (
            split(Direction::Right, vec![(Some(0.0), pane())]),
            "layout.splits[0].ratio is 0",
        ),
        (
            split(Direction::Right, vec![(Some(f64::NAN), pane())]),
            "splits[0].ratio is NaN",
        ),
        (
            split(Direction::Right, vec![(Some(1.0), pane()), (None, pane())]),
            "leaves nothing",
        ),
        (
            split(
                Direction::Right,
                vec![(None, pane()), (None, split(Direction::Down, vec![]))],
            ),
            "layout.splits[1].layout.splits has 0 parts",
        ),
    ];
    for (wanted, says) in cases {
        let error = refused(&wanted);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains(says), "{error}");
    }
}

#[test]
fn a_window_too_small_for_the_ratios_is_refused() {
    let row = |first| {
        split(
            Direction::Right,
            vec![
                (
                    Some(first),
                    split(
                        Direction::Right,
                        vec![(None, pane()), (None, pane()), (None, pane())],
                    ),
                ),
                (None, pane()),
            ],
        )
    };
    made(&row(0.5)).divides(Size::DEFAULT).unwrap();
    assert!(made(&row(0.01)).divides(Size::DEFAULT).is_err());
}

#[test]
fn a_panes_share_can_be_set() {
    let wanted = split(
        Direction::Right,
        vec![(None, pane()), (None, pane()), (None, pane())],
    );
    let layout = made(&wanted);
    let panes = layout.panes();
    let rects = layout.with_ratio(panes[1], 0.5).rects(Size::new(10, 102));
    let cols: Vec<_> = rects.iter().map(|(_, rect)| rect.size.cols).collect();
    assert_eq!(cols, [25, 50, 25]);
    let alone = made(&pane());
    assert_eq!(alone.with_ratio(alone.panes()[0], 0.2), alone);
}

fn nodes() -> impl Strategy<Value = LayoutNode> {
    let leaf = Just(()).prop_map(|()| pane());
    leaf.prop_recursive(3, 12, 3, |inner| {
        let part = (prop::option::of(0.05_f64..0.3), inner);
        (any::<bool>(), prop::collection::vec(part, 1..4)).prop_map(|(down, parts)| {
            let direction = if down {
                Direction::Down
            } else {
                Direction::Right
            };
            split(direction, parts)
        })
    })
}

proptest! {
    #[test]
    fn whatever_divides_has_every_share_within_a_cell(wanted in nodes(), rows in 5_u16..200, cols in 5_u16..200) {
        let layout = made(&wanted);
        let size = Size::new(rows, cols);
        let rects = layout.rects(size);
        if layout.divides(size).is_ok() {
            for (_, rect) in &rects {
                prop_assert!(rect.size.rows > 0 && rect.size.cols > 0);
                prop_assert!(rect.row + rect.size.rows <= rows);
                prop_assert!(rect.col + rect.size.cols <= cols);
            }
        }
    }
}
