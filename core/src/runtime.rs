//! What a language runtime supplies, so that the protocol can run on it.

use crate::ledger::{Errands, Ledger};
use core::fmt;

pub use crate::ledger::life::{Wake, Waker};

/// Identity of an interpreter: unique in the process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterpreterId(pub u64);

impl fmt::Display for InterpreterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interpreter {}", self.0)
    }
}

/// Why an interpreter's lock was acquired.
///
/// G1: what a channel or a view does acquires the lock of another interpreter than the thread's own with cause
/// [`ViewCreation`](Self::ViewCreation) or [`ViewRelease`](Self::ViewRelease) only, and only where the
/// [strategy](crate::strategy) says so. An errand has the cause [`Collection`](Self::Collection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// A thread came to run code of this interpreter, to end it, or to drop a handle on one of its buffers.
    Attach,
    /// A thread of this interpreter came back: from waiting, from a visit elsewhere, from `detach`.
    Return,
    /// A thread gave the lock up at a safepoint, to let another one in or to run an errand, and has its turn again.
    Safepoint,
    /// A message was received, or a view cloned under [`Shared`](crate::strategy::Shared): the export was taken.
    ViewCreation,
    /// The last clone of a view was dropped, or a message was discarded unread: its reference was given back.
    ViewRelease,
    /// Nobody was attached, and buffers lay on the return list: a thread that was attached to nobody came to collect them.
    Collection,
}

impl Cause {
    /// All causes, in the order in which they are declared.
    pub const ALL: [Self; 6] =
        [Self::Attach, Self::Return, Self::Safepoint, Self::ViewCreation, Self::ViewRelease, Self::Collection];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attach => "attach",
            Self::Return => "return",
            Self::Safepoint => "safepoint",
            Self::ViewCreation => "view creation",
            Self::ViewRelease => "view release",
            Self::Collection => "collection",
        })
    }
}

/// The interpreter has ended and cannot be entered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the interpreter is ending or has ended")
    }
}

impl core::error::Error for Ended {}

