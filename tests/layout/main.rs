//! Layouts against brute force: an accepted one reaches no byte outside of its buffer, a refused one would, and slices
//! are the elements that they should be. And against mistakes: checks that are wrong in one place each, which the same
//! properties must refute.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod arrays;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "../common/mod.rs"]
mod common;
mod mistakes;
mod oracle;
mod reference;
mod units;

use oracle::{agrees_with_brute_force, agrees_with_exact_sums, huge, slices_agree, small};
use proptest::prelude::*;
use reference::cut;
use viewchan::Layout;

/// A packed layout is accepted if and only if no byte of any element is outside of the buffer.
#[test]
fn accepted_exactly_if_inside() {
    const CASES: u32 = 10_000;
    let counts = agrees_with_brute_force(CASES, |descriptor| descriptor.packed().is_ok());
    let (inside, outside) = counts.unwrap_or_else(|error| panic!("{error}"));
    assert!(inside.min(outside) > CASES as usize / 5, "both are tried: {inside} inside, {outside} outside");
}

/// Slices of slices are the elements that brute force finds, and keep the format.
#[test]
fn slices_are_the_right_elements() {
    let made = slices_agree(5_000, cut).unwrap_or_else(|error| panic!("{error}"));
    assert!(made > 5_000, "only {made} slices");
}

/// Numbers of any magnitude are judged exactly: nothing overflows.
#[test]
fn any_magnitude_is_judged_exactly() {
    const CASES: u32 = 10_000;
    let counts = agrees_with_exact_sums(CASES, |descriptor| descriptor.packed().is_ok());
    let (inside, outside) = counts.unwrap_or_else(|error| panic!("{error}"));
    assert!(inside.min(outside) > CASES as usize / 20, "both are tried: {inside} inside, {outside} outside");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is not packed is accepted exactly if each element is inside, and aligned.
    #[test]
    fn accepted_exactly_if_inside_and_aligned(descriptor in small()) {
        prop_assert_eq!(descriptor.layout().is_ok(), descriptor.is_inside() && descriptor.is_aligned());
    }

    /// The corners of an array of any magnitude are inside.
    #[test]
    fn corners_are_inside(descriptor in huge()) {
        if let Ok(layout) = descriptor.packed() {
            let extent = layout.extent();
            prop_assert!(extent.start <= extent.end && extent.end <= descriptor.len);
            // The corners, and one step within each axis.
            let last: Vec<usize> = layout.shape().iter().map(|len| len.wrapping_sub(1)).collect();
            prop_assert_eq!(layout.offset_of(&vec![0; layout.ndim()]).is_some(), !layout.is_empty());
            for corner in 0..1_usize << layout.ndim().min(4) {
                let index: Vec<usize> = (0..layout.ndim()).map(|axis| if corner >> axis & 1 == 1 { last[axis] } else { 0 }).collect();
                if let Some(start) = layout.offset_of(&index) {
                    prop_assert!(extent.start <= start && start + layout.format().itemsize() <= extent.end);
                }
            }
        }
    }

    /// Slicing with any numbers is done or refused, and never leaves the buffer.
    #[test]
    fn any_slice_is_done_or_refused(
        descriptor in prop_oneof![huge(), small()],
        axis in 0..5_usize,
        (from, to) in any::<(usize, usize)>(),
        (start, stop) in any::<(Option<isize>, Option<isize>)>(),
        step in prop_oneof![any::<isize>(), -3..=3_isize, Just(isize::MIN), Just(isize::MAX)],
    ) {
        if let Ok(layout) = descriptor.packed() {
            let parts = [
                layout.slice_axis(axis, from..to),
                layout.slice_axis(axis, from % 4..=to),
                layout.slice_axis(axis, from % 4..),
                layout.step_axis(axis, start, stop, step),
                layout.step_axis(axis, start.map(|start| start % 4), stop, step),
                layout.index_axis(axis, from % 4),
                layout.permute_axes(&[from % 4, axis]),
            ];
            for part in parts.into_iter().flatten() {
                // A part is a layout that would be accepted by itself.
                let again = Layout::packed(part.format(), part.shape(), Some(part.strides()), part.offset(), part.buffer_len());
                prop_assert_eq!(again.as_ref(), Ok(&part));
                let (whole, within) = (layout.extent(), part.extent());
                prop_assert!(part.is_empty() || (whole.start <= within.start && within.end <= whole.end));
                prop_assert!(part.is_aligned() || !layout.is_aligned());
            }
        }
    }
}
