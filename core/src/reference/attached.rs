//! Where a thread stands, and the token that proves it.
//!
//! `CURRENT` names the interpreter whose lock the thread holds. Two guards change it, and they are the only code that takes
//! or gives up an interpreter's lock:
//!
//! ```text
//!             Outside::step                Inside::step(s)
//!   in r ──────────────────▶ in nobody ──────────────────▶ in s
//!        ◀──────────────────           ◀──────────────────
//!           drop (cause: return)               drop
//! ```
//!
//! No arrow leads from one interpreter to another: a thread waits for a lock with empty hands (G4).

use super::interpreter::Interpreter;
use crate::Runtime;
use crate::ledger::{Errands, Ledger, run_errands};
use crate::runtime::{Cause, Ended, Waker};
use crate::sync;
use crate::trace::{self, Event};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// Where a thread is, and why it came.
#[derive(Clone, Copy)]
struct Stay {
    interpreter: NonNull<Interpreter>,
    cause: Cause,
    /// It is counted among those who are inside: it came to run code.
    is_admitted: bool,
}

sync::per_thread! {
    static CURRENT: Cell<Option<Stay>> = Cell::new(None);

    static ERRANDS: Errands<Interpreter> = Errands::new();
}

#[inline]
pub(super) fn is_attached_to(interpreter: &Interpreter) -> bool {
    CURRENT.with(Cell::get).is_some_and(|stay| {
        // SAFETY: a guard further up this thread's stack borrows the interpreter.
        *unsafe { stay.interpreter.as_ref() } == *interpreter
    })
}

/// Runs `work` with the interpreter that the thread is attached to, if there is one.
#[inline]
pub(super) fn with_current<T>(work: impl FnOnce(Option<&Interpreter>) -> T) -> T {
    let stay = CURRENT.with(Cell::get);
    // SAFETY: a guard further up this thread's stack borrows the interpreter.
    work(stay.map(|stay| unsafe { stay.interpreter.as_ref() }))
}

#[inline]
pub(super) fn with_errands<T>(work: impl FnOnce(&Errands<Interpreter>) -> T) -> T {
    ERRANDS.with(work)
}

/// Takes the lock; behind those who wait already, if it is to let them in. The thread is attached from now on.
#[inline]
fn arrive(interpreter: &Interpreter, cause: Cause, is_admitted: bool) {
    interpreter.core().acquire(cause);
    CURRENT.with(|current| current.set(Some(Stay { interpreter: NonNull::from(interpreter), cause, is_admitted })));
}

/// Tells the ledger that the thread is here.
#[inline]
fn report(interpreter: &Interpreter, cause: Cause) {
    // SAFETY: the thread has just arrived, and calls `depart` before it gives the lock up.
    unsafe { interpreter.ledger().arrive(cause, &Attached::new(interpreter)) }
}

/// Gives the lock up. The thread is attached to nobody from now on.
#[inline]
fn depart(stay: Stay) {
    // SAFETY: a guard further up this thread's stack borrows the interpreter.
    let interpreter = unsafe { stay.interpreter.as_ref() };
    // SAFETY: CURRENT said that this thread holds the lock, acquired with this cause.
    unsafe { interpreter.ledger().depart(stay.cause, interpreter) }
    release(interpreter);
}

/// Gives the lock up without a word to the ledger: it was not told that the thread came, or the thread will be back.
#[inline]
fn release(interpreter: &Interpreter) {
    CURRENT.with(|current| current.set(None));
    // SAFETY: the caller has found this thread attached.
    unsafe { interpreter.core().release() }
}

/// The thread is attached to nobody, and goes back to where it was when this is dropped.
pub(super) struct Outside {
    from: Option<Stay>,
    /// Why it comes back.
    cause: Cause,
}

impl Outside {
    #[inline]
    pub(super) fn step() -> Self {
        let stay = CURRENT.with(Cell::get);
        // Made first, so that the thread goes back also if an errand panics.
        let outside = Self { from: stay, cause: Cause::Return };
        if let Some(stay) = stay {
            depart(stay);
            run_errands::<Interpreter>();
        }
        outside
    }

