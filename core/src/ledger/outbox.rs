//! What the threads of an interpreter give back, until enough has come together for one push on the owner's return list.
//!
//! ```text
//!          put                          enough, another owner's, safepoint, departure
//!   view ───────▶ outbox of the interpreter ──────────────────────────────────────────▶ owner's return list
//!                 that the thread is in       one exchange for all of them
//! ```
//!
//! The lock of the interpreter guards it, which the thread holds already: a release that goes in here is a plain write, and no
//! two receivers write the same line. Whoever leaves the interpreter empties it first, so nothing is in it while nobody is there.

use super::chain::{Chain, Due};
use super::returns::put_back;
use crate::counted::Sole;
use crate::runtime::Runtime;
use crate::sync::UnsafeCell;

/// The outbox of an interpreter.
pub(crate) struct Outbox<R: Runtime> {
    /// So many are pushed at once. With 1 nothing is ever in here.
    most: usize,
    chain: UnsafeCell<Option<Chain<R>>>,
}

// SAFETY: `chain` is accessed under the interpreter's lock only.
unsafe impl<R: Runtime> Sync for Outbox<R> {}

impl<R: Runtime> Outbox<R> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, chain: UnsafeCell::new(None) }
    }

    /// Whether that goes in here, the outbox of `home`. What is home already does not.
    #[inline]
    pub(super) fn is_for(&self, home: &R, due: &Sole<Due<R>>) -> bool {
        self.most > 1 && home.id() != due.content().owner.id()
    }

    /// Takes in what is given back. Pushes what is inside if that is enough now, or another owner's. An errand that comes of it
    /// is only noted. Allocates nothing, cannot fail (G8).
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the interpreter, and tells its ledger before it leaves
    /// ([`Ledger::depart`](super::Ledger::depart)). Nobody reads through the export any more: all reads happen-before this call.
    #[inline]
    pub(super) unsafe fn put(&self, due: Sole<Due<R>>) {
        let take_in = |chain: &mut Option<Chain<R>>| match chain {
            Some(inside) if inside.owner().id() == due.content().owner.id() => {
                inside.add(due);
                chain.take_if(|inside| inside.len() >= self.most)
            }
            _ => chain.replace(Chain::new(due)),
        };
        // SAFETY: as the caller says.
        let ready = unsafe { self.with(take_in) };
        if let Some(ready) = ready {
            put_back(ready);
        }
    }

    /// Pushes what is in here.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the interpreter.
    #[inline]
    pub(super) unsafe fn empty(&self) {
        if self.most > 1 {
            // SAFETY: as the caller says.
            unsafe { self.push() }
        }
    }

    /// # Safety
    ///
    /// As `empty`.
    #[inline(never)]
    unsafe fn push(&self) {
        // SAFETY: as the caller says.
        if let Some(inside) = unsafe { self.with(Option::take) } {
            put_back(inside);
        }
    }

    /// # Safety
    ///
    /// The calling thread is attached to the interpreter, and `work` does not come back here.
    #[inline]
    unsafe fn with<T>(&self, work: impl FnOnce(&mut Option<Chain<R>>) -> T) -> T {
        self.chain.with_mut(|chain| {
            // SAFETY: the lock makes the access exclusive, and it is not nested.
            work(unsafe { &mut *chain })
        })
    }
}
