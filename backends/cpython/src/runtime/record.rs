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
//! Large `bytes` objects lie in memory from `malloc` and outlive their interpreter. Small ones lie in its pools, which are freed
//! with it, or never if anything is left in them. So when the interpreter ends, those that nobody has looked at yet are moved
//! out:
//!
//! ```text
//!                 first look
//!   Unread ────────────────────▶ Read      the address is known somewhere: the bytes stay where they are
//!      │
//!      └───────────────────────▶ Moved     whoever looks from now on sees the copy
//!         the interpreter ends
//! ```
//!
//! The reference count of a `bytes` object is touched under its owner's GIL only; when nobody else is left, by us.

use super::gate::Stage;
use super::{Python, Token};
use crate::py;
use crate::storage::Storage;
use crate::strategy::Any;
use core::cell::{Cell, UnsafeCell};
use core::ptr::NonNull;
use pyo3_ffi as ffi;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use viewchan::trace::{self, Event, ObjectId};
use viewchan::{Buffer, View};

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

    fn address(&self) -> Option<usize> {
        match self {
            Self::Bytes(bytes) => Some(bytes.object.addr().get()),
            Self::Storage(storage) => Some(Arc::as_ptr(storage).addr()),
            Self::Relayed(_) => None,
        }
    }
}

/// A reference to a `bytes` object. Plain data: dropping it does not give the reference back.
pub(crate) struct Bytes {
    object: NonNull<ffi::PyObject>,
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

/// One reference to a record: the runtime's [`Object`](Runtime::Object).
pub struct Object(NonNull<Record>);

/// One reference with the bytes exported: the runtime's [`Export`](Runtime::Export).
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

/// Where the bytes of a record are.
struct Place {
    state: AtomicU8,
    bytes: NonNull<[u8]>,
    moved: UnsafeCell<Option<NonNull<[u8]>>>,
}

const UNREAD: u8 = 0;
const READ: u8 = 1;
const MOVED: u8 = 2;

impl Place {
    fn new(bytes: NonNull<[u8]>) -> Self {
        Self { state: AtomicU8::new(UNREAD), bytes, moved: UnsafeCell::new(None) }
    }

    /// The bytes, which stay where they are from now on.
    fn look(&self) -> &[u8] {
        // ORDERING: Acquire, pairs with the Release in `move_to`: if they were moved, `moved` is readable, and the copy is.
        let mut state = self.state.load(Ordering::Acquire);
        if state == UNREAD {
            // ORDERING: Relaxed if it succeeds: it publishes nothing, and only forbids the move; Acquire if not, as above.
            let looked = self.state.compare_exchange(UNREAD, READ, Ordering::Relaxed, Ordering::Acquire);
            state = looked.map_or_else(|now| now, |_| READ);
        }
        let bytes = match state {
            // SAFETY: written before the state said so, and never again.
            MOVED => unsafe { *self.moved.get() }.expect("written before"),
            _ => self.bytes,
        };
        // SAFETY: the content, which keeps its bytes, is given back only when no reference is left.
        unsafe { bytes.as_ref() }
    }

