//! Arrays that were sent, against brute force: however one is cut up, each part reads the bytes that the model names,
//! as bytes and as values, and the buffer is freed with the last part.

use super::common::{Drops, watchdog};
use super::oracle::{cuts, small};
use super::reference::{Cut, Descriptor, Model, cut, indices, permutation, roomy};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::cell::Cell;
use viewchan::{ArrayView, Element, Format, Interpreter, unbounded};

/// The bytes of a buffer: neighbours differ, and so do those a row apart.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|place| (place * 7 + place / 36) as u8).collect()
}

/// The array that arrives when one is sent.
fn sent(descriptor: &Descriptor, drops: &Drops) -> ArrayView {
    let (tx, rx) = unbounded();
    Interpreter::new().attach(|token| {
        let buffer = drops.buffer(token, &bytes(descriptor.len));
        let shaped = buffer.with_layout(descriptor.packed().expect("there is room")).expect("of that length");
        tx.send(token, shaped).expect("the channel is open");
    });
    rx.recv().expect("sent").into_array().expect("an array")
}

/// Cuts an array. There is something to cut along: the model has been cut already.
fn part(array: &ArrayView, step: &Cut) -> ArrayView {
    let len = |axis: usize| array.shape()[axis % array.ndim()];
    let part = match *step {
        Cut::Range(axis, from, to) => {
            let (from, to) = (from.min(to).min(len(axis)), from.max(to).min(len(axis)));
            array.slice_axis(axis % array.ndim(), from..to)
        }
        Cut::Step(axis, start, stop, step) => array.step_axis(axis % array.ndim(), start, stop, step),
        Cut::Index(axis, index) => array.index_axis(axis % array.ndim(), index % len(axis)),
        Cut::Permute(number) => array.permute_axes(&permutation(array.ndim(), number)),
        Cut::Transpose => Ok(array.transpose()),
    };
    part.expect("the part exists")
}

/// Everything that an array reads, against the model.
fn same(array: &ArrayView, model: &Model, all: &[u8]) -> Result<(), TestCaseError> {
    let size = array.format().itemsize();
    let expected: Vec<&[u8]> = model.starts.iter().map(|&start| &all[start as usize..start as usize + size]).collect();
    prop_assert_eq!(array.shape(), &model.shape[..]);
    prop_assert_eq!((array.len(), array.is_empty()), (expected.len(), expected.is_empty()));
    prop_assert_eq!(&array.elements().collect::<Vec<_>>(), &expected);
    for (index, element) in indices(&model.shape).iter().zip(&expected) {
        prop_assert_eq!(array.element(index), Some(*element));
    }
    prop_assert_eq!(array.element(&[&model.shape[..], &[0]].concat()), None, "an index too many");
    prop_assert!(array.ndim() == 0 || array.element(&model.shape).is_none(), "an index beyond its axis");
    typed(array, &expected, |value: u8| value.to_ne_bytes().to_vec())?;
    typed(array, &expected, |value: i16| value.to_ne_bytes().to_vec())?;
    typed(array, &expected, |value: u32| value.to_ne_bytes().to_vec())?;
    typed(array, &expected, |value: f64| value.to_ne_bytes().to_vec())?;
    typed(array, &expected, |value: [u8; 3]| value.to_vec())
}

/// The elements as values, where they are such: copies always, a slice where they follow each other and are aligned.
fn typed<T: Element>(array: &ArrayView, expected: &[&[u8]], raw: impl Fn(T) -> Vec<u8>) -> Result<(), TestCaseError> {
    let fits = array.format() == Format::of::<T>();
    prop_assert_eq!(array.values::<T>().is_ok(), fits);
    if let Ok(values) = array.values::<T>() {
        prop_assert_eq!(&values.map(&raw).collect::<Vec<_>>(), &expected);
    }
    let follows = array.layout().is_c_contiguous();
    let aligned = array.elements().next().is_none_or(|first| first.as_ptr().addr().is_multiple_of(align_of::<T>()));
    prop_assert_eq!(array.as_slice::<T>().is_ok(), fits && follows && aligned);
    if let Ok(slice) = array.as_slice::<T>() {
        prop_assert_eq!(&slice.iter().map(|&value| raw(value)).collect::<Vec<_>>(), &expected);
    }
    Ok(())
}

/// The property, for any way to cut. How many parts were made.
#[expect(clippy::result_large_err, reason = "the counterexample is in it, once")]
fn arrays_agree(
    cases: u32,
    part: impl Fn(&ArrayView, &Cut) -> ArrayView,
) -> Result<usize, TestError<(Descriptor, Vec<Cut>)>> {
    let made = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&(small().prop_map(roomy), cuts()), |(descriptor, cuts)| {
        let (drops, all) = (Drops::default(), bytes(descriptor.len));
        let mut array = sent(&descriptor, &drops);
        let mut model = Model { shape: descriptor.shape.clone(), starts: descriptor.starts() };
        same(&array, &model, &all)?;
        for step in &cuts {
            let Some((layout, smaller)) = cut(array.layout(), &model, step) else { continue };
            // The whole is dropped: what is left keeps the buffer.
            array = part(&array, step);
            model = smaller;
            prop_assert_eq!(array.layout(), &layout);
            same(&array, &model, &all)?;
            prop_assert_eq!(drops.count(), 0);
            made.set(made.get() + 1);
        }
        drop(array);
        prop_assert_eq!(drops.count(), 1, "the buffer is freed");
        Ok(())
    })?;
    Ok(made.get())
}

#[test]
fn parts_of_arrays_read_the_right_bytes() {
    let _watchdog = watchdog();
    let made = arrays_agree(1_000, part).unwrap_or_else(|error| panic!("{error}"));
    assert!(made > 1_000, "only {made} parts");
}

/// Parts with one mistake each are refuted.
#[test]
fn wrong_parts_are_refuted() {
    type Wrong = fn(&ArrayView, &Cut) -> ArrayView;
    let wrong: [(&str, Wrong); 4] = [
        ("a transpose that does nothing", |array, step| match step {
            Cut::Transpose => array.clone(),
            other => part(array, other),
        }),
        ("a step that goes the other way", |array, step| match *step {
            Cut::Step(axis, start, stop, step) => part(array, &Cut::Step(axis, start, stop, step.saturating_neg())),
            ref other => part(array, other),
        }),
        ("an index that is one too high", |array, step| match *step {
            Cut::Index(axis, index) => part(array, &Cut::Index(axis, index + 1)),
            ref other => part(array, other),
        }),
        ("a part that is never given back", |array, step| {
            std::mem::forget(array.clone());
            part(array, step)
        }),
    ];
    let _watchdog = watchdog();
    for (mistake, wrong) in wrong {
        match arrays_agree(5_000, wrong) {
            Err(TestError::Fail(..)) => {}
            other => panic!("not refuted: {mistake}: {other:?}"),
        }
    }
}
