//! Arrays: a buffer or a view together with a [`Layout`].
//!
//! | | bytes | with a layout |
//! | --- | --- | --- |
//! | the owner's handle | [`Buffer`](crate::Buffer) | [`Shaped`] |
//! | the receiver's window | [`View`] | [`ArrayView`] |
//!
//! An array is sent like a buffer and arrives as [`Message::Array`]. The layout travels beside the
//! strategy's message: for the protocol, an array is a buffer, and locks are taken exactly as for one.

mod element;
mod shaped;

pub use element::{AccessError, Element};
pub(crate) use element::{cast, check};
pub use shaped::{ShapeError, Shaped};

use crate::layout::{Format, Layout, LayoutError, Offsets, SliceError};
use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::strategy::{self, Strategy};
use crate::{Message, View};
use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::ops::RangeBounds;

/// A read-only view of an array that was sent.
///
/// It can be read, cloned, sliced and sent to other threads at the same price as the [`View`] that it has: with the
/// default strategy without anyone's lock. A slice is a clone with another layout: format, shape, strides and offset
/// always say what it is, however often it was sliced.
///
/// Elements are read as Rust values if they are such: see [`as_slice`](Self::as_slice), [`values`](Self::values), and with
/// the feature `ndarray` the method `to_ndarray`. Whatever they are, [`element`](Self::element) and
/// [`elements`](Self::elements) give their bytes. There is no way to write.
///
/// ```compile_fail,E0596
/// # fn write(array: viewchan::ArrayView) {
/// let numbers: &mut [f64] = &mut array.as_slice::<f64>().unwrap()[..]; // an array never gives out `&mut`
/// # }
/// ```
pub struct ArrayView<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    view: View<R, S>,
    /// Boxed, as it was when it travelled: an array moves in four words.
    layout: Box<Layout>,
}

impl<R: Runtime, S: Strategy<R>> View<R, S> {
    /// The view as an array, for a layout that did not come with the message.
    ///
    /// The layout's offset counts from the start of this view, also if it is a slice.
    ///
    /// # Errors
    ///
    /// [`LayoutError::OtherLength`] if the layout was made for another length than this view's.
    pub fn with_layout(self, layout: Layout) -> Result<ArrayView<R, S>, LayoutError> {
        if layout.buffer_len() != self.len() {
            return Err(LayoutError::OtherLength { layout: layout.buffer_len(), buffer: self.len() });
        }
        Ok(ArrayView::new(self, Box::new(layout)))
    }
}

impl<R: Runtime, S: Strategy<R>> ArrayView<R, S> {
    pub(crate) fn new(view: View<R, S>, layout: Box<Layout>) -> Self {
        Self { view, layout }
    }

    /// What is where.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the elements are.
    #[must_use]
    pub fn format(&self) -> Format {
        self.layout.format()
    }

