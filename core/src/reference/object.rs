//! The object behind a buffer: its bytes, and counts that only the owner's lock guards.
//!
//! | field | who may touch it |
//! | --- | --- |
//! | `counts` | a thread attached to the owner |
//! | `bytes`, reading | anyone, through a handle or an [`Export`] |
//! | `bytes`, writing or freeing | a thread attached to the owner that took `references` to zero, or holds the only one and no export exists (G2) |
//!
//! `references` is the number of handles, messages and views (G3). `exports` is the number of views. Since each view has a
//! reference as well, one reference left means that nothing but a handle is: a thaw looks at `exports` only to be sure.

use super::bytes::Bytes;
use crate::sync::{ConstPtr, Tracked, UnsafeCell};
use crate::trace::{self, Event, ObjectId};
use core::ptr::NonNull;

struct Inner {
    counts: UnsafeCell<Counts>,
    bytes: UnsafeCell<Tracked<Bytes>>,
}

#[derive(Clone, Copy)]
struct Counts {
    references: usize,
    exports: usize,
}

/// One reference to an object. Plain data: dropping it does not give the reference back.
pub struct Object(NonNull<Tracked<Inner>>);

// SAFETY: only the bytes are accessed without the owner's lock, for reading, and they are `Send + Sync`.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

/// Why an object cannot be thawed.
pub(super) enum Frozen {
    /// Something else refers to it.
    InUse,
    /// The bytes are a foreign owner's.
    Foreign,
}

// Every function below is called under the owner's token, on a reference not yet given back: that is the contract of
// `Runtime`, and what "the caller's contract" means.
impl Object {
    /// A new object with one reference.
    pub(super) fn new(bytes: Bytes) -> Self {
        let inner = Inner {
            counts: UnsafeCell::new(Counts { references: 1, exports: 0 }),
            bytes: UnsafeCell::new(Tracked::new(bytes)),
        };
        let object = Self(NonNull::from(Box::leak(Box::new(Tracked::new(inner)))));
        trace::emit(|| Event::Frozen { object: object.id() });
        object
    }

