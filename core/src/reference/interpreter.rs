//! The interpreter: a lock, an identity, and a count of who took the lock and why.

use super::attached::{self, Admitted, Attached, Inside, Outside, Waiting, is_attached_to};
use super::object::{Export, Object};
use crate::ledger::{Batches, Errands, Ledger};
use crate::runtime::{Cause, Ended, InterpreterId, Runtime, Waker};
use crate::sync::{RawLock, Shared, Tally, fresh_id};
use crate::trace::{self, Event};
use core::fmt;

/// An interpreter of the reference runtime. Clones are handles on the same one.
///
/// What it owns stays readable when it has ended, and when every handle is gone: buffers, messages and views keep it.
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
    ledger: Ledger<Interpreter>,
}

impl Core {
    /// Takes the lock; after a safepoint behind whoever waits already.
    #[inline]
    pub(super) fn acquire(&self, cause: Cause) {
        match cause {
            Cause::Safepoint => self.lock.lock_in_turn(),
            _ => self.lock.lock(),
        }
        self.acquisitions[cause as usize].increment();
        trace::emit(|| Event::Entered { interpreter: self.id, cause });
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    #[inline]
    pub(super) unsafe fn release(&self) {
        trace::emit(|| Event::Leaving { interpreter: self.id });
        // SAFETY: the caller holds the lock.
        unsafe { self.lock.unlock() }
    }

    /// Whether somebody waits to be let in at a safepoint.
    #[inline]
    pub(super) fn is_wanted(&self) -> bool {
        self.lock.is_contended()
    }
}

impl Interpreter {
    /// A new interpreter.
    #[must_use]
    pub fn new() -> Self {
        Self::with_batches(Batches::default())
    }

    /// A new interpreter that handles what comes back to it in batches of these sizes.
    ///
    /// # Panics
    ///
    /// If nothing would ever be collected, or returned, because that batch is 0.
    #[must_use]
    pub fn with_batches(batches: Batches) -> Self {
        let id = InterpreterId(fresh_id());
        let ledger = Ledger::with_batches(id, batches);
        Self { core: Shared::new(Core { id, lock: RawLock::new(), acquisitions: Default::default(), ledger }) }
    }

    /// Waits for this interpreter's lock and runs `work` inside. The lock is released when `work` returns or unwinds.
    ///
    /// # Panics
    ///
    /// If the thread is attached already: nesting needs the present token, see [`Attached::attach_to`]. (Otherwise the
    /// outer token could be used inside, without the lock that it stands for.) If the interpreter has begun to
    /// [end](Self::end): use [`try_attach`](Self::try_attach) where that can happen. Unwinds if `work` does.
    pub fn attach<T>(&self, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        self.try_attach(work)
            .unwrap_or_else(|Ended| panic!("{} is ending or has ended: `try_attach` says so instead", self.core.id))
    }

    /// Like [`attach`](Self::attach), for an interpreter that may end meanwhile.
    ///
    /// # Errors
    ///
    /// [`Ended`] if its end has begun; `work` has not run.
    ///
    /// # Panics
    ///
    /// If the thread is attached already, as above. Unwinds if `work` does.
    pub fn try_attach<T>(&self, work: impl FnOnce(&mut Attached<'_>) -> T) -> Result<T, Ended> {
        let is_attached = attached::with_current(|here| here.is_some());
        assert!(!is_attached, "the thread is attached to an interpreter already: nest with `Attached::attach_to`");
        self.stay(work)
    }

    /// Begins this interpreter's end, from any thread, attached or not. Waits for its lock, and for nothing else.
    ///
    /// From now on nobody can attach to it. Threads of it that wait in a channel, or come to, give up with an error;
    /// one that is nested in another interpreter is a thread of that one. Threads inside go on until they leave; the
    /// last one out completes the end, at once if there is none.
    ///
    /// Its buffers, messages and views stay as they are: readable, and given back as before. What becomes of messages that
    /// were not received yet is said when they are sent, see [`Undelivered`](crate::channel::Undelivered).
    ///
    /// # Errors
    ///
    /// [`Ended`] if its end had begun before.
    pub fn end(&self) -> Result<(), Ended> {
        self.enter(Cause::Attach, |_| {
            // SAFETY: the thread is attached.
            unsafe { self.core.ledger.life.end() }
        })
    }

    /// Whether its end has begun.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.core.ledger.life.is_ending()
    }

