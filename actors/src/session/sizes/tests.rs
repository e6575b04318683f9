//! Whose size counts.

use super::*;

#[test]
fn the_size_follows_who_typed_last_and_goes_back_when_they_leave() {
    let [large, small, tiny] = [(); 3].map(|()| ClientUuid::new());
    let mut sizes = Sizes::default();
    assert_eq!(sizes.decided(), None);
    sizes.set(large, Size::new(50, 120));
    assert_eq!(sizes.decided(), Some((large, Size::new(50, 120))), "alone");
    sizes.set(small, Size::new(10, 40));
    assert_eq!(
        sizes.decided(),
        Some((large, Size::new(50, 120))),
        "attaching beside others is no word"
    );
    sizes.typed(small);
    assert_eq!(sizes.decided(), Some((small, Size::new(10, 40))));
    sizes.set(large, Size::new(60, 130));
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(10, 40))),
        "nor is another size of one that looks"
    );
    sizes.set(small, Size::new(12, 44));
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(12, 44))),
        "its own counts"
    );
    sizes.set(tiny, Size::new(2, 1));
    sizes.typed(tiny);
    assert_eq!(
        sizes.decided(),
        Some((small, Size::new(12, 44))),
        "too small to decide"
    );
    sizes.forget(small);
    assert_eq!(
        sizes.decided(),
        Some((large, Size::new(60, 130))),
        "the one before"
    );
    sizes.forget(large);
    assert_eq!(sizes.decided(), None);
}