/// One interpreter of a language runtime: a handle that any thread may hold, also after the interpreter's end.
///
/// The protocol asks for these things: a lock to [visit](Self::visit), a way to [step outside](Self::outside) of
/// whatever the thread is in, reference counts that are touched under the lock only, bytes that stay put, and a
/// [ledger](Self::ledger) for each interpreter, which it tells who comes and goes.
/// In CPython the handle is a gate that counts who is inside, [`Object`](Self::Object) is a `PyObject *`, and
/// [`Export`](Self::Export) a `Py_buffer`.
///
/// # Safety
///
/// Memory safety of every view hangs on an implementation. It must uphold, and SPEC.md says how to show it:
///
/// 1. *Mutual exclusion.* At most one thread at a time is attached to an interpreter, and leaving it happens-before the
///    next entry. A [`Token`](Self::Token) can be used only by a thread that is attached to the interpreter it names, and
///    [`with_current`](Self::with_current) names an interpreter only while the thread is attached to it.
/// 2. *One lock (G4).* `visit` gives up the calling thread's present interpreter before it waits for this one, and
///    `outside` and `wait` before they call the closure; all take it again before they return or unwind.
/// 3. *Pinning.* From `incref` to the matching `decref` the object exists. From `export` or `reexport` to the matching
///    `unexport` its bytes keep their address, length and content, whichever threads run and whatever they call.
/// 4. *Survival.* If the interpreter ends while references or exports exist, what they refer to stays readable.
///    `visit` says [`Ended`] from then on, unless the runtime has adopted the objects and can still give them back; not
///    before the last thread has left for good, since an errand then takes the return list for its own. The ledger is
///    there as long as any handle.
/// 5. *Clones* of a handle are the same interpreter, and `id` tells interpreters apart.
/// 6. *The ledger* is told of each acquisition of the lock ([`Ledger::arrive`], right after it) and of each release
///    ([`Ledger::depart`], right before it), and [`run_errands`](crate::ledger::run_errands) is called whenever a thread
///    has become attached to nobody. A thread that is sent away because the interpreter is ending is announced neither
///    way; one that lets others in at a safepoint does not depart, and arrives again: [`Ledger::safepoint`] comes before that.
///
///    A runtime whose lock is also taken and given up behind its back (by CPython's evaluation loop) announces the
///    acquisitions that it makes itself, for the protocol. Between them nobody attends, whoever runs, so each push on an
///    empty return list is somebody's errand, which that thread must run, or hand over: after each operation of the
///    protocol it [takes](Errands::take) its errands and gives them to a thread that [runs](crate::ledger::Errand::run) them.
pub unsafe trait Runtime: Clone + Send + Sync + Sized + 'static {
    /// Proof that the calling thread is attached.
    type Token<'a>;
    /// One reference to an immutable bytes-like object. Plain data: dropping it does not give the reference back.
    type Object: Send + Sync;
    /// One reference with the object's bytes exported. Plain data as well.
    type Export: AsRef<[u8]> + Send + Sync;

    /// Which interpreter this is.
    fn id(&self) -> InterpreterId;

    /// What the protocol keeps for this interpreter: one ledger, whichever handle is asked.
    fn ledger(&self) -> &Ledger<Self>;

    /// Runs `work` with the interpreter that the calling thread is attached to at this moment, if there is one.
    fn with_current<T>(work: impl FnOnce(Option<&Self>) -> T) -> T;

    /// Runs `work` with the calling thread's errands: the same ones in each call, none in a new thread. They are there as
    /// long as the thread is, in destructors of other thread-locals too.
    fn with_errands<T>(work: impl FnOnce(&Errands<Self>) -> T) -> T;

    /// The interpreter to which the token's thread is attached.
    ///
    /// # Panics
    ///
    /// May panic if the thread has left that interpreter for the moment, so that the token proves nothing.
    fn here<'a>(token: &'a Self::Token<'_>) -> &'a Self;

    /// Runs `work` attached to this interpreter, from any thread.
    ///
    /// A thread that is attached to it already just runs `work`. Any other leaves its present interpreter first, if it
    /// has one, waits for this one's lock, and goes back afterwards. The acquisition is counted under `cause`.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the interpreter is gone; `work` was dropped without running. What it would have given back is then
    /// the runtime's to reclaim or to keep (requirement 4).
    ///
    /// # Panics
    ///
    /// Unwinds if `work` does, after restoring the thread's attachment.
    ///
    /// # Safety
    ///
    /// `work` uses no token but its own: the lock that any other token stands for may be given up meanwhile.
    unsafe fn visit<T>(&self, cause: Cause, work: impl FnOnce(&Self::Token<'_>) -> T) -> Result<T, Ended>;

    /// Runs `work` attached to nobody, then goes back to the present interpreter, if there is one.
    ///
    /// # Safety
    ///
    /// `work` uses no token: the lock that a token stands for is given up meanwhile.
    unsafe fn outside<T>(work: impl FnOnce() -> T) -> T;

    /// Runs `work`, which waits at `waker`, attached to nobody, with the interpreter that the thread comes from, if there is
    /// one; then goes back to it. Until then the waker is woken when that interpreter begins to end: see
    /// [`Life::add_waker`](crate::ledger::life::Life::add_waker).
    ///
    /// # Safety
    ///
    /// `work` uses no token: the lock that a token stands for is given up meanwhile.
    unsafe fn wait<T>(waker: &Waker, work: impl FnOnce(Option<&Self>) -> T) -> T;

    /// Adds a reference.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn incref(token: &Self::Token<'_>, object: &Self::Object) -> Self::Object;

    /// Gives a reference back. The last one frees the object, here, on its owner's side.
    ///
    /// It must not unwind: the caller may be about anything, and what it was about would be lost.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn decref(token: &Self::Token<'_>, object: Self::Object);

    /// Exports the bytes: from now on they must not change. The reference moves into the export.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `object` is a reference not yet given back.
    unsafe fn export(token: &Self::Token<'_>, object: Self::Object) -> Self::Export;

    /// Another reference to the same object, exported like the first.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and `export` has not been given back.
    unsafe fn reexport(token: &Self::Token<'_>, export: &Self::Export) -> Self::Export;

    /// Where the object is: different for any two objects that exist at the same time.
    fn address(object: &Self::Object) -> usize;

    /// Ends an export. The reference moves out again. As [`decref`](Self::decref), it must not unwind.
    ///
    /// # Safety
    ///
    /// The token's interpreter owns the object, and nothing reads through the export any more: every earlier read
    /// happens-before this call.
    unsafe fn unexport(token: &Self::Token<'_>, export: Self::Export) -> Self::Object;
}
