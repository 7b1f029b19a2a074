//! Random descriptors and cuts, held against brute force.

use super::reference::{Cut, Descriptor, Model, exact, roomy, same};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use viewchan::layout::MAX_NDIM;
use viewchan::{Format, Layout};

pub(crate) fn formats() -> impl Strategy<Value = Format> {
    select(vec!["B", "<i2", ">u4", "d", "Zf", "3s"]).prop_map(|text| text.parse().expect("a known format"))
}

/// Descriptors small enough to go through, about as often right as wrong.
pub(crate) fn small() -> impl Strategy<Value = Descriptor> {
    let axis = (
        prop_oneof![1 => Just(0_usize), 12 => 1..=4_usize],
        -3..=3_isize,
        prop_oneof![4 => Just(0), 1 => -9..=9_isize],
    );
    let offset = prop_oneof![1 => Just(0_usize), 3 => 0..=12_usize];
    (formats(), vec(axis, 0..=4), any::<bool>(), offset, any::<bool>(), 0..=160_usize).prop_map(
        |(format, axes, with_strides, offset, whole, len)| {
            let size = format.itemsize();
            let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let strides = axes.iter().map(|axis| axis.1 * size as isize + axis.2).collect();
            let offset = if whole { offset * size } else { offset };
            Descriptor { format, shape, strides: with_strides.then_some(strides), offset, len }
        },
    )
}

/// Holds a check against brute force, in both directions; how many were right and wrong.
pub(crate) fn agrees_with_brute_force(
    cases: u32,
    check: impl Fn(&Descriptor) -> bool,
) -> Result<(usize, usize), TestError<Descriptor>> {
    agrees(cases, &small(), check, Descriptor::is_inside)
}

/// Holds a check against exact sums, for numbers of any magnitude.
pub(crate) fn agrees_with_exact_sums(
    cases: u32,
    check: impl Fn(&Descriptor) -> bool,
) -> Result<(usize, usize), TestError<Descriptor>> {
    agrees(cases, &huge(), check, |descriptor| exact(descriptor) == Some(true))
}

fn agrees(
    cases: u32,
    descriptors: &impl Strategy<Value = Descriptor>,
    check: impl Fn(&Descriptor) -> bool,
    is_inside: impl Fn(&Descriptor) -> bool,
) -> Result<(usize, usize), TestError<Descriptor>> {
    let (inside, outside) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(descriptors, |descriptor| {
        let is_inside = is_inside(&descriptor);
        let count = if is_inside { &inside } else { &outside };
        count.set(count.get() + 1);
        if check(&descriptor) == is_inside {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!("is it inside? {is_inside}, says the oracle")))
        }
    })?;
    Ok((inside.get(), outside.get()))
}

/// Lengths, strides and offsets of all magnitudes.
pub(crate) fn huge() -> impl Strategy<Value = Descriptor> {
    let len = prop_oneof![
        select(vec![0, 1, 2, 3, 1 << 31, 1 << 32, 1 << 62, isize::MAX as usize, 1 << 63, usize::MAX]),
        (0..64_u32).prop_flat_map(|bits| 0..=usize::MAX >> bits),
    ]
    .boxed();
    let stride = prop_oneof![
        select(vec![0, 1, -1, 8, -8, isize::MIN, isize::MIN + 1, isize::MAX, 1 << 62]),
        (0..64_u32).prop_flat_map(|bits| isize::MIN >> bits..=isize::MAX >> bits),
    ];
    let axes =
        prop_oneof![6 => vec((len.clone(), stride.clone()), 0..=4), 1 => vec((Just(1), stride), 0..=MAX_NDIM + 4)];
    (formats(), axes, any::<bool>(), len.clone(), len).prop_map(|(format, axes, with_strides, offset, len)| {
        let (shape, strides) = axes.into_iter().unzip();
        Descriptor { format, shape, strides: Some(strides).filter(|_| with_strides), offset, len }
    })
}

pub(crate) fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let place = || proptest::option::of(-6..=6_isize);
    let step = prop_oneof![1..=3_isize, -3..=-1_isize, Just(isize::MAX), Just(isize::MIN)];
    let cut = prop_oneof![
        (0..4_usize, 0..5_usize, 0..5_usize).prop_map(|(axis, from, to)| Cut::Range(axis, from, to)),
        (0..4_usize, place(), place(), step).prop_map(|(axis, start, stop, step)| Cut::Step(axis, start, stop, step)),
        (0..4_usize, 0..4_usize).prop_map(|(axis, index)| Cut::Index(axis, index)),
        (0..24_usize).prop_map(Cut::Permute),
        Just(Cut::Transpose),
    ];
    vec(cut, 0..6)
}

/// The property of slices, for any way to cut.
#[expect(clippy::result_large_err, reason = "the counterexample is in it, once")]
pub(crate) fn slices_agree(
    cases: u32,
    cut: impl Fn(&Layout, &Model, &Cut) -> Option<(Layout, Model)>,
) -> Result<usize, TestError<(Descriptor, Vec<Cut>)>> {
    let made = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&(small().prop_map(roomy), cuts()), |(descriptor, cuts)| {
        let mut layout = descriptor.packed().expect("there is room");
        let mut model = Model { shape: descriptor.shape.clone(), starts: descriptor.starts() };
        same(&layout, &model).map_err(TestCaseError::fail)?;
        for step in &cuts {
            let Some(part) = cut(&layout, &model, step) else { continue };
            (layout, model) = part;
            same(&layout, &model).map_err(TestCaseError::fail)?;
            prop_assert_eq!(layout.format(), descriptor.format);
            prop_assert_eq!(layout.buffer_len(), descriptor.len);
            made.set(made.get() + 1);
        }
        Ok(())
    })?;
    Ok(made.get())
}
