//! What an interpreter has pinned: a record for each buffer that was sent and has not come back.
//!
//! ```text
//!   Python ──▶ head ◀─▶ Record ◀─▶ Record ◀─▶ Record          the owner's list
//!                         │
//!                         ├─ Bytes     one reference to a `bytes` object of the owner
//!                         ├─ Storage   the memory of a `Buffer`, which belongs to no interpreter
//!                         └─ Relayed   a view that the owner received from somebody else
//! ```
//!
//! | field | who may touch it |
//! | --- | --- |
//! | `place`, `address` | anyone, for reading, while there is a reference |
//! | `content`, `counts`, `links`, the list | who holds the owner's lock: its GIL, or what takes its place when it is over |
//!
//! The reference count of a `bytes` object is touched under its owner's GIL only; when nobody else is left, by us.

mod content;
mod fallen;
mod list;
mod place;

pub(crate) use content::{Bytes, Content};
pub(super) use fallen::drop_fallen;
pub(super) use list::Records;

use super::gate::Stage;
use super::{Python, Token};
use crate::storage::Storage;
use content::free_buried;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use fallen::fall;
use place::Place;
use pyo3_ffi as ffi;
use std::sync::Arc;
use viewchan::Buffer;
use viewchan::trace::{self, Event, ObjectId};

#[derive(Clone, Copy)]
struct Counts {
    references: usize,
    exports: usize,
}

#[derive(Clone, Copy)]
struct Links {
    previous: Option<NonNull<Record>>,
    next: Option<NonNull<Record>>,
}

pub(crate) struct Record {
    content: UnsafeCell<Content>,
    place: Place,
    /// The identity of what is pinned: see [`Object::address`].
    address: Option<usize>,
    counts: UnsafeCell<Counts>,
    links: UnsafeCell<Links>,
}

/// One reference to a record: the runtime's [`Object`](viewchan::Runtime::Object).
pub struct Object(NonNull<Record>);

/// One reference with the bytes exported: the runtime's [`Export`](viewchan::Runtime::Export).
pub struct Export(NonNull<Record>);

// SAFETY: an address. What is behind it is read by anyone and changed under the owner's lock.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}
// SAFETY: as above.
unsafe impl Send for Export {}
// SAFETY: as above.
unsafe impl Sync for Export {}

impl AsRef<[u8]> for Export {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the export has a reference, so the record is there.
        unsafe { self.0.as_ref() }.place.look()
    }
}

/// Makes a buffer of its content. With `address`, strategies can tell what is pinned twice; then it is not moved
/// either.
pub(crate) fn freeze(token: &Token<'_>, content: Content, is_told_apart: bool) -> Buffer<Python> {
    let place = Place::new(NonNull::from(content.as_slice()));
    let address = is_told_apart.then(|| content.address()).flatten();
    let record = Box::new(Record {
        content: UnsafeCell::new(content),
        place,
        address,
        counts: UnsafeCell::new(Counts { references: 1, exports: 0 }),
        links: UnsafeCell::new(Links { previous: None, next: None }),
    });
    let record = NonNull::from(Box::leak(record));
    let core = token.python().core();
    let remains = core.gate.lock_remains();
    // SAFETY: the token says that the thread holds the GIL; now it has the mutex, too, if there is one.
    unsafe { core.records.insert(record) }
    drop(remains);
    trace::emit(|| Event::Frozen { object: id(record) });
    // SAFETY: the object is new: its one reference is the handle's, and its owner is the token's interpreter.
    unsafe { Buffer::from_parts(token.python().clone(), Object(record)) }
}

fn id(record: NonNull<Record>) -> ObjectId {
    ObjectId(record.addr().get())
}

impl Object {
    pub(crate) fn id(&self) -> ObjectId {
        id(self.0)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.record().place.look()
    }

    fn record(&self) -> &Record {
        // SAFETY: it is a reference, so the record is there.
        unsafe { self.0.as_ref() }
    }

    /// Different for any two objects that exist at the same time; the same for records of one `bytes` object or
    /// `Buffer` that are told apart by it.
    pub(super) fn address(&self) -> usize {
        self.record().address.unwrap_or(self.0.addr().get())
    }

    /// # Safety
    ///
    /// The calling thread holds the owner's lock.
    unsafe fn update(&self, change: impl FnOnce(&mut Counts)) -> Counts {
        // SAFETY: the lock makes the access exclusive.
        let counts = unsafe { &mut *self.record().counts.get() };
        change(counts);
        *counts
    }

