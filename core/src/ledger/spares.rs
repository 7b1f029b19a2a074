//! Memory of blocks that have done their duty, for the next ones: in the steady state a message allocates nothing.

use super::chain::Due;
use crate::counted::{Sole, Vacant};
use crate::runtime::Runtime;
use crate::sync::UnsafeCell;

/// The spare blocks of an interpreter: of messages that it sent, and of views of its buffers. Guarded by its lock.
pub(crate) struct Spares<R: Runtime> {
    most: usize,
    kept: UnsafeCell<Kept<R>>,
}

struct Kept<R: Runtime> {
    vacant: Vec<Vacant<Due<R>>>,
    /// How many blocks were made without spare memory: so many may be there to be kept.
    made: usize,
}

// SAFETY: `kept` is accessed under the interpreter's lock only.
unsafe impl<R: Runtime> Sync for Spares<R> {}

impl<R: Runtime> Spares<R> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: UnsafeCell::new(Kept { vacant: Vec::new(), made: 0 }) }
    }

    /// A block, in spare memory if there is some.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the interpreter.
    pub(crate) unsafe fn block(&self, due: Due<R>) -> Sole<Due<R>> {
        // SAFETY: as the caller says.
        Sole::new_in(unsafe { self.take() }, due)
    }

    /// Spare memory, if there is some.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the interpreter.
    pub(crate) unsafe fn take(&self) -> Option<Vacant<Due<R>>> {
        if self.most == 0 {
            return None;
        }
        let take = |kept: &mut Kept<R>| {
            let spare = kept.vacant.pop();
            if spare.is_none() {
                kept.made += 1;
                // Here, so that a release never allocates.
                kept.vacant.reserve(kept.made.min(self.most));
            }
            spare
        };
        // SAFETY: as the caller says.
        unsafe { self.with(take) }
    }

    /// Keeps the memory, or frees it if enough is kept. Allocates nothing (G8).
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the interpreter.
    pub(crate) unsafe fn keep(&self, vacant: Vacant<Due<R>>) {
        if self.most == 0 {
            return;
        }
        let keep = |Kept { vacant: kept, .. }: &mut Kept<R>| {
            if kept.len() < kept.capacity().min(self.most) {
                kept.push(vacant);
            }
        };
        // SAFETY: as the caller says.
        unsafe { self.with(keep) }
    }

    /// # Safety
    ///
    /// The calling thread is attached to the interpreter, and `work` does not come back here.
    unsafe fn with<T>(&self, work: impl FnOnce(&mut Kept<R>) -> T) -> T {
        self.kept.with_mut(|kept| {
            // SAFETY: the lock makes the access exclusive, and it is not nested.
            work(unsafe { &mut *kept })
        })
    }
}
