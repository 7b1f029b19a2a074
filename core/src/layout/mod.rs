//! N-dimensional arrays in a buffer: what the elements are, and where.
//!
//! A [`Layout`] is a descriptor that was checked against the length of a buffer. It has a [`Format`], and for each axis a
//! length and a stride; the element at index `(i, j, …)` starts at byte `offset + i * strides[0] + j * strides[1] + …`.
//! These are the fields of a PEP 3118 `Py_buffer` and of NumPy's array interface, with the same meaning. Offsets, strides
//! and lengths of buffers are in bytes; lengths of axes and indices count elements. There is no flag for *read-only*,
//! because there is nothing else: whoever receives an array can only read it.
//!
//! # What a layout promises
//!
//! No byte of any element lies outside of the buffer. A `Layout` cannot be made without that check and not be changed
//! afterwards, and every slice of one keeps the promise: it is a choice among elements that were there before.
//!
//! The check needs no loop over elements. Each axis contributes `i * stride` with `0 ≤ i < len`, independently of the other
//! axes, so the lowest element is where every axis with a negative stride is at its last index and the others at 0, and the
//! highest is where it is the other way round:
//!
//! ```text
//!   lowest = offset + Σ min(0, (len - 1) * stride)         lowest ≥ 0
//!   end    = offset + Σ max(0, (len - 1) * stride)
//!                   + itemsize                             end ≤ length of the buffer
//! ```
//!
//! The sums cannot overflow an `i128`: the product of the lengths is below 2^63 by then, therefore Σ (len - 1) is, too, and
//! a stride is at most 2^63 in magnitude.
//!
//! # Alignment
//!
//! [`Layout::new`] refuses an offset or a stride that would put an element where this platform does not want one, relative
//! to the start of the buffer. [`Layout::packed`] allows it, for the columns of packed records, say. Where the buffer itself
//! starts is not known here; typed access looks at the real address.

mod error;
mod format;
mod offsets;
mod slice;

pub use error::{FormatError, LayoutError, SliceError};
pub use format::{ByteOrder, Format, Kind};
pub use offsets::Offsets;

use core::ops::Range;

/// Most dimensions that a layout may have; NumPy's limit.
pub const MAX_NDIM: usize = 64;

/// Where the elements of an array are in a buffer, checked against the buffer's length.
///
/// ```
/// use viewchan::Layout;
///
/// // Three rows of two 16-bit integers, in a buffer of 12 bytes.
/// let layout = Layout::new("<i2".parse()?, &[3, 2], None, 0, 12)?;
/// assert_eq!(layout.strides(), [4, 2]);
/// // The first column, from the bottom to the top.
/// let column = layout.index_axis(1, 0)?.step_axis(0, None, None, -1)?;
/// assert_eq!((column.offset(), column.shape(), column.strides()), (8, &[3][..], &[-4][..]));
/// // One more row would reach beyond the buffer.
/// assert!(Layout::new("<i2".parse()?, &[4, 2], None, 0, 12).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    format: Format,
    shape: Box<[usize]>,
    /// As many as lengths in `shape`. Those of axes shorter than 2 mean nothing, and may be anything.
    strides: Box<[isize]>,
    /// Where the element at index 0 starts; at most `buffer_len` if there is none.
    offset: usize,
    /// At most `isize::MAX`.
    buffer_len: usize,
}

impl Layout {
    /// The layout of elements of this format, in a buffer of `buffer_len` bytes.
    ///
    /// Without strides, the array is contiguous in C order: the last axis varies fastest. The first element, whose indices
    /// are all 0, starts at `offset`. An axis may have length 0, and there may be none: then there is one element.
    ///
    /// # Errors
    ///
    /// See [`LayoutError`]; among several reasons, the first in this order: the numbers of dimensions and strides, the
    /// size of the whole, the start and the end of the buffer, alignment.
    pub fn new(
        format: Format,
        shape: &[usize],
        strides: Option<&[isize]>,
        offset: usize,
        buffer_len: usize,
    ) -> Result<Self, LayoutError> {
        let layout = Self::packed(format, shape, strides, offset, buffer_len)?;
        layout.check_alignment()?;
        Ok(layout)
    }

    /// The same as [`new`](Self::new), but elements may start at any byte.
    ///
    /// # Errors
    ///
    /// See [`LayoutError`].
    pub fn packed(
        format: Format,
        shape: &[usize],
        strides: Option<&[isize]>,
        offset: usize,
        buffer_len: usize,
    ) -> Result<Self, LayoutError> {
        let ndim = shape.len();
        if ndim > MAX_NDIM {
            return Err(LayoutError::TooManyDimensions { ndim });
        }
        if let Some(strides) = strides.filter(|strides| strides.len() != ndim) {
            return Err(LayoutError::StrideCount { ndim, strides: strides.len() });
        }
        if isize::try_from(buffer_len).is_err() {
            return Err(LayoutError::BufferTooLong { len: buffer_len });
        }
        let c_order = c_strides(format, shape)?;
        let strides = strides.map_or(c_order, Box::from);
        let layout = Self { format, shape: shape.into(), strides, offset, buffer_len };
        layout.check_bounds()?;
        Ok(layout)
    }

    /// The layout of a whole buffer as an array in C order, from its first byte on. The buffer may be longer.
    ///
    /// # Errors
    ///
    /// See [`LayoutError`].
    pub fn contiguous(format: Format, shape: &[usize], buffer_len: usize) -> Result<Self, LayoutError> {
        Self::new(format, shape, None, 0, buffer_len)
    }

