//! The interpreter: a lock, an identity, and a count of who took the lock and why.

use super::attached::{Attached, Inside, Outside, is_attached_to, is_attached_to_any};
use super::object::{Export, Object};
use crate::runtime::{Cause, Ended, InterpreterId, Runtime};
use crate::sync::{RawLock, Shared, Tally, fresh_id};
use crate::trace::{self, Event};
use core::fmt;

/// An interpreter of the reference runtime. Clones are handles on the same one.
///
/// What it owns stays readable when every handle is gone: buffers, messages and views keep it.
#[derive(Clone)]
pub struct Interpreter {
    core: Shared<Core>,
}

/// What the handles share.
pub(super) struct Core {
    id: InterpreterId,
    /// Held while a thread is attached. Guards the counts of all objects that this interpreter owns.
    lock: RawLock,
    /// Indexed by cause; written by the holder of `lock`.
    acquisitions: [Tally; Cause::ALL.len()],
}

impl Core {
    pub(super) fn acquire(&self, cause: Cause) {
        self.lock.lock();
        self.acquired(cause);
    }

    fn acquired(&self, cause: Cause) {
        self.acquisitions[cause as usize].increment();
        trace::emit(|| Event::Entered { interpreter: self.id, cause });
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    pub(super) unsafe fn release(&self) {
        trace::emit(|| Event::Leaving { interpreter: self.id });
        // SAFETY: the caller holds the lock.
        unsafe { self.lock.unlock() }
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    pub(super) unsafe fn hand_over(&self) {
        if !self.lock.is_contended() {
            trace::emit(|| Event::Stayed { interpreter: self.id });
            return;
        }
        // SAFETY: the caller holds the lock.
        unsafe { self.release() }
        self.lock.lock_in_turn();
        self.acquired(Cause::Safepoint);
    }
}

impl Interpreter {
    /// A new interpreter.
    #[must_use]
    pub fn new() -> Self {
        let core = Core { id: InterpreterId(fresh_id()), lock: RawLock::new(), acquisitions: Default::default() };
        Self { core: Shared::new(core) }
    }

    /// Waits for this interpreter's lock and runs `work` inside. The lock is released when `work` returns or unwinds.
    ///
    /// # Panics
    ///
    /// If the thread is attached already: nesting needs the present token, see [`Attached::attach_to`]. (Otherwise the
    /// outer token could be used inside, without the lock that it stands for.) Unwinds if `work` does.
    pub fn attach<T>(&self, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        assert!(
            !is_attached_to_any(),
            "the thread is attached to an interpreter already: nest with `Attached::attach_to`"
        );
        self.enter(Cause::Attach, work)
    }

    /// How often this interpreter's lock was acquired, by cause. Takes no lock; counts may be read while others count.
    #[must_use]
    pub fn acquisitions(&self) -> Acquisitions {
        Acquisitions(core::array::from_fn(|cause| self.core.acquisitions[cause].get()))
    }

    /// Leaves the present interpreter, if it is another one, and runs `work` attached to this one.
    pub(super) fn enter<T>(&self, cause: Cause, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        if is_attached_to(&self.core) {
            return work(&mut Attached::new(self));
        }
        // Dropped in reverse order, also by a panic: this one is left before the former one is taken again (G4).
        let _outside = Outside::step();
        let _inside = Inside::step(&self.core, cause);
        work(&mut Attached::new(self))
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Interpreter {
    fn eq(&self, other: &Self) -> bool {
        self.core.id == other.core.id
    }
}

impl Eq for Interpreter {}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter").field("id", &self.core.id.0).field("acquisitions", &self.acquisitions()).finish()
    }
}

// SAFETY: by the numbers of `Runtime`:
// 1. `RawLock` is a mutex. `Attached` is made in `enter` only, behind it, and is neither `Send` nor `Sync`; `here`, through
//    which every use of a token goes, checks that the thread has not left meanwhile.
// 2. `enter` steps outside before it steps inside, and `outside` before its work; both undo that by guards.
// 3. Counts say how many references and exports exist; `object.rs` frees at zero and thaws at one reference and no export.
// 4. An interpreter of this runtime does not end while a handle on it exists, and each reference travels with one.
// 5. Handles share a core, whose identity is fresh.
unsafe impl Runtime for Interpreter {
    type Token<'a> = Attached<'a>;
    type Object = Object;
    type Export = Export;

    fn id(&self) -> InterpreterId {
        self.core.id
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn here<'a>(token: &'a Attached<'_>) -> &'a Self {
        token.assert_attached();
        token.interpreter()
    }

    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Attached<'_>) -> T) -> Result<T, Ended> {
        Ok(self.enter(cause, |token| work(token)))
    }

    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T {
        let _outside = Outside::step();
        work()
    }

    unsafe fn incref(_token: &Attached<'_>, object: &Object) -> Object {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.incref() }
    }

    unsafe fn decref(_token: &Attached<'_>, object: Object) {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.decref() }
    }

    unsafe fn export(_token: &Attached<'_>, object: Object) -> Export {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.export() }
    }

    unsafe fn unexport(_token: &Attached<'_>, export: Export) -> Object {
        // SAFETY: the caller passes a live export, no longer read, under the owner's token.
        unsafe { export.unexport() }
    }
}

/// How often an interpreter's lock was acquired, by [`Cause`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Acquisitions([u64; Cause::ALL.len()]);

impl Acquisitions {
    /// The number of acquisitions with this cause.
    #[must_use]
    pub fn by(&self, cause: Cause) -> u64 {
        self.0[cause as usize]
    }

    /// The number of all acquisitions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl fmt::Debug for Acquisitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Cause::ALL.map(|cause| (cause, self.by(cause)))).finish()
    }
}

impl fmt::Display for Acquisitions {
    /// One cause after the other, zeros left out: `attach 1, view creation 4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for cause in Cause::ALL.into_iter().filter(|&cause| self.by(cause) > 0) {
            write!(f, "{separator}{cause} {}", self.by(cause))?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}
