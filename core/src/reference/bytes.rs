//! The memory behind a buffer.

use core::ptr::NonNull;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whoever keeps foreign bytes alive.
trait Keep: Send + Sync {}
impl<T: Send + Sync> Keep for T {}

/// Bytes at a fixed address, with what is needed to free them.
pub(super) struct Bytes {
    bytes: NonNull<[u8]>,
    origin: Origin,
}

enum Origin {
    /// The parts of a `Vec` with this capacity; `bytes` are its elements.
    Vec { capacity: usize },
    /// A boxed owner, whose `as_ref` gave `bytes`.
    Foreign(NonNull<dyn Keep>),
}

// SAFETY: `bytes` belong to `origin`, which is a `Vec<u8>` or an owner that is `Send + Sync`; nothing else refers to them.
unsafe impl Send for Bytes {}
// SAFETY: as above, and shared access only reads.
unsafe impl Sync for Bytes {}

impl Bytes {
    pub(super) fn from_vec(vec: Vec<u8>) -> Self {
        let mut vec = core::mem::ManuallyDrop::new(vec);
        let origin = Origin::Vec { capacity: vec.capacity() };
        // Not from a slice: the pointer is good for the capacity, too.
        let start = NonNull::new(vec.as_mut_ptr()).expect("a vector's pointer is not null");
        Self { bytes: NonNull::slice_from_raw_parts(start, vec.len()), origin }
    }

    pub(super) fn from_owner<T: AsRef<[u8]> + Send + Sync + 'static>(owner: T) -> Self {
        // A pointer before it is asked, and never a box again: moving a box would claim its content, inline bytes too, anew.
        let owner = NonNull::from(Box::leak(Box::new(owner)));
        let none = NonNull::slice_from_raw_parts(NonNull::dangling(), 0);
        // Made first, so that the owner is dropped if `as_ref` panics.
        let mut this = Self { bytes: none, origin: Origin::Foreign(owner) };
        // SAFETY: leaked just now, and dropped by `this` only.
        this.bytes = NonNull::from(unsafe { owner.as_ref() }.as_ref());
        this
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: `origin` keeps the bytes where they are, initialised and unwritten while `self` is borrowed.
        unsafe { self.bytes.as_ref() }
    }

    /// The bytes as a vector, without a copy, if they came from one.
    pub(super) fn try_into_vec(self) -> Result<Vec<u8>, Self> {
        match self.origin {
            Origin::Vec { capacity } => {
                let this = core::mem::ManuallyDrop::new(self);
                Ok(this.take_vec(capacity))
            }
            Origin::Foreign(_) => Err(self),
        }
    }

    /// Frees the bytes. A panic of a foreign owner ends here, after its hook has spoken: whoever happens to give the last
    /// reference back has nothing to do with it.
    pub(super) fn dispose(self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self))) {
            // What was panicked with may panic in turn.
            let disposed = catch_unwind(AssertUnwindSafe(|| drop(panic)));
            disposed.unwrap_or_else(core::mem::forget);
        }
    }

    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.origin, Origin::Foreign(_))
    }

    /// The vector whose parts this holds. Called once, and `self` is not used afterwards.
    fn take_vec(&self, capacity: usize) -> Vec<u8> {
        // SAFETY: pointer, length and capacity are the parts of a vector that was forgotten in `from_vec`, and both callers
        // give `self` up.
        unsafe { Vec::from_raw_parts(self.bytes.cast().as_ptr(), self.bytes.len(), capacity) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        match self.origin {
            Origin::Vec { capacity } => drop(self.take_vec(capacity)),
            // SAFETY: the pointer came from `Box::leak`, and this is the only drop.
            Origin::Foreign(owner) => drop(unsafe { Box::from_raw(owner.as_ptr()) }),
        }
    }
}
