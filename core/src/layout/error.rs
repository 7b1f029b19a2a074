//! Why a format, a layout or a slice was refused.

use super::{Kind, MAX_NDIM};
use core::fmt;

/// Why a string is no [`Format`](super::Format).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// There is no code.
    Empty,
    /// The string ends in the middle.
    Incomplete,
    /// No code, neither of PEP 3118 nor of NumPy.
    Unknown {
        /// What is there instead.
        found: char,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// A code for something that cannot be shared as plain bytes, or that is not implemented.
    Unsupported {
        /// The code.
        code: char,
        /// What it stands for.
        what: &'static str,
    },
    /// A prefix that does not go with the code.
    Prefix {
        /// The prefix.
        prefix: char,
        /// The code.
        code: char,
    },
    /// Elements of that kind do not come in that size.
    Size {
        /// The kind.
        kind: Kind,
        /// The size in bytes; `usize::MAX` if it was larger.
        itemsize: usize,
    },
    /// Elements of several bytes need a byte order.
    NoOrder {
        /// The kind.
        kind: Kind,
        /// The size in bytes.
        itemsize: usize,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the format has no code"),
            Self::Incomplete => f.write_str("the format ends in the middle"),
            Self::Unknown { found, at } => write!(f, "the format has an unknown code {found:?} at byte {at}"),
            Self::Unsupported { code, what } => write!(f, "the format code {code:?} stands for {what}: not supported"),
            Self::Prefix { prefix, code } => write!(f, "the prefix {prefix:?} does not go with the code {code:?}"),
            Self::Size { kind, itemsize } => write!(f, "{kind} does not come in {itemsize} bytes"),
            Self::NoOrder { kind, itemsize } => write!(f, "{kind} of {itemsize} bytes needs a byte order"),
        }
    }
}

impl core::error::Error for FormatError {}

/// Why a descriptor is no [`Layout`](super::Layout) of a buffer. Everything is in bytes unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// More dimensions than [`MAX_NDIM`].
    TooManyDimensions {
        /// How many.
        ndim: usize,
    },
    /// There is not one stride for each dimension.
    StrideCount {
        /// Number of dimensions.
        ndim: usize,
        /// Number of strides.
        strides: usize,
    },
    /// The elements together, counted with each length of 0 as 1, have more than `isize::MAX` bytes.
    TooLarge,
    /// The buffer would have more than `isize::MAX` bytes. None has.
    BufferTooLong {
        /// Its length.
        len: usize,
    },
    /// Negative strides lead to an element that starts before the buffer.
    BeforeStart {
        /// How far before.
        by: u128,
    },
    /// Some element ends behind the buffer; or there is no element, and the offset is behind the buffer.
    BeyondEnd {
        /// Where the last element ends.
        end: u128,
        /// Length of the buffer.
        len: usize,
    },
    /// The first element does not start at a multiple of the alignment of its format.
    MisalignedOffset {
        /// Where it starts.
        offset: usize,
        /// Alignment of the format.
        alignment: usize,
    },
    /// A stride is no multiple of the alignment of the format.
    MisalignedStride {
        /// The axis.
        axis: usize,
        /// Its stride.
        stride: isize,
        /// Alignment of the format.
        alignment: usize,
    },
    /// The layout was made for a buffer of another length.
    OtherLength {
        /// The length it was made for.
        layout: usize,
        /// Length of the buffer.
        buffer: usize,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyDimensions { ndim } => write!(f, "{ndim} dimensions are more than {MAX_NDIM}"),
            Self::StrideCount { ndim, strides } => write!(f, "there are {strides} strides for {ndim} dimensions"),
            Self::TooLarge => write!(f, "the elements have more than {} bytes", isize::MAX),
            Self::BufferTooLong { len } => write!(f, "no buffer has {len} bytes"),
            Self::BeforeStart { by } => write!(f, "an element starts {by} bytes before the buffer"),
            Self::BeyondEnd { end, len } => write!(f, "an element ends at byte {end} of a buffer of {len} bytes"),
            Self::MisalignedOffset { offset, alignment } => {
                write!(f, "the offset {offset} is no multiple of {alignment}, the alignment of the format")
            }
            Self::MisalignedStride { axis, stride, alignment } => {
                write!(
                    f,
                    "the stride {stride} of axis {axis} is no multiple of {alignment}, the alignment of the format"
                )
            }
            Self::OtherLength { layout, buffer } => {
                write!(f, "the layout is for a buffer of {layout} bytes, this one has {buffer}")
            }
        }
    }
}

impl core::error::Error for LayoutError {}

/// Why a layout has no such part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SliceError {
    /// There is no such axis.
    NoAxis {
        /// The axis.
        axis: usize,
        /// Number of dimensions.
        ndim: usize,
    },
    /// There is no such index.
    NoIndex {
        /// The index.
        index: usize,
        /// Length of the axis.
        len: usize,
    },
    /// The range ends before it starts, or reaches beyond the axis.
    NoRange {
        /// Where the range starts.
        from: usize,
        /// Where the range ends.
        to: usize,
        /// Length of the axis.
        len: usize,
    },
    /// A step of 0 never gets anywhere.
    NoStep,
    /// Not every axis is named exactly once.
    NoPermutation,
}

impl fmt::Display for SliceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAxis { axis, ndim } => write!(f, "there is no axis {axis} among {ndim}"),
            Self::NoIndex { index, len } => write!(f, "there is no index {index} on an axis of length {len}"),
            Self::NoRange { from, to, len } => {
                write!(f, "the range {from}..{to} is not within an axis of length {len}")
            }
            Self::NoStep => f.write_str("a step of 0 never gets anywhere"),
            Self::NoPermutation => f.write_str("not every axis is named exactly once"),
        }
    }
}

impl core::error::Error for SliceError {}
