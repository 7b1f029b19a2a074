//! What is pinned, and how CPython's part of it is given back.

use super::super::Python;
use crate::py;
use crate::storage::Storage;
use crate::strategy::Any;
use core::ptr::NonNull;
use pyo3_ffi as ffi;
use std::sync::Arc;
use viewchan::View;

/// What is pinned.
pub(crate) enum Content {
    Bytes(Bytes),
    Storage(Arc<Storage>),
    Relayed(View<Python, Any>),
}

impl Content {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_slice(),
            Self::Storage(storage) => storage.frozen_bytes(),
            Self::Relayed(view) => view,
        }
    }

    pub(super) fn address(&self) -> Option<usize> {
        match self {
            Self::Bytes(bytes) => Some(bytes.object.addr().get()),
            Self::Storage(storage) => Some(Arc::as_ptr(storage).addr()),
            Self::Relayed(_) => None,
        }
    }
}

/// A reference to a `bytes` object. Plain data: dropping it does not give the reference back.
pub(crate) struct Bytes {
    pub(super) object: NonNull<ffi::PyObject>,
    bytes: NonNull<[u8]>,
}

impl Bytes {
    /// Takes a reference to an exact `bytes` object.
    ///
    /// # Safety
    ///
    /// `object` is one, with these bytes, and belongs to the interpreter to which the calling thread is attached.
    pub(crate) unsafe fn new(object: NonNull<ffi::PyObject>, bytes: &[u8]) -> Self {
        // SAFETY: the caller's contract.
        unsafe { ffi::Py_IncRef(object.as_ptr()) }
        Self { object, bytes: NonNull::from(bytes) }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the reference keeps the object, which never changes.
        unsafe { self.bytes.as_ref() }
    }
}

/// Gives a reference back to an object whose interpreter is gone, and frees the memory with the last one.
///
/// # Safety
///
/// Only records refer to the object, and the calling thread holds what guards them.
pub(super) unsafe fn free_buried(bytes: &Bytes) {
    let object = bytes.object;
    // SAFETY: the record's reference keeps the object. It is a plain number now: nobody else has it.
    let references = unsafe { py::references(object) } - 1;
    if references > 0 {
        // SAFETY: as above.
        unsafe { py::set_references(object, references) }
    } else if is_raw(bytes.bytes.len()) {
        // SAFETY: an object of this size comes from the raw allocator, which knows no interpreters; it was the last
        // reference.
        unsafe { py::free_raw(object) }
    }
}

/// Whether CPython takes the memory of a `bytes` object of this length from `malloc`: then it can outlive its
/// interpreter. Smaller ones lie in pools, which go with the interpreter, or stay for ever if something is left in
/// them.
pub(super) fn is_raw(len: usize) -> bool {
    /// `SMALL_REQUEST_THRESHOLD` of pymalloc.
    const LARGEST_POOLED: usize = 512;
    /// Everything in a `bytes` object but the bytes: header, length, hash, and the zero behind them.
    const OVERHEAD: usize = 33;
    py::allocates_raw() && len + OVERHEAD > LARGEST_POOLED
}