    /// How often this interpreter's lock was acquired, by cause. Takes no lock; counts may be read while others count.
    #[must_use]
    pub fn acquisitions(&self) -> Acquisitions {
        Acquisitions(core::array::from_fn(|cause| self.core.acquisitions[cause].get()))
    }

    /// Leaves the present interpreter, if it is another one, and runs `work` attached to this one.
    #[inline]
    pub(super) fn enter<T>(&self, cause: Cause, work: impl FnOnce(&mut Attached<'_>) -> T) -> T {
        if is_attached_to(self) {
            return work(&mut Attached::new(self));
        }
        // Dropped in reverse order, also by a panic: this one is left before the former one is taken again (G4).
        let _outside = Outside::step();
        let _inside = Inside::step(self, cause);
        work(&mut Attached::new(self))
    }

    /// The same to run code, which an interpreter that is ending refuses to whoever is not in it already.
    #[inline]
    pub(super) fn stay<T>(&self, work: impl FnOnce(&mut Attached<'_>) -> T) -> Result<T, Ended> {
        if is_attached_to(self) {
            let _admitted = Admitted::here(self)?;
            return Ok(work(&mut Attached::new(self)));
        }
        let _outside = Outside::step();
        let _inside = Inside::admitted(self)?;
        Ok(work(&mut Attached::new(self)))
    }

    #[inline]
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
// 1. `RawLock` is a mutex. `Attached` is made behind it only (`enter`, `stay`, `report`; `assume` asks the same of its caller), and
//    is neither `Send` nor `Sync`; `here`, through which every use of a token goes, checks that the thread has not left meanwhile.
// 2. `enter` steps outside before it steps inside, and `outside` before its work; both undo that by guards.
// 3. Counts say how many references and exports exist; `object.rs` frees at zero and thaws at one reference and no export.
// 4. Objects are adopted: each reference travels with a handle on its owner, which keeps the lock and the counts, and a
//    visit succeeds also after the end.
// 5. Handles share a core, whose identity is fresh.
// 6. `arrive`, `report` and `depart` in `attached.rs` are all that takes or gives up the lock, safepoints aside, and whoever
//    has become attached to nobody is in an `Outside`, which runs the errands at both of its ends.
unsafe impl Runtime for Interpreter {
    type Token<'a> = Attached<'a>;
    type Object = Object;
    type Export = Export;

    #[inline]
    fn id(&self) -> InterpreterId {
        self.core.id
    }

    #[inline]
    fn ledger(&self) -> &Ledger<Self> {
        &self.core.ledger
    }

    #[inline]
    fn with_current<T>(work: impl FnOnce(Option<&Self>) -> T) -> T {
        attached::with_current(work)
    }

    #[inline]
    fn with_errands<T>(work: impl FnOnce(&Errands<Self>) -> T) -> T {
        attached::with_errands(work)
    }

    #[inline]
    fn here<'a>(token: &'a Attached<'_>) -> &'a Self {
        token.assert_attached();
        token.interpreter()
    }

    #[inline]
    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Attached<'_>) -> T) -> Result<T, Ended> {
        Ok(self.enter(cause, |token| work(token)))
    }

    #[inline]
    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T {
        let _outside = Outside::step();
        work()
    }

    unsafe fn wait<T>(waker: &Waker, work: impl FnOnce(Option<&Self>) -> T) -> T {
        attached::with_current(|here| {
            // Dropped in reverse order: the wait is over when the thread is back.
            let _waiting = here.map(|here| Waiting::begin(here, waker));
            let outside = Outside::step();
            work(outside.from())
        })
    }

    #[inline]
    unsafe fn incref(_token: &Attached<'_>, object: &Object) -> Object {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.incref() }
    }

    #[inline]
    unsafe fn decref(_token: &Attached<'_>, object: Object) {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.decref() }
    }

    #[inline]
    unsafe fn export(_token: &Attached<'_>, object: Object) -> Export {
        // SAFETY: the caller passes a live reference under the owner's token.
        unsafe { object.export() }
    }

    #[inline]
    unsafe fn reexport(_token: &Attached<'_>, export: &Export) -> Export {
        // SAFETY: the caller passes a live export under the owner's token.
        unsafe { export.again() }
    }

    #[inline]
    fn address(object: &Object) -> usize {
        object.id().0
    }

    #[inline]
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
