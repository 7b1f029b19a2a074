//! Errands: a thread's promises to see to the return lists of others, as soon as it is attached to nobody.
//!
//! They form a chain without any allocation: the thread has the last one that it took, and each owner's list the one that the
//! same thread took before. The link belongs to whoever has the ERRAND bit of that list.
//!
//! An errand can be handed over, to a thread that has nothing else to do, say:
//!
//! ```text
//!   push, nobody there            take                       send it                     run, or drop
//!   ──────────────────▶ noted ───────────────▶ Errand ────────────────────▶ Errand ───────────────────▶ noted
//!                       with the thread        link: none    to another thread                          with that thread
//! ```

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
        // SAFETY: the cell is this thread's, and no code of `R` runs while the reference exists.
        unsafe { &*self.last.as_ptr() }.is_none()
    }

    /// Adds one.
    ///
    /// # Safety
    ///
    /// The thread has it, and it is noted nowhere.
    pub(super) unsafe fn note(&self, owner: R) {
        let earlier = self.last.take().map(ManuallyDrop::into_inner);
        owner.ledger().returns.earlier.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the errand: this thread.
            unsafe { *link = earlier }
        });
        self.last.set(Some(ManuallyDrop::new(owner)));
    }

    /// Takes the last one off. The caller runs it, or hands it to a thread that does.
    pub fn take(&self) -> Option<Errand<R>> {
        let owner = self.last.take().map(ManuallyDrop::into_inner)?;
        let earlier = owner.ledger().returns.earlier.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the errand: this thread.
            unsafe { (*link).take() }
        });
        self.last.set(earlier.map(ManuallyDrop::new));
        Some(Errand { owner })
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
/// Unwinds if [`Runtime::visit`] does. The errand is then still this thread's.
#[inline]
pub fn run_errands<R: Runtime>() {
    if !R::with_errands(Errands::is_empty) {
        run_all::<R>();
    }
}

/// Runs them: there are some.
#[cold]
fn run_all<R: Runtime>() {
    let Some(_busy) = Busy::<R>::running() else { return };
    while let Some(errand) = R::with_errands(Errands::take) {
        errand.see_to();
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

/// The duty to see to one interpreter's return list, taken off the thread that had it.
///
/// Whoever has it must run it, or what is on the list stays there until somebody comes to that interpreter. Dropping it is
/// no way out: then it is the errand of the thread that drops it.
///
/// It is `Send`, as a handle on its owner is. The list's link between errands, which no lock guards, belongs to whoever has the
/// errand, and goes with it: what moves a value to another thread (a mutex, a channel, a spawn) makes all that the former
/// thread did to the link happen before whatever the next one does.
#[must_use = "what is on the list stays there until the errand is run"]
pub struct Errand<R: Runtime> {
    owner: R,
}

impl<R: Runtime> Errand<R> {
    /// The interpreter to whose return list nobody attends.
    pub fn owner(&self) -> &R {
        &self.owner
    }

    /// Makes the errand the calling thread's, which is attached to nobody, and [runs](run_errands) all that this thread has:
    /// this one first. It waits for the owner's lock.
    ///
    /// What is collected may run any code, and come back here. Within itself, and while the thread collects, this only
    /// makes the errand the thread's; the function further up the stack goes on with it.
    ///
    /// # Panics
    ///
    /// Unwinds if [`Runtime::visit`] does. The errand is then still this thread's.
    pub fn run(self) {
        drop(self);
        run_errands::<R>();
    }

    /// Goes to the owner as long as something is on its list and nobody attends to it. If what is collected panics, the
    /// errand is still to be run.
    fn see_to(self) {
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
    /// Not done, so it is this thread's from now on.
    fn drop(&mut self) {
        // SAFETY: the thread has the errand: whoever has this, has it.
        unsafe { R::with_errands(|errands| errands.note(self.owner.clone())) }
    }
}

impl<R: Runtime> fmt::Debug for Errand<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("owner", &self.owner.id()).finish()
    }
}
