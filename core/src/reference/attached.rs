//! Where a thread stands, and the token that proves it.
//!
//! `CURRENT` names the interpreter whose lock the thread holds. Two guards change it, and they are the only code that takes
//! or gives up an interpreter's lock, safepoints aside:
//!
//! ```text
//!             Outside::step                Inside::step(s)
//!   in r ──────────────────▶ in nobody ──────────────────▶ in s
//!        ◀──────────────────           ◀──────────────────
//!           drop (cause: return)               drop
//! ```
//!
//! No arrow leads from one interpreter to another: a thread waits for a lock with empty hands (G4).

use super::interpreter::{Core, Interpreter};
use crate::runtime::Cause;
use crate::sync;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

sync::thread_local! {
    // Not `const { }`: loom's thread locals have no such form.
    #[allow(clippy::missing_const_for_thread_local)]
    static CURRENT: Cell<Option<NonNull<Core>>> = Cell::new(None);
}

pub(super) fn is_attached_to_any() -> bool {
    CURRENT.with(|current| current.get().is_some())
}

pub(super) fn is_attached_to(core: &Core) -> bool {
    CURRENT.with(|current| current.get().is_some_and(|here| ptr::eq(here.as_ptr(), core)))
}

/// The thread is attached to nobody, and goes back to where it was when this is dropped.
pub(super) struct Outside {
    from: Option<NonNull<Core>>,
}

impl Outside {
    pub(super) fn step() -> Self {
        let from = CURRENT.with(Cell::take);
        if let Some(core) = from {
            // SAFETY: an `Inside` further up this thread's stack borrows the core.
            let core = unsafe { core.as_ref() };
            // SAFETY: CURRENT said that this thread holds its lock.
            unsafe { core.release() }
        }
        Self { from }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(core) = self.from {
            // SAFETY: an `Inside` further up this thread's stack borrows the core.
            unsafe { core.as_ref() }.acquire(Cause::Return);
            CURRENT.with(|current| current.set(Some(core)));
        }
    }
}

/// The thread is attached to `core` until this is dropped.
pub(super) struct Inside<'a> {
    core: &'a Core,
}

impl<'a> Inside<'a> {
    /// The thread is attached to nobody: an [`Outside`] is in force.
    pub(super) fn step(core: &'a Core, cause: Cause) -> Self {
        core.acquire(cause);
        CURRENT.with(|current| current.set(Some(NonNull::from(core))));
        Self { core }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(None));
        // SAFETY: acquired in `step`; every `Outside` within has come back.
        unsafe { self.core.release() }
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
    /// Unwinds if `work` does, with this interpreter's lock taken again.
    pub fn attach_to<T>(&mut self, other: &Interpreter, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        other.enter(Cause::Attach, work)
    }

    /// Lets a waiting thread in, if there is one, and goes on after it. Cheap when nobody waits: one relaxed load.
    ///
    /// The hand-over is fair: this thread does not get the lock back before the one that waited has had it.
    ///
    /// # Panics
    ///
    /// If the lock was given up and the token should not be there, see [`Attached`].
    pub fn safepoint(&mut self) {
        self.assert_attached();
        // SAFETY: as just asserted, this thread holds the lock.
        unsafe { self.interpreter.core().hand_over() }
    }

    /// The last line of defence: safe code can smuggle a token, through a scoped thread-local, into a drop that runs while
    /// the lock is given up.
    pub(super) fn assert_attached(&self) {
        let core = self.interpreter.core();
        assert!(is_attached_to(core), "the token is used while its thread has left the interpreter");
    }
}

impl fmt::Debug for Attached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attached").field(self.interpreter).finish()
    }
}