    /// The layout of plain bytes: one dimension, [`Format::BYTE`].
    ///
    /// # Panics
    ///
    /// If `buffer_len` is more than `isize::MAX`: no buffer is so long.
    #[must_use]
    pub fn bytes(buffer_len: usize) -> Self {
        Self::contiguous(Format::BYTE, &[buffer_len], buffer_len).expect("no buffer has more than isize::MAX bytes")
    }

    /// What the elements are. Slices keep it.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Number of dimensions.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Length of each axis, in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Distance of neighbours along each axis, in bytes. That of an axis shorter than 2 means nothing.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Where the element whose indices are all 0 starts, in bytes from the start of the buffer.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Length of the buffer for which the layout was checked, in bytes.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.buffer_len
    }

    /// Number of elements. Broadcast ones, along an axis with stride 0, count each time.
    #[must_use]
    pub fn len(&self) -> usize {
        // Does not overflow: with 0 as 1 it does not, see `c_strides`.
        if self.is_empty() { 0 } else { self.shape.iter().product() }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Number of bytes that the elements have when they stand one after the other.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.len() * self.format.itemsize()
    }

    /// Whether the elements stand one after the other in C order: the last axis varies fastest.
    #[must_use]
    pub fn is_c_contiguous(&self) -> bool {
        self.is_dense((0..self.ndim()).rev())
    }

    /// Whether the elements stand one after the other in Fortran order: the first axis varies fastest.
    #[must_use]
    pub fn is_f_contiguous(&self) -> bool {
        self.is_dense(0..self.ndim())
    }

    /// Whether every element starts at a multiple of the format's [alignment](Format::alignment), from the start of the
    /// buffer. Always so for what [`new`](Self::new) made, and for its slices.
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        self.check_alignment().is_ok()
    }

    /// Where the element with these indices starts, in bytes from the start of the buffer. `None` if there is none, or if
    /// there is not one index for each axis.
    #[must_use]
    pub fn offset_of(&self, index: &[usize]) -> Option<usize> {
        if index.len() != self.ndim() || index.iter().zip(&self.shape).any(|(index, len)| index >= len) {
            return None;
        }
        let steps = index.iter().zip(&self.strides);
        // Each partial sum is the start of an element, with the remaining indices 0, hence within the buffer. So is each
        // product the distance of two. Neither overflows; an index below 1 makes the product 0, whatever the stride.
        Some(steps.fold(self.offset, |offset, (&index, &stride)| offset.wrapping_add_signed(index as isize * stride)))
    }

    /// The start of each element, in C order: the last index varies fastest.
    pub fn offsets(&self) -> Offsets<'_> {
        Offsets::new(self)
    }

    /// The bytes from the start of the lowest element to the end of the highest. Within the buffer, as the
    /// [module](self) says. Empty, at the offset, if there is no element.
    #[must_use]
    pub fn extent(&self) -> Range<usize> {
        if self.is_empty() {
            return self.offset..self.offset;
        }
        let (lowest, end) = self.reach();
        // Both are within the buffer, since `check_bounds` or the layout that this is a slice of.
        lowest as usize..end as usize
    }

    /// The first byte of the lowest element, and the one behind the highest, relative to the start of the buffer. For
    /// layouts with elements only.
    fn reach(&self) -> (i128, i128) {
        let offset = self.offset as i128;
        let (mut lowest, mut end) = (offset, offset + self.format.itemsize() as i128);
        for (&len, &stride) in self.shape.iter().zip(&self.strides) {
            let span = (len as i128 - 1) * stride as i128;
            if span < 0 {
                lowest += span;
            } else {
                end += span;
            }
        }
        (lowest, end)
    }

    fn check_bounds(&self) -> Result<(), LayoutError> {
        let (lowest, end) = if self.is_empty() { (self.offset as i128, self.offset as i128) } else { self.reach() };
        if lowest < 0 {
            return Err(LayoutError::BeforeStart { by: lowest.unsigned_abs() });
        }
        if end > self.buffer_len as i128 {
            return Err(LayoutError::BeyondEnd { end: end.unsigned_abs(), len: self.buffer_len });
        }
        Ok(())
    }

    fn check_alignment(&self) -> Result<(), LayoutError> {
        let alignment = self.format.alignment();
        if self.is_empty() {
            return Ok(());
        }
        if !self.offset.is_multiple_of(alignment) {
            return Err(LayoutError::MisalignedOffset { offset: self.offset, alignment });
        }
        for (axis, (&len, &stride)) in self.shape.iter().zip(&self.strides).enumerate() {
            if len > 1 && !stride.unsigned_abs().is_multiple_of(alignment) {
                return Err(LayoutError::MisalignedStride { axis, stride, alignment });
            }
        }
        Ok(())
    }

    /// Whether each axis strides over exactly the elements of those before it.
    fn is_dense(&self, axes: impl Iterator<Item = usize>) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut expected = self.format.itemsize();
        for axis in axes {
            let (len, stride) = (self.shape[axis], self.strides[axis]);
            if len > 1 && stride != expected as isize {
                return false;
            }
            expected *= len;
        }
        true
    }
}

/// The strides of an array in C order, where a length of 0 counts as 1.
///
/// Refused if the bytes of all elements do not fit an `isize`: then no number of elements or bytes overflows later.
fn c_strides(format: Format, shape: &[usize]) -> Result<Box<[isize]>, LayoutError> {
    let mut strides = vec![0; shape.len()].into_boxed_slice();
    let mut next = isize::try_from(format.itemsize()).map_err(|_| LayoutError::TooLarge)?;
    for (stride, &len) in strides.iter_mut().zip(shape).rev() {
        *stride = next;
        let len = isize::try_from(len.max(1)).map_err(|_| LayoutError::TooLarge)?;
        next = next.checked_mul(len).ok_or(LayoutError::TooLarge)?;
    }
    Ok(strides)
}