    /// Identity of the object, for trace events.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId(self.0.as_ptr() as usize)
    }

    /// # Safety
    ///
    /// The caller's contract.
    #[inline]
    pub(super) unsafe fn incref(&self) -> Self {
        // SAFETY: the caller's contract.
        let counts = unsafe { self.update(|counts| counts.references += 1) };
        if counts.references > isize::MAX as usize {
            // Only leaking handles can get here; going on could wrap the count to zero while references exist.
            std::process::abort();
        }
        trace::emit(|| Event::Referenced { object: self.id(), references: counts.references });
        Self(self.0)
    }

    /// # Safety
    ///
    /// The caller's contract.
    #[inline]
    pub(super) unsafe fn decref(self) {
        // SAFETY: the caller's contract.
        let Counts { references, .. } = unsafe { self.update(|counts| counts.references -= 1) };
        trace::emit(|| Event::Dereferenced { object: self.id(), references });
        if references == 0 {
            let id = self.id();
            // SAFETY: no reference is left, hence no export.
            let bytes = unsafe { self.dissolve() };
            trace::emit(|| Event::Freed { object: id });
            // Last, with the object gone: a foreign owner may run any code, even drop a view of its own.
            bytes.into_inner().dispose();
        }
    }

    /// # Safety
    ///
    /// The caller's contract.
    #[inline]
    pub(super) unsafe fn export(self) -> Export {
        // SAFETY: the caller's contract.
        let Counts { exports, .. } = unsafe { self.update(|counts| counts.exports += 1) };
        trace::emit(|| Event::Exported { object: self.id(), exports });
        // SAFETY: the reference is live.
        let reading = unsafe { self.0.as_ref() }.bytes.get();
        Export { object: self, reading }
    }

    /// Takes the bytes out for writing, if this is the only reference and no view exists.
    ///
    /// # Safety
    ///
    /// The caller's contract.
    pub(super) unsafe fn try_thaw(self) -> Result<Vec<u8>, (Frozen, Self)> {
        // SAFETY: the caller's contract.
        let Counts { references, exports } = unsafe { self.update(|_| ()) };
        debug_assert!(exports < references, "each export has a reference, and so has the handle");
        if references > 1 {
            trace::emit(|| Event::ThawRefused { object: self.id(), references, exports });
            return Err((Frozen::InUse, self));
        }
        // SAFETY: the reference is live.
        if unsafe { self.0.as_ref() }.bytes.with(|bytes| {
            // SAFETY: frozen bytes are only read.
            unsafe { &*bytes }.is_foreign()
        }) {
            return Err((Frozen::Foreign, self));
        }
        let id = self.id();
        // SAFETY: `self` is the only reference, and no export exists.
        let bytes = unsafe { self.dissolve() };
        trace::emit(|| Event::Thawed { object: id });
        bytes.into_inner().try_into_vec().map_err(|_| unreachable!("not foreign, as just seen"))
    }

    /// Reads the bytes through a handle.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: a handle borrows this reference, so the object lives and its bytes are frozen.
        unsafe { self.0.as_ref() }.read()
    }

    /// # Safety
    ///
    /// The caller's contract.
    #[inline]
    unsafe fn update(&self, change: impl FnOnce(&mut Counts)) -> Counts {
        // SAFETY: the reference is live.
        let inner = unsafe { self.0.as_ref() };
        inner.counts.with_mut(|counts| {
            // SAFETY: the caller holds the owner's lock, which guards the counts.
            let counts = unsafe { &mut *counts };
            change(counts);
            *counts
        })
    }

    /// Takes the object apart.
    ///
    /// # Safety
    ///
    /// The caller's contract; and nothing else refers to the object.
    unsafe fn dissolve(self) -> Tracked<Bytes> {
        // SAFETY: 1. the pointer came from `Box::leak`; 2. nothing else refers to it.
        let inner = unsafe { Box::from_raw(self.0.as_ptr()) }.into_inner();
        // Announces the end of the bytes as a write, so that a checker sees any reader that is left.
        inner.bytes.with_mut(|_| ());
        inner.bytes.into_inner()
    }
}

impl Inner {
    #[inline]
    fn read(&self) -> &[u8] {
        // SAFETY: whoever calls has a reference, so the bytes are frozen and stay; nobody writes while `self` is borrowed.
        self.bytes.with(|bytes| unsafe { &*bytes }.as_slice())
    }
}

/// One reference with the bytes exported: what a view holds.
pub struct Export {
    object: Object,
    /// From creation to release: a checker refuses any write in between (G2).
    reading: ConstPtr<Tracked<Bytes>>,
}

// SAFETY: an `Object` and an announcement of reads, which carries no data.
unsafe impl Send for Export {}
// SAFETY: as above; shared access only reads the bytes.
unsafe impl Sync for Export {}

impl Export {
    /// Another reference, exported as well.
    ///
    /// # Safety
    ///
    /// The caller's contract.
    pub(super) unsafe fn again(&self) -> Self {
        // SAFETY: the caller's contract; the export has the reference.
        let object = unsafe { self.object.incref() };
        // SAFETY: as above.
        unsafe { object.export() }
    }

    /// # Safety
    ///
    /// The caller's contract; and nobody reads through the export any more.
    #[inline]
    pub(super) unsafe fn unexport(self) -> Object {
        let Self { object, reading } = self;
        drop(reading);
        // SAFETY: the caller's contract.
        let Counts { exports, .. } = unsafe { object.update(|counts| counts.exports -= 1) };
        trace::emit(|| Event::Unexported { object: object.id(), exports });
        object
    }
}

impl AsRef<[u8]> for Export {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the export holds a reference.
        unsafe { self.object.0.as_ref() }.read()
    }
}
