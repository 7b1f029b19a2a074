//! An interpreter's list of records, and what becomes of it in the end.

use super::content::{Content, is_raw};
use super::{Links, Record};
use crate::py;
use crate::storage::Storage;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use pyo3_ffi as ffi;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An interpreter's records. Guarded by its lock, except for their number.
pub(in super::super) struct Records {
    first: UnsafeCell<Option<NonNull<Record>>>,
    /// Written under the lock, read by anyone.
    number: AtomicUsize,
}

// SAFETY: the list is accessed under the owner's lock only.
unsafe impl Sync for Records {}
// SAFETY: as above.
unsafe impl Send for Records {}

impl Records {
    pub(in super::super) fn new() -> Self {
        Self { first: UnsafeCell::new(None), number: AtomicUsize::new(0) }
    }

    pub(in super::super) fn number(&self) -> usize {
        // ORDERING: Relaxed: a figure for people.
        self.number.load(Ordering::Relaxed)
    }

    /// # Safety
    ///
    /// The record is new, and the calling thread holds the owner's lock.
    pub(super) unsafe fn insert(&self, record: NonNull<Record>) {
        // SAFETY: the lock makes the access exclusive.
        let first = unsafe { &mut *self.first.get() };
        // SAFETY: as above; both records are there.
        unsafe {
            (*record.as_ref().links.get()).next = *first;
            if let Some(second) = *first {
                (*second.as_ref().links.get()).previous = Some(record);
            }
        }
        *first = Some(record);
        // ORDERING: Relaxed: see `number`.
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// # Safety
    ///
    /// The record is in the list, nobody uses it any more, and the calling thread holds the owner's lock.
    pub(super) unsafe fn remove(&self, place: NonNull<Record>) -> Box<Record> {
        // SAFETY: it was leaked in `freeze`, and is taken out of the list here, once.
        let record = unsafe { Box::from_raw(place.as_ptr()) };
        // SAFETY: the lock makes the access exclusive; the neighbours are in the list, hence there.
        unsafe {
            let Links { previous, next } = *record.links.get();
            if let Some(next) = next {
                (*next.as_ref().links.get()).previous = previous;
            }
            match previous {
                Some(previous) => (*previous.as_ref().links.get()).next = next,
                None => *self.first.get() = next,
            }
        }
        // ORDERING: Relaxed: see `number`.
        self.number.fetch_sub(1, Ordering::Relaxed);
        record
    }

    fn iter(&self) -> impl Iterator<Item = NonNull<Record>> {
        // SAFETY: the caller holds the lock for as long as it iterates; it removes no record but the last one given
        // out.
        let mut next = unsafe { *self.first.get() };
        core::iter::from_fn(move || {
            let record = next?;
            // SAFETY: as above.
            next = unsafe { (*record.as_ref().links.get()).next };
            Some(record)
        })
    }

    /// The interpreter is about to be gone: moves out of its pools what nobody has looked at. What cannot be copied,
    /// for want of memory, stays.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner, and holds the mutex that guards the records.
    pub(in super::super) unsafe fn move_out(&self) {
        for place in self.iter() {
            // SAFETY: the record is in the list.
            let record = unsafe { place.as_ref() };
            // SAFETY: the mutex is held.
            let content = unsafe { &mut *record.content.get() };
            let Content::Bytes(bytes) = content else { continue };
            let object = bytes.object;
            if is_raw(bytes.as_slice().len()) || record.address.is_some() {
                continue;
            }
            let Some(copy) = Storage::copy_of(bytes.as_slice()).map(Arc::new) else { continue };
            // SAFETY: the mutex is held, so nobody else moves; the copy is there as long as the content.
            if unsafe { record.place.move_to(NonNull::from(copy.frozen_bytes())) } {
                *content = Content::Storage(copy);
                // SAFETY: the GIL is held, and the record had a reference.
                unsafe { ffi::Py_DecRef(object.as_ptr()) }
            }
        }
    }

    /// The interpreter is about to be gone, and everything that it had has been given back. Gives back what has been
    /// released since it began to die; what is still pinned belongs to the records alone from now on.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner, and holds the mutex that guards the records.
    pub(in super::super) unsafe fn bury(&self) {
        let mut pins = BTreeMap::<NonNull<ffi::PyObject>, u32>::new();
        for place in self.iter() {
            // SAFETY: the record is in the list.
            let record = unsafe { place.as_ref() };
            // SAFETY: the mutex is held.
            let Content::Bytes(bytes) = (unsafe { &*record.content.get() }) else { continue };
            let (object, len) = (bytes.object, bytes.as_slice().len());
            // SAFETY: the mutex is held.
            if unsafe { *record.counts.get() }.references == 0 {
                // SAFETY: the GIL is held, and the record has a reference.
                unsafe { ffi::Py_DecRef(object.as_ptr()) }
                // SAFETY: no reference to the record is left, and the mutex is held.
                drop(unsafe { self.remove(place) });
            } else if is_raw(len) {
                *pins.entry(object).or_default() += 1;
            }
        }
        for (object, pins) in pins {
            // SAFETY: the records' references keep the object, and the GIL is held.
            if unsafe { py::references(object) } == pins {
                py::take_off_the_count();
            } else {
                // Somebody else has lost a reference, or it is an object that is never freed. Then this one is not
                // ours alone, and one more lost reference keeps us from freeing it.
                // SAFETY: as above.
                unsafe { ffi::Py_IncRef(object.as_ptr()) }
            }
        }
    }
}
