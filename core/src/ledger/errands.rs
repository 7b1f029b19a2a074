//! Errands: a thread's promises to see to the return lists of others, as soon as it is attached to nobody.
//!
//! They form a chain without any allocation: the thread has the last one that it took, and each owner's list the one that the
//! same thread took before. The link belongs to whoever has the ERRAND bit of that list.

use super::returns::Returns;
use crate::runtime::{Cause, Ended, Runtime};
use core::cell::Cell;
use core::fmt;
use core::mem::ManuallyDrop;

/// The errands of one thread. A runtime keeps one in a thread-local variable.
///
/// It has no destructor, so that it is there as long as the thread is.
pub struct Errands<R: Runtime> {
    /// The one taken last.
    last: Cell<Option<ManuallyDrop<R>>>,
    /// A function further up this thread's stack runs them. What it frees may run any code, and come back here; it is the
    /// first function that goes on, so that the stack does not grow.
    is_running: Cell<bool>,
    /// The same of collecting from a return list.
    is_collecting: Cell<bool>,
}

impl<R: Runtime> Errands<R> {
    /// No errands.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: Cell::new(None), is_running: Cell::new(false), is_collecting: Cell::new(false) }
    }

    /// Whether there are any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        let last = self.last.take();
        let none = last.is_none();
        self.last.set(last);
        none
    }

    /// Adds one.
    ///
    /// # Safety
    ///
    /// The thread has just taken it.
    pub(super) unsafe fn note(&self, owner: R) {
        let earlier = self.last.take().map(ManuallyDrop::into_inner);
        owner.ledger().returns.earlier.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the errand: this thread.
            unsafe { *link = earlier }
        });
        self.last.set(Some(ManuallyDrop::new(owner)));
    }

    /// Takes the last one off.
    fn take(&self) -> Option<R> {
        let owner = self.last.take().map(ManuallyDrop::into_inner)?;
        let earlier = owner.ledger().returns.earlier.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the errand: this thread.
            unsafe { (*link).take() }
        });
        self.last.set(earlier.map(ManuallyDrop::new));
        Some(owner)
    }
}

impl<R: Runtime> Default for Errands<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Runtime> fmt::Debug for Errands<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

/// Runs the errands of the calling thread, if it is attached to nobody. Cheap if there are none.
#[inline]
pub(crate) fn run_errands_at_once<R: Runtime>() {
    if !R::with_errands(Errands::is_empty) && R::with_current(|here| here.is_none()) {
        run_errands::<R>();
    }
}

/// Runs the errands of the calling thread, which is attached to nobody: the last one taken first, each to its end. Does
/// nothing within itself. A runtime calls this whenever a thread has become attached to nobody.
///
/// It waits for the lock of each interpreter to whose return list nobody attends, one at a time, and collects there.
///
/// # Panics
///
/// Unwinds if freeing an object does. The errand is then still this thread's.
pub fn run_errands<R: Runtime>() {
    if R::with_errands(Errands::is_empty) {
        return;
    }
    let Some(_busy) = Busy::<R>::running() else { return };
    while let Some(owner) = R::with_errands(Errands::take) {
        Errand { owner }.run();
    }
}

/// The thread is at it, until this is dropped.
pub(super) struct Busy<R: Runtime> {
    with: fn(&Errands<R>) -> &Cell<bool>,
}

impl<R: Runtime> Busy<R> {
    /// Collects. `None` if a function further up the stack does.
    pub(super) fn collecting() -> Option<Self> {
        Self::begin(|errands| &errands.is_collecting)
    }

    /// Runs errands. `None` if a function further up the stack does, or collects.
    fn running() -> Option<Self> {
        let is_collecting = R::with_errands(|errands| errands.is_collecting.get());
        if is_collecting { None } else { Self::begin(|errands| &errands.is_running) }
    }

    fn begin(with: fn(&Errands<R>) -> &Cell<bool>) -> Option<Self> {
        let is_first = R::with_errands(|errands| !with(errands).replace(true));
        is_first.then(|| Self { with })
    }
}

impl<R: Runtime> Drop for Busy<R> {
    fn drop(&mut self) {
        R::with_errands(|errands| (self.with)(errands).set(false));
    }
}

/// An errand that is being run. If what it collects panics, it is still to be run.
struct Errand<R: Runtime> {
    owner: R,
}

impl<R: Runtime> Errand<R> {
    /// Goes to the owner as long as something is on its list and nobody attends to it.
    fn run(self) {
        let returns: &Returns<R> = &self.owner.ledger().returns;
        while returns.is_errand_needed() {
            // SAFETY: the work uses no token. Whoever arrives collects: that is what it is for.
            if unsafe { self.owner.visit(Cause::Collection, |_| ()) } == Err(Ended) {
                // SAFETY: just said, and the errand is still this thread's.
                unsafe { returns.abandon() }
            }
        }
        self.done();
    }

    /// It has been given up.
    fn done(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped afterwards.
        drop(unsafe { core::ptr::read(&this.owner) });
    }
}

impl<R: Runtime> Drop for Errand<R> {
    fn drop(&mut self) {
        // SAFETY: not done, so it is this thread's.
        unsafe { R::with_errands(|errands| errands.note(self.owner.clone())) }
    }
}
