//! Arrays as `ndarray` sees them. Compiled with the feature `ndarray` only.

use crate::ArrayView;
use crate::array::{AccessError, Element, cast, check};
use crate::runtime::Runtime;
use crate::strategy::Strategy;
use ndarray::{Axis, Dimension, IxDyn, ShapeBuilder};

impl<R: Runtime, S: Strategy<R>> ArrayView<R, S> {
    /// The array as an [`ndarray::ArrayView`], in place: no copy is made. Strides may be negative or 0.
    ///
    /// `D` is [`Ix2`](type@ndarray::Ix2) for two dimensions, and so on, or [`IxDyn`](type@IxDyn) for any number. Needs the feature `ndarray`.
    ///
    /// # Errors
    ///
    /// See [`AccessError`]: the elements must be `T`s of this machine's byte order and where a `T` may be, strides whole
    /// numbers of `T`s, and the dimensions as many as `D` has.
    pub fn to_ndarray<T: Element, D: Dimension>(&self) -> Result<ndarray::ArrayView<'_, T, D>, AccessError> {
        check::<T>(self.format())?;
        let dimensions = |lengths: &[usize]| {
            let asked = D::NDIM.unwrap_or(lengths.len());
            D::from_dimension(&IxDyn(lengths)).ok_or(AccessError::Dimensions { ndim: lengths.len(), asked })
        };
        let shape = dimensions(self.shape())?;
        let steps = self.steps::<T>()?;
        let forwards: Vec<usize> = steps.iter().map(|step| step.unsigned_abs()).collect();
        let elements: &[T] = if self.is_empty() { &[] } else { cast(self.extent()?)? };
        // `ndarray` checks everything again. It takes no negative strides, but turns axes round: so the array is seen from its
        // lowest element first.
        let mut array = ndarray::ArrayView::from_shape(shape.strides(dimensions(&forwards)?), elements)
            .expect("the extent has exactly the elements that the strides reach");
        for (axis, _) in steps.iter().enumerate().filter(|(_, step)| **step < 0) {
            array.invert_axis(Axis(axis));
        }
        Ok(array)
    }

    /// The strides in `T`s; 0 where they mean nothing.
    fn steps<T>(&self) -> Result<Vec<isize>, AccessError> {
        let size = size_of::<T>();
        let axes = self.shape().iter().zip(self.strides()).enumerate();
        axes.map(|(axis, (&len, &stride))| match stride / size as isize {
            _ if len < 2 || self.is_empty() => Ok(0),
            step if step * size as isize == stride => Ok(step),
            _ => Err(AccessError::FractionalStride { axis, stride, size }),
        })
        .collect()
    }
}