    /// Steps outside to let others in. The thread, which is attached to `from`, goes on attending to the return list.
    fn let_in(from: &Interpreter) -> Self {
        let outside = Self { from: CURRENT.with(Cell::get), cause: Cause::Safepoint };
        release(from);
        outside
    }

    /// The interpreter that the thread comes from.
    #[inline]
    pub(super) fn from(&self) -> Option<&Interpreter> {
        // SAFETY: a guard further up this thread's stack borrows it.
        self.from.map(|from| unsafe { from.interpreter.as_ref() })
    }

    #[inline]
    fn come_back(&self) {
        if let (Some(from), Some(stay)) = (self.from(), self.from) {
            arrive(from, self.cause, stay.is_admitted);
            report(from, self.cause);
        }
    }
}

impl Drop for Outside {
    #[inline]
    fn drop(&mut self) {
        /// Comes back whatever happens before.
        struct Back<'a>(&'a Outside);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.come_back();
            }
        }
        let _back = Back(self);
        run_errands::<Interpreter>();
    }
}

/// The thread is attached to an interpreter until this is dropped.
pub(super) struct Inside<'a> {
    interpreter: &'a Interpreter,
}

impl<'a> Inside<'a> {
    /// Comes for one step of the protocol. The thread is attached to nobody: an [`Outside`] is in force.
    #[inline]
    pub(super) fn step(interpreter: &'a Interpreter, cause: Cause) -> Self {
        arrive(interpreter, cause, false);
        let inside = Self { interpreter };
        report(interpreter, cause);
        inside
    }

    /// Comes to run code, if the interpreter still lets anybody in. The thread is attached to nobody, as above.
    #[inline]
    pub(super) fn admitted(interpreter: &'a Interpreter) -> Result<Self, Ended> {
        arrive(interpreter, Cause::Attach, true);
        // SAFETY: the thread holds the lock.
        if let Err(ended) = unsafe { interpreter.ledger().life.admit() } {
            release(interpreter);
            return Err(ended);
        }
        let inside = Self { interpreter };
        report(interpreter, Cause::Attach);
        Ok(inside)
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        let stay = CURRENT.with(Cell::get).expect("every `Outside` within has come back");
        if stay.is_admitted {
            // SAFETY: the thread holds the lock.
            unsafe { self.interpreter.ledger().life.leave() }
        }
        depart(stay);
    }
}

/// A thread that came for one step of the protocol runs code (a foreign owner's drop does), until this is dropped.
pub(super) struct Admitted<'a> {
    interpreter: &'a Interpreter,
    /// It was no more than a visitor before.
    is_new: bool,
}

impl<'a> Admitted<'a> {
    /// The thread is attached to `interpreter`.
    pub(super) fn here(interpreter: &'a Interpreter) -> Result<Self, Ended> {
        let is_new = CURRENT.with(Cell::get).is_some_and(|stay| !stay.is_admitted);
        if is_new {
            // SAFETY: the thread holds the lock.
            unsafe { interpreter.ledger().life.admit() }?;
            Self::set(true);
        }
        Ok(Self { interpreter, is_new })
    }

    fn set(is_admitted: bool) {
        CURRENT.with(|current| current.set(current.get().map(|stay| Stay { is_admitted, ..stay })));
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.is_new {
            Self::set(false);
            // SAFETY: every `Outside` within has come back, so the thread holds the lock.
            unsafe { self.interpreter.ledger().life.leave() }
        }
    }
}

/// Waits are known to the interpreter until this is dropped, back inside.
pub(super) struct Waiting<'a> {
    interpreter: &'a Interpreter,
    waker: &'a Waker,
}

impl<'a> Waiting<'a> {
    /// The thread is attached to `interpreter`.
    pub(super) fn begin(interpreter: &'a Interpreter, waker: &'a Waker) -> Self {
        // SAFETY: the thread holds the lock.
        unsafe { interpreter.ledger().life.add_waker(waker) }
        Self { interpreter, waker }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // SAFETY: the `Outside` of the wait has come back, so the thread holds the lock.
        unsafe { self.interpreter.ledger().life.remove_waker(self.waker) }
    }
}

