//! Memory of blocks that have done their duty, for the next ones: in the steady state a message allocates nothing.

use super::chain::Due;
use crate::counted::{Sole, Vacant};
use crate::runtime::Runtime;
use crate::sync::UnsafeCell;

/// The spare blocks of an interpreter: of messages that it sent, and of views of its buffers. Guarded by its lock.
pub(crate) struct Spares<R: Runtime> {
    most: usize,
    vacant: UnsafeCell<Vec<Vacant<Due<R>>>>,
}

// SAFETY: `vacant` is accessed under the interpreter's lock only.
unsafe impl<R: Runtime> Sync for Spares<R> {}

impl<R: Runtime> Spares<R> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, vacant: UnsafeCell::new(Vec::new()) }
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
        let take = |kept: &mut Vec<_>| {
            if kept.capacity() == 0 {
                // Here, so that a release never allocates.
                kept.reserve_exact(self.most);
            }
            kept.pop()
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
        let keep = |kept: &mut Vec<_>| {
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
    unsafe fn with<T>(&self, work: impl FnOnce(&mut Vec<Vacant<Due<R>>>) -> T) -> T {
        self.vacant.with_mut(|vacant| {
            // SAFETY: the lock makes the access exclusive, and it is not nested.
            work(unsafe { &mut *vacant })
        })
    }
}
