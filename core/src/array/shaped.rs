//! The owner's side: a buffer that is sent as an array.

use super::Element;
use crate::Buffer;
use crate::layout::{Format, Layout, LayoutError};
use crate::reference::{Attached, Interpreter};
use crate::runtime::Runtime;
use bytemuck::NoUninit;
use core::fmt;

/// A handle of the owner on an array: a [`Buffer`] and the [`Layout`] of what is in it.
///
/// It is sent like a buffer. Several arrays can share one buffer, each with a layout of its own.
pub struct Shaped<R: Runtime = Interpreter> {
    buffer: Buffer<R>,
    /// Boxed, since it will travel.
    layout: Box<Layout>,
}

impl<R: Runtime> Shaped<R> {
    /// Puts the parts together, for runtimes: they know how many bytes are behind their objects.
    ///
    /// That number should be `layout.buffer_len()`. If there are fewer, nothing outside of them is ever read, but reading
    /// elements from the receiver's view can panic.
    #[must_use]
    pub fn from_parts(buffer: Buffer<R>, layout: Layout) -> Self {
        Self { buffer, layout: Box::new(layout) }
    }

    /// The buffer and the layout, each for itself.
    #[must_use]
    pub fn into_parts(self) -> (Buffer<R>, Layout) {
        (self.buffer, *self.layout)
    }

    /// The buffer.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<R> {
        &self.buffer
    }

    /// What is where.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Another handle.
    ///
    /// # Panics
    ///
    /// If the token is another interpreter's: a bug in the calling program.
    #[must_use]
    pub fn clone_ref(&self, token: &R::Token<'_>) -> Self {
        Self { buffer: self.buffer.clone_ref(token), layout: self.layout.clone() }
    }

    pub(crate) fn into_boxed_parts(self) -> (Buffer<R>, Box<Layout>) {
        (self.buffer, self.layout)
    }

    pub(crate) fn from_boxed_parts(buffer: Buffer<R>, layout: Box<Layout>) -> Self {
        Self { buffer, layout }
    }
}

impl Buffer<Interpreter> {
    /// The buffer as an array.
    ///
    /// # Errors
    ///
    /// [`LayoutError::OtherLength`] if the layout was made for another length than this buffer's. The handle is given back.
    pub fn with_layout(self, layout: Layout) -> Result<Shaped, ShapeError<Self>> {
        if layout.buffer_len() != self.len() {
            let why = LayoutError::OtherLength { layout: layout.buffer_len(), buffer: self.len() };
            return Err(ShapeError { why, payload: self });
        }
        Ok(Shaped::from_parts(self, layout))
    }

    /// The buffer as an array in C order, from its first byte on. The buffer may be longer.
    ///
    /// # Errors
    ///
    /// See [`LayoutError`]. The handle is given back.
    pub fn with_shape(self, format: Format, shape: &[usize]) -> Result<Shaped, ShapeError<Self>> {
        match Layout::contiguous(format, shape, self.len()) {
            Ok(layout) => self.with_layout(layout),
            Err(why) => Err(ShapeError { why, payload: self }),
        }
    }
}

impl Shaped<Interpreter> {
    /// Makes a vector's elements immutable, in C order, and the attached interpreter their owner. No copy is made, and the
    /// elements are aligned as a `T` wants to be.
    ///
    /// A buffer made this way is not [thawed](Buffer::try_thaw).
    ///
    /// # Errors
    ///
    /// See [`LayoutError`]: the vector is shorter than the shape says. It is given back. It may be longer.
    pub fn from_vec<T>(token: &Attached<'_>, elements: Vec<T>, shape: &[usize]) -> Result<Self, ShapeError<Vec<T>>>
    where
        T: Element + NoUninit + Send + Sync,
    {
        match Layout::contiguous(Format::of::<T>(), shape, size_of_val(elements.as_slice())) {
            Ok(layout) => Ok(Self::from_parts(Buffer::from_owner(token, Owner(elements)), layout)),
            Err(why) => Err(ShapeError { why, payload: elements }),
        }
    }
}

/// A vector that lends its elements' bytes.
struct Owner<T>(Vec<T>);

impl<T: NoUninit> AsRef<[u8]> for Owner<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl<R: Runtime> fmt::Debug for Shaped<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shaped")
            .field("buffer", &self.buffer)
            .field("format", &format_args!("{}", self.layout.format()))
            .field("shape", &self.layout.shape())
            .finish_non_exhaustive()
    }
}

/// Why something was not made an array, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError<P> {
    why: LayoutError,
    payload: P,
}

impl<P> ShapeError<P> {
    /// The reason.
    #[must_use]
    pub fn why(&self) -> LayoutError {
        self.why
    }

    /// What was refused, back.
    #[must_use]
    pub fn into_inner(self) -> P {
        self.payload
    }
}

impl<P> fmt::Display for ShapeError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<P: fmt::Debug> core::error::Error for ShapeError<P> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.why)
    }
}
