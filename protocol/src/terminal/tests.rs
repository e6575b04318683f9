//! Sizes in pixels.

use super::*;

#[test]
fn cells_have_a_size_where_the_terminal_tells_its_own() {
    let size = Size::new(24, 80);
    let cell = CellPixels::of_terminal(size, 810, 490).unwrap();
    let wanted = CellPixels {
        width: 10,
        height: 20,
    };
    assert_eq!(cell, wanted);
    assert_eq!(cell.of_screen(Size::new(10, 40)), (400, 200));
    assert_eq!(cell.of_screen(Size::new(1000, 1000)), (10_000, 20_000));
    for (width, height) in [(0, 0), (0, 480), (800, 0), (79, 480)] {
        assert_eq!(CellPixels::of_terminal(size, width, height), None);
    }
    assert_eq!(CellPixels::of_terminal(Size::new(0, 0), 800, 480), None);
}
