//! Elements as Rust values.

use crate::layout::{Format, Kind};
use bytemuck::AnyBitPattern;
use core::fmt;

/// A type of which an array's elements can be: a number, or an array of bytes.
///
/// Safe to implement for further types, since [`AnyBitPattern`] vouches that any bytes are a value: for a half or a complex
/// number of another crate, say. At worst the values are nonsense.
pub trait Element: AnyBitPattern {
    /// What the bytes of a value mean.
    const KIND: Kind;

    /// Whether elements of this kind, and of this type's size, can be read as values of this type.
    #[must_use]
    fn reads(kind: Kind) -> bool {
        kind == Self::KIND
    }
}

macro_rules! elements {
    ($($kind:ident: $($type:ty)+;)*) => {$($(
        impl Element for $type {
            const KIND: Kind = Kind::$kind;
        }
    )+)*};
}

elements! {
    Int: i8 i16 i32 i64 isize;
    Uint: u16 u32 u64 usize;
    Float: f32 f64;
}

/// Bytes, and everything else that is one byte and not signed: truth values, and strings of one byte.
impl Element for u8 {
    const KIND: Kind = Kind::Uint;

    fn reads(kind: Kind) -> bool {
        matches!(kind, Kind::Uint | Kind::Bool | Kind::Bytes)
    }
}

impl<const N: usize> Element for [u8; N] {
    const KIND: Kind = Kind::Bytes;
}

/// Why elements cannot be read as values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// The elements are something else, or of another size.
    Format {
        /// What they are.
        format: Format,
        /// The kind that was asked for.
        kind: Kind,
        /// Size of the type that was asked for, in bytes.
        size: usize,
    },
    /// The elements have the other byte order than this machine.
    ByteOrder {
        /// What they are.
        format: Format,
    },
    /// The elements do not stand one after the other in C order.
    NotContiguous,
    /// The first element's address is no multiple of the type's alignment.
    MisalignedAddress {
        /// The remainder in bytes.
        remainder: usize,
        /// Alignment of the type.
        alignment: usize,
    },
    /// A stride is no multiple of the type's size.
    FractionalStride {
        /// The axis.
        axis: usize,
        /// Its stride in bytes.
        stride: isize,
        /// Size of the type.
        size: usize,
    },
    /// The array has another number of dimensions.
    Dimensions {
        /// Its number.
        ndim: usize,
        /// The number that was asked for.
        asked: usize,
    },
    /// The bytes are fewer than the layout was made for: a mistake of the runtime or the strategy.
    OtherLength {
        /// The length that the layout was made for.
        layout: usize,
        /// Length of the view.
        view: usize,
    },
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { format, kind, size } => {
                write!(f, "elements of format {format} are not what was asked for: {kind} of {size} bytes")
            }
            Self::ByteOrder { format } => write!(f, "elements of format {format} have the other byte order"),
            Self::NotContiguous => f.write_str("the elements do not stand one after the other in C order"),
            Self::MisalignedAddress { remainder, alignment } => {
                write!(f, "the first element is {remainder} bytes past a multiple of {alignment}, the type's alignment")
            }
            Self::FractionalStride { axis, stride, size } => {
                write!(f, "the stride {stride} of axis {axis} is no multiple of {size}, the type's size")
            }
            Self::Dimensions { ndim, asked } => write!(f, "the array has {ndim} dimensions, not {asked}"),
            Self::OtherLength { layout, view } => {
                write!(f, "the layout is for {layout} bytes, but there are {view}")
            }
        }
    }
}

impl core::error::Error for AccessError {}

/// Whether elements of this format are `T`s.
pub(crate) fn check<T: Element>(format: Format) -> Result<(), AccessError> {
    if format.itemsize() != size_of::<T>() || !T::reads(format.kind()) {
        return Err(AccessError::Format { format, kind: T::KIND, size: size_of::<T>() });
    }
    if !format.is_native() {
        return Err(AccessError::ByteOrder { format });
    }
    Ok(())
}

/// Bytes as a slice of `T`s, if they start where one may.
pub(crate) fn cast<T: Element>(bytes: &[u8]) -> Result<&[T], AccessError> {
    let remainder = bytes.as_ptr().addr() % align_of::<T>();
    let misaligned = AccessError::MisalignedAddress { remainder, alignment: align_of::<T>() };
    // The other refusals of `bytemuck` cannot be: the callers pass whole elements, and those are as large as a `T`.
    bytemuck::try_cast_slice(bytes).map_err(|_| misaligned)
}