    /// Moves the bytes, unless somebody has looked.
    ///
    /// # Safety
    ///
    /// Nobody else does so, and `bytes` are a copy that is there as long as the record.
    unsafe fn move_to(&self, bytes: NonNull<[u8]>) -> bool {
        // SAFETY: nobody reads it before the state says that it is there.
        unsafe { *self.moved.get() = Some(bytes) };
        // ORDERING: Release, pairs with the Acquire in `look`. Relaxed if it fails: then nothing has been done.
        self.state.compare_exchange(UNREAD, MOVED, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}

/// Makes a buffer of its content. With `address`, strategies can tell what is pinned twice; then it is not moved either.
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
    token.python().core().records.insert(record);
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

    fn record(&self) -> &Record {
        // SAFETY: it is a reference, so the record is there.
        unsafe { self.0.as_ref() }
    }

    /// Different for any two objects that exist at the same time; the same for records of one `bytes` object or `Buffer` that
    /// are told apart by it.
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

/// Gives a reference back to an object whose interpreter is gone, and frees the memory with the last one.
///
/// # Safety
///
/// Only records refer to the object, and the calling thread holds what guards them.
unsafe fn free_buried(bytes: &Bytes) {
    let object = bytes.object;
    // SAFETY: the record's reference keeps the object. It is a plain number now: nobody else has it.
    let references = unsafe { py::references(object) } - 1;
    if references > 0 {
        // SAFETY: as above.
        unsafe { py::set_references(object, references) }
    } else if is_raw(bytes.bytes.len()) {
        // SAFETY: an object of this size comes from the raw allocator, which knows no interpreters; it was the last reference.
        unsafe { py::free_raw(object) }
    }
}

/// Whether CPython takes the memory of a `bytes` object of this length from `malloc`: then it can outlive its interpreter.
/// Smaller ones lie in pools, which go with the interpreter, or stay for ever if something is left in them.
pub(crate) fn is_raw(len: usize) -> bool {
    /// `SMALL_REQUEST_THRESHOLD` of pymalloc.
    const LARGEST_POOLED: usize = 512;
    /// Everything in a `bytes` object but the bytes: header, length, hash, and the zero behind them.
    const OVERHEAD: usize = 33;
    py::allocates_raw() && len + OVERHEAD > LARGEST_POOLED
}

/// An interpreter's records. Guarded by its lock, except for their number.
pub(super) struct Records {
    first: UnsafeCell<Option<NonNull<Record>>>,
    /// Written under the lock, read by anyone.
    number: AtomicUsize,
}

// SAFETY: the list is accessed under the owner's lock only.
unsafe impl Sync for Records {}
// SAFETY: as above.
unsafe impl Send for Records {}

impl Records {
    pub(super) fn new() -> Self {
        Self { first: UnsafeCell::new(None), number: AtomicUsize::new(0) }
    }

    pub(super) fn number(&self) -> usize {
        // ORDERING: Relaxed: a figure for people.
        self.number.load(Ordering::Relaxed)
    }

    /// The calling thread holds the owner's lock.
    fn insert(&self, record: NonNull<Record>) {
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
    unsafe fn remove(&self, place: NonNull<Record>) -> Box<Record> {
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
        // SAFETY: the caller holds the lock for as long as it iterates; it removes no record but the last one given out.
        let mut next = unsafe { *self.first.get() };
        core::iter::from_fn(move || {
            let record = next?;
            // SAFETY: as above.
            next = unsafe { (*record.as_ref().links.get()).next };
            Some(record)
        })
    }

    /// The interpreter begins to end: moves out of its pools what nobody has looked at. What cannot be copied, for want of
    /// memory, stays.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner, whose GIL guards the records.
    pub(super) unsafe fn move_out(&self) {
        for place in self.iter() {
            // SAFETY: the record is in the list.
            let record = unsafe { place.as_ref() };
            // SAFETY: the GIL is held.
            let content = unsafe { &mut *record.content.get() };
            let Content::Bytes(bytes) = content else { continue };
            let object = bytes.object;
            if is_raw(bytes.as_slice().len()) || record.address.is_some() {
                continue;
            }
            let Some(copy) = Storage::copy_of(bytes.as_slice()).map(Arc::new) else { continue };
            // SAFETY: the GIL is held, so nobody else moves; the copy is there as long as the content.
            if unsafe { record.place.move_to(NonNull::from(copy.frozen_bytes())) } {
                *content = Content::Storage(copy);
                // SAFETY: the GIL is held, and the record had a reference.
                unsafe { ffi::Py_DecRef(object.as_ptr()) }
            }
        }
    }

    /// The interpreter is about to be gone, and everything that it had has been given back. Gives back what has been released
    /// since it began to die; what is still pinned belongs to the records alone from now on.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner, and holds the mutex that guards the records.
    pub(super) unsafe fn bury(&self) {
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
                // Somebody else has lost a reference, or it is an object that is never freed. Then this one is not ours alone,
                // and one more lost reference keeps us from freeing it.
                // SAFETY: as above.
                unsafe { ffi::Py_IncRef(object.as_ptr()) }
            }
        }
    }
}

thread_local! {
    /// Records whose content is to be dropped as soon as the thread has left the owner: dropping a view visits another one.
    static FALLEN: Cell<Option<NonNull<Record>>> = const { Cell::new(None) };
    /// A function further up the stack drops them: the stack does not grow with a chain of relays.
    static IS_DROPPING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps a record for [`drop_fallen`]. Allocates nothing: the link is its own.
fn fall(mut record: Box<Record>) {
    *record.links.get_mut() = Links { previous: None, next: FALLEN.get() };
    FALLEN.set(Some(NonNull::from(Box::leak(record))));
}

/// Drops what has fallen. The thread is within no visit.
pub(super) fn drop_fallen() {
    if FALLEN.get().is_none() || IS_DROPPING.replace(true) {
        return;
    }
    while let Some(place) = FALLEN.get() {
        // SAFETY: leaked in `fall`, and taken off here, once.
        let record = unsafe { Box::from_raw(place.as_ptr()) };
        // SAFETY: the record is this thread's.
        FALLEN.set(unsafe { *record.links.get() }.next);
        drop(record);
    }
    IS_DROPPING.set(false);
}