    /// Length of each axis, in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// Distance of neighbours along each axis, in bytes.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        self.layout.strides()
    }

    /// Number of dimensions.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.layout.ndim()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// The bytes of which the array is a part: all that were sent, not only those of its elements.
    #[must_use]
    pub fn view(&self) -> &View<R, S> {
        &self.view
    }

    /// The view and the layout, each for itself.
    #[must_use]
    pub fn into_parts(self) -> (View<R, S>, Layout) {
        (self.view, *self.layout)
    }

    /// The bytes of the element with these indices. `None` if there is none, or if there is not one index for each axis.
    #[must_use]
    pub fn element(&self, index: &[usize]) -> Option<&[u8]> {
        let start = self.layout.offset_of(index)?;
        Some(&self.view[start..start + self.format().itemsize()])
    }

    /// The bytes of each element, in C order: the last index varies fastest.
    pub fn elements(&self) -> Elements<'_> {
        Elements { bytes: &self.view, itemsize: self.format().itemsize(), offsets: self.layout.offsets() }
    }

    /// The elements as a slice, in place: no copy is made.
    ///
    /// # Errors
    ///
    /// See [`AccessError`]: the elements must be `T`s of this machine's byte order, contiguous in C order, and where a `T`
    /// may be. [`values`](Self::values) does not ask for the last two.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], AccessError> {
        check::<T>(self.format())?;
        if !self.layout.is_c_contiguous() {
            return Err(AccessError::NotContiguous);
        }
        if self.is_empty() {
            return Ok(&[]); // Of no bytes, the address does not matter.
        }
        cast(self.extent()?)
    }

    /// Copies of the elements, in C order, whatever the strides and the alignment.
    ///
    /// # Errors
    ///
    /// See [`AccessError`]: the elements must be `T`s of this machine's byte order.
    pub fn values<T: Element>(&self) -> Result<Values<'_, T>, AccessError> {
        check::<T>(self.format())?;
        Ok(Values { elements: self.elements(), _values: PhantomData })
    }

    /// The part within a range of an axis, counted as a clone. See [`Layout::slice_axis`].
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`] or [`SliceError::NoRange`].
    pub fn slice_axis(&self, axis: usize, range: impl RangeBounds<usize>) -> Result<Self, SliceError> {
        Ok(self.part(self.layout.slice_axis(axis, range)?))
    }

    /// The part that Python's `[start:stop:step]` takes along an axis, counted as a clone. See [`Layout::step_axis`].
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`] or [`SliceError::NoStep`].
    pub fn step_axis(
        &self,
        axis: usize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<Self, SliceError> {
        Ok(self.part(self.layout.step_axis(axis, start, stop, step)?))
    }

    /// The part at one index of an axis, without that axis, counted as a clone.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoAxis`] or [`SliceError::NoIndex`].
    pub fn index_axis(&self, axis: usize, index: usize) -> Result<Self, SliceError> {
        Ok(self.part(self.layout.index_axis(axis, index)?))
    }

    /// The axes in another order, counted as a clone: `axes[i]` becomes axis `i`.
    ///
    /// # Errors
    ///
    /// [`SliceError::NoPermutation`] unless every axis is named exactly once.
    pub fn permute_axes(&self, axes: &[usize]) -> Result<Self, SliceError> {
        Ok(self.part(self.layout.permute_axes(axes)?))
    }

    /// The axes in the opposite order, counted as a clone.
    #[must_use]
    pub fn transpose(&self) -> Self {
        self.part(self.layout.transpose())
    }

    /// Drops this clone, now and visibly. The same as `drop`.
    pub fn release(self) {
        drop(self);
    }

    fn part(&self, layout: Layout) -> Self {
        Self { view: self.view.clone(), layout: Box::new(layout) }
    }

    /// The bytes from the lowest element to the highest: everything that typed access touches is in this slice.
    pub(crate) fn extent(&self) -> Result<&[u8], AccessError> {
        let bytes: &[u8] = &self.view;
        bytes
            .get(self.layout.extent())
            .ok_or(AccessError::OtherLength { layout: self.layout.buffer_len(), view: bytes.len() })
    }
}

/// Plain bytes are an array, too: of one dimension and [`Format::BYTE`].
impl<R: Runtime, S: Strategy<R>> From<View<R, S>> for ArrayView<R, S> {
    fn from(view: View<R, S>) -> Self {
        let layout = Box::new(Layout::bytes(view.len()));
        Self { view, layout }
    }
}

impl<R: Runtime, S: Strategy<R>> Message<R, S> {
    /// The array, if the message is one. Bytes that were sent without a layout are an array of bytes.
    ///
    /// # Errors
    ///
    /// Gives the message back if it is an end.
    pub fn into_array(self) -> Result<ArrayView<R, S>, Self> {
        match self {
            Self::Array(array) => Ok(array),
            Self::View(view) => Ok(view.into()),
            other => Err(other),
        }
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for ArrayView<R, S> {
    fn clone(&self) -> Self {
        Self { view: self.view.clone(), layout: self.layout.clone() }
    }
}

impl<R: Runtime, S: Strategy<R>> fmt::Debug for ArrayView<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayView")
            .field("format", &format_args!("{}", self.format()))
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

/// Iterator over the bytes of each element, see [`ArrayView::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    bytes: &'a [u8],
    itemsize: usize,
    offsets: Offsets<'a>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.offsets.next()?;
        Some(&self.bytes[start..start + self.itemsize])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }
}

impl ExactSizeIterator for Elements<'_> {}
impl FusedIterator for Elements<'_> {}

/// Iterator over copies of the elements, see [`ArrayView::values`].
#[derive(Clone, Debug)]
pub struct Values<'a, T> {
    elements: Elements<'a>,
    _values: PhantomData<fn() -> T>,
}

impl<T: Element> Iterator for Values<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.elements.next().map(bytemuck::pod_read_unaligned)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.elements.size_hint()
    }
}

impl<T: Element> ExactSizeIterator for Values<'_, T> {}
impl<T: Element> FusedIterator for Values<'_, T> {}
