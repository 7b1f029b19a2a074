//! Arrays as `ndarray` sees them: in place, element by element the same, and refused where they are not.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{view_of, watchdog};
use ndarray::{Ix0, Ix1, Ix2, IxDyn};
use proptest::prelude::*;
use viewchan::array::AccessError;
use viewchan::{ArrayView, Format, Interpreter, Layout, Shaped, View};

/// A view of the numbers from 0 on, aligned.
fn numbers(len: i32) -> View {
    view_of(&Interpreter::new(), |token| {
        Shaped::from_vec(token, (0..len).collect(), &[len as usize]).expect("fits").into_parts().0
    })
}

fn array(shape: &[usize], strides: Option<&[isize]>, offset: usize, len: i32) -> ArrayView {
    let layout = Layout::packed(Format::of::<i32>(), shape, strides, offset, len as usize * 4).expect("fits");
    numbers(len).with_layout(layout).expect("of that length")
}

/// A matrix is seen where it is.
#[test]
fn a_matrix_is_seen_in_place() {
    let _watchdog = watchdog();
    let array = array(&[2, 3], None, 0, 6);
    let seen = array.to_ndarray::<i32, Ix2>().expect("a matrix");
    assert_eq!(seen, ndarray::array![[0, 1, 2], [3, 4, 5]]);
    assert_eq!(seen.as_ptr().cast(), array.view().as_ptr());
    assert_eq!(seen.sum_axis(ndarray::Axis(0)), ndarray::array![3, 5, 7]);
}

/// Backwards, broadcast, transposed, of no dimension, without elements.
#[test]
fn every_stride_is_seen() {
    let _watchdog = watchdog();
    let backwards = array(&[2, 3], Some(&[-12, -4]), 20, 6);
    assert_eq!(backwards.to_ndarray(), Ok(ndarray::array![[5, 4, 3], [2, 1, 0]].view()));
    assert_eq!(backwards.transpose().to_ndarray(), Ok(ndarray::array![[5, 2], [4, 1], [3, 0]].view()));
    let broadcast = array(&[2, 3], Some(&[0, 4]), 4, 6);
    assert_eq!(broadcast.to_ndarray(), Ok(ndarray::array![[1, 2, 3], [1, 2, 3]].view()));
    let scalar = array(&[], None, 8, 6);
    assert_eq!(scalar.to_ndarray::<i32, Ix0>().expect("one element").into_scalar(), &2);
    let nothing = array(&[0, 3], Some(&[7, isize::MIN]), 24, 6);
    assert_eq!(nothing.to_ndarray::<i32, IxDyn>().expect("no element").shape(), [0, 3]);
    let one = array(&[1], Some(&[7]), 4, 6);
    assert_eq!(one.to_ndarray::<i32, Ix1>().expect("one element")[0], 1);
}

/// What cannot be seen in place is refused with the reason.
#[test]
fn refusals_are_precise() {
    let _watchdog = watchdog();
    let matrix = array(&[2, 3], None, 0, 6);
    let refused = |result: Result<_, AccessError>| result.map(|_: ndarray::ArrayView<'_, i32, Ix2>| ()).unwrap_err();
    assert_eq!(matrix.to_ndarray::<i32, Ix1>().map(|_| ()), Err(AccessError::Dimensions { ndim: 2, asked: 1 }));
    assert!(matches!(matrix.to_ndarray::<u32, Ix2>(), Err(AccessError::Format { .. })));
    let fractional = array(&[2, 2], Some(&[8, 6]), 0, 6);
    assert_eq!(refused(fractional.to_ndarray()), AccessError::FractionalStride { axis: 1, stride: 6, size: 4 });
    let misaligned = array(&[2, 2], Some(&[8, 4]), 2, 6);
    assert_eq!(refused(misaligned.to_ndarray()), AccessError::MisalignedAddress { remainder: 2, alignment: 4 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the layout, `ndarray` sees the values that the layout names, in the same order.
    #[test]
    fn ndarray_sees_the_same(
        axes in proptest::collection::vec((0..4_usize, -4..4_isize), 0..5),
        offset in 0..32_usize,
    ) {
        let (shape, strides): (Vec<usize>, Vec<isize>) = axes.into_iter().map(|(len, stride)| (len, stride * 4)).unzip();
        if let Ok(layout) = Layout::new(Format::of::<i32>(), &shape, Some(&strides), offset * 4, 128) {
            let array = numbers(32).with_layout(layout).expect("of that length");
            let seen = array.to_ndarray::<i32, IxDyn>().expect("whole strides, aligned");
            prop_assert_eq!(seen.shape(), array.shape());
            prop_assert!(seen.iter().copied().eq(array.values::<i32>().expect("integers")));
        }
    }
}
