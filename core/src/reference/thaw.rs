//! From writable bytes to a buffer, and back.

use super::bytes::Bytes;
use super::object::{Frozen, Object};
use super::{Attached, Interpreter};
use crate::Buffer;
use crate::buffer::assert_home;
use core::fmt;
use core::ops::{Deref, DerefMut};

/// Bytes with one owner who may write: a buffer before it is frozen, or after it was thawed.
///
/// Belongs to no interpreter yet. Made from a `Vec<u8>` without a copy, or from a `&[u8]` with one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferMut {
    bytes: Vec<u8>,
}

impl BufferMut {
    /// Zeroed bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self { bytes: vec![0; len] }
    }

    /// Makes the bytes immutable and the attached interpreter their owner. No copy is made.
    #[must_use]
    pub fn freeze(self, token: &Attached<'_>) -> Buffer {
        Buffer::of(token, Bytes::from_vec(self.bytes))
    }
}

impl From<Vec<u8>> for BufferMut {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }
}

impl From<&[u8]> for BufferMut {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<BufferMut> for Vec<u8> {
    fn from(buffer: BufferMut) -> Self {
        buffer.bytes
    }
}

impl Deref for BufferMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for BufferMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Buffer<Interpreter> {
    /// Takes bytes in that somebody else keeps, without a copy: `bytes::Bytes`, a mapped file, a received
    /// [`View`](crate::View). `as_ref` is called once. The owner is dropped, inside the attached interpreter, when
    /// the buffer is freed, by whichever thread gives the last reference back. If it panics then, the panic hook speaks, and
    /// the panic ends there.
    ///
    /// Two things to know of owners. One that holds a receive end and is sent into that end's channel is a circle of
    /// references, which leaks. And a chain of owners that are views of each other's buffers is freed recursively: keep it
    /// below some thousand links.
    #[must_use]
    pub fn from_owner<T>(token: &Attached<'_>, owner: T) -> Self
    where
        T: AsRef<[u8]> + Send + Sync + 'static,
    {
        Self::of(token, Bytes::from_owner(owner))
    }

    /// Makes the bytes writable again, without a copy, if this handle is all that refers to them: no other handle, no
    /// message in flight, no view. A released view of a `deferred` channel may still lie on the return list: pass a
    /// [safepoint](Attached::safepoint) first.
    ///
    /// # Errors
    ///
    /// Gives the handle back, see [`ThawError`].
    ///
    /// # Panics
    ///
    /// If the token is another interpreter's: a bug in the calling program.
    pub fn try_thaw(self, token: &Attached<'_>) -> Result<BufferMut, ThawError> {
        assert_home(self.owner(), token);
        let (owner, object) = self.into_parts();
        // SAFETY: 1. the token is the owner's, as just asserted; 2. the handle held the reference.
        match unsafe { object.try_thaw() } {
            Ok(bytes) => Ok(BufferMut { bytes }),
            Err((why, object)) => {
                // SAFETY: the parts of the handle, given back.
                let buffer = unsafe { Self::from_parts(owner, object) };
                Err(match why {
                    Frozen::InUse => ThawError::InUse(buffer),
                    Frozen::Foreign => ThawError::Foreign(buffer),
                })
            }
        }
    }

    fn of(token: &Attached<'_>, bytes: Bytes) -> Self {
        // SAFETY: the object is new: its one reference is the handle's, and its owner is the token's interpreter.
        unsafe { Self::from_parts(token.interpreter().clone(), Object::new(bytes)) }
    }

    /// Identity of the object, for trace events.
    #[must_use]
    pub fn object_id(&self) -> crate::trace::ObjectId {
        self.object().id()
    }
}

impl Deref for Buffer<Interpreter> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.object().bytes()
    }
}

impl AsRef<[u8]> for Buffer<Interpreter> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Why [`Buffer::try_thaw`] refused. The handle is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ThawError {
    /// Another handle, a message in flight or a view refers to the bytes.
    InUse(Buffer),
    /// The bytes belong to the owner given to [`Buffer::from_owner`], which only lends them out for reading.
    Foreign(Buffer),
}

impl ThawError {
    /// The handle, back.
    #[must_use]
    pub fn into_inner(self) -> Buffer {
        match self {
            Self::InUse(buffer) | Self::Foreign(buffer) => buffer,
        }
    }
}

impl fmt::Display for ThawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse(_) => "the buffer is in use: another handle, a message or a view refers to it, or a released view waits to be collected",
            Self::Foreign(_) => "the buffer's bytes belong to a foreign owner that only lends them for reading",
        })
    }
}

impl core::error::Error for ThawError {}