    /// # Safety
    ///
    /// The contract of [`Runtime::incref`].
    pub(super) unsafe fn incref(&self) -> Self {
        // SAFETY: the caller's contract.
        let Counts { references, .. } = unsafe { self.update(|counts| counts.references += 1) };
        trace::emit(|| Event::Referenced { object: self.id(), references });
        Self(self.0)
    }

    /// # Safety
    ///
    /// The contract of [`Runtime::decref`].
    pub(super) unsafe fn decref(self, token: &Token<'_>) {
        // SAFETY: the caller's contract.
        let Counts { references, .. } = unsafe { self.update(|counts| counts.references -= 1) };
        trace::emit(|| Event::Dereferenced { object: self.id(), references });
        if references == 0 {
            trace::emit(|| Event::Freed { object: self.id() });
            // SAFETY: no reference is left, and the thread holds the owner's lock.
            unsafe { free(self.0, token.python()) }
        }
    }

    /// # Safety
    ///
    /// The contract of [`Runtime::export`].
    pub(super) unsafe fn export(self) -> Export {
        // SAFETY: the caller's contract.
        let Counts { exports, .. } = unsafe { self.update(|counts| counts.exports += 1) };
        trace::emit(|| Event::Exported { object: self.id(), exports });
        Export(self.0)
    }

    /// The memory, back, if this is the only reference to it.
    ///
    /// # Safety
    ///
    /// The calling thread holds the lock of `owner`, whose object it is.
    pub(crate) unsafe fn try_into_storage(self, owner: &Python) -> Result<Storage, Self> {
        // SAFETY: the caller's contract.
        let counts = unsafe { self.update(|_| ()) };
        // SAFETY: the caller's contract.
        let Content::Storage(storage) = (unsafe { &*self.record().content.get() }) else { return Err(self) };
        if counts.references > 1 || counts.exports > 0 || Arc::strong_count(storage) > 1 {
            trace::emit(|| Event::ThawRefused {
                object: self.id(),
                references: counts.references,
                exports: counts.exports,
            });
            return Err(self);
        }
        trace::emit(|| Event::Thawed { object: self.id() });
        // SAFETY: the caller's contract; this is the last reference.
        let record = unsafe { owner.core().records.remove(self.0) };
        let Content::Storage(storage) = record.content.into_inner() else { unreachable!("just seen") };
        Ok(Arc::into_inner(storage)
            .expect("nobody else refers to it: only a thread with the owner's lock could have cloned it"))
    }
}

impl Export {
    /// # Safety
    ///
    /// The contract of [`Runtime::reexport`].
    pub(super) unsafe fn again(&self) -> Self {
        // SAFETY: the caller's contract; the export has a reference.
        let object = unsafe { Object(self.0).incref() };
        // SAFETY: as above.
        unsafe { object.export() }
    }

    /// # Safety
    ///
    /// The contract of [`Runtime::unexport`].
    pub(super) unsafe fn unexport(self) -> Object {
        let object = Object(self.0);
        // SAFETY: the caller's contract.
        let Counts { exports, .. } = unsafe { object.update(|counts| counts.exports -= 1) };
        trace::emit(|| Event::Unexported { object: object.id(), exports });
        object
    }
}

/// Frees a record and gives back what it pinned, as far as that can be done now.
///
/// # Safety
///
/// No reference to it is left, and the calling thread holds the lock of `owner`, whose record it is.
unsafe fn free(place: NonNull<Record>, owner: &Python) {
    let core = owner.core();
    // SAFETY: the record is there until it is removed, and the lock makes the access exclusive.
    if let Content::Bytes(bytes) = unsafe { &*place.as_ref().content.get() } {
        match core.gate.stage() {
            // SAFETY: the thread holds the GIL, and the record had a reference. No code runs: it is an exact `bytes`.
            Stage::Open | Stage::Finalizing | Stage::Closing => unsafe { ffi::Py_DecRef(bytes.object.as_ptr()) },
            // The interpreter may use the object at this moment. `bury` gives the reference back.
            Stage::Dying => return,
            // SAFETY: nobody but records refers to the object, says `bury`, and the mutex is held.
            Stage::Gone => unsafe { free_buried(bytes) },
            Stage::Abandoned => {}
        }
    }
    // SAFETY: the caller's contract.
    let mut record = unsafe { core.records.remove(place) };
    if let Content::Relayed(_) = record.content.get_mut() {
        fall(record);
    }
}