/// Proof that the calling thread is attached to an interpreter, that is, holds its lock.
///
/// It cannot leave its thread, nor the closure that it was given to. Whatever runs other code without the lock
/// ([`detach`](Self::detach), [`attach_to`](Self::attach_to)) borrows it exclusively, so that it cannot be used meanwhile.
/// Receiving, and dropping a view or a buffer, may leave the interpreter for a moment as well. The only foreign code that
/// runs then is the drop of a [foreign owner](crate::Buffer::from_owner); a token that was smuggled there panics when used.
pub struct Attached<'a> {
    interpreter: &'a Interpreter,
    /// Neither `Send` nor `Sync`: the lock is this thread's.
    _thread: PhantomData<*mut ()>,
}

impl<'a> Attached<'a> {
    /// The calling thread is attached to `interpreter` for as long as the caller lends the token out.
    #[inline]
    pub(super) fn new(interpreter: &'a Interpreter) -> Self {
        Self { interpreter, _thread: PhantomData }
    }

    /// A token by decree, for glue code that knows.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to `interpreter`, and stays so for as long as the token exists.
    #[must_use]
    pub unsafe fn assume(interpreter: &'a Interpreter) -> Self {
        Self::new(interpreter)
    }

    /// The interpreter to which the thread is attached.
    #[must_use]
    pub fn interpreter(&self) -> &'a Interpreter {
        self.interpreter
    }

    /// Gives the lock up, runs `work`, and takes the lock again. For anything that blocks or takes long.
    ///
    /// # Panics
    ///
    /// Unwinds if `work` does, with the lock taken again.
    pub fn detach<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _outside = Outside::step();
        work()
    }

    /// Leaves this interpreter, runs `work` attached to `other`, and comes back.
    ///
    /// The thread is never in both (G4). If `other` is this interpreter, `work` just runs.
    ///
    /// # Panics
    ///
    /// If `other` has begun to end: use [`try_attach_to`](Self::try_attach_to) where that can happen. Unwinds if `work` does,
    /// with this interpreter's lock taken again.
    pub fn attach_to<T>(&mut self, other: &Interpreter, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        self.try_attach_to(other, work)
            .unwrap_or_else(|Ended| panic!("{} is ending or has ended: `try_attach_to` says so instead", other.id()))
    }

    /// Like [`attach_to`](Self::attach_to), for an interpreter that may end meanwhile.
    ///
    /// # Errors
    ///
    /// [`Ended`] if its end has begun; `work` has not run.
    ///
    /// # Panics
    ///
    /// Unwinds if `work` does, with this interpreter's lock taken again.
    pub fn try_attach_to<T>(
        &mut self,
        other: &Interpreter,
        work: impl FnOnce(&mut Attached<'_>) -> T,
    ) -> Result<T, Ended> {
        other.stay(work)
    }

    /// Collects what has come back of this interpreter's buffers, then lets a waiting thread in, if there is one, and goes on
    /// after it. A thread that has an errand runs it in between. Cheap when nothing came and nobody waits: two loads.
    ///
    /// The hand-over is fair: this thread does not get the lock back before the one that waited has had it.
    ///
    /// # Panics
    ///
    /// If the lock was given up and the token should not be there, see [`Attached`].
    pub fn safepoint(&mut self) {
        self.assert_attached();
        Ledger::<Interpreter>::safepoint(self);
        if self.interpreter.core().is_wanted() || !with_errands(Errands::is_empty) {
            drop(Outside::let_in(self.interpreter));
        } else {
            trace::emit(|| Event::Stayed { interpreter: self.interpreter.id() });
        }
    }

    /// The last line of defence: safe code can smuggle a token, through a scoped thread-local, into a drop that runs while
    /// the lock is given up.
    #[inline]
    pub(super) fn assert_attached(&self) {
        assert!(is_attached_to(self.interpreter), "the token is used while its thread has left the interpreter");
    }
}

impl fmt::Debug for Attached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attached").field(self.interpreter).finish()
    }
}
