//! What the protocol keeps for each interpreter, whatever the runtime.
//!
//! | part | what | guarded by |
//! | --- | --- | --- |
//! | [`life`] | whether it runs, is ending or has ended, who is inside, who waits | its lock, and a flag for others |
//! | `returns` | buffers that came back without entering it, to be collected | one atomic word |
//! | `outbox` | buffers of others that its threads give back, to be returned together | its lock |
//! | `errands` | a thread's promises to collect | the thread, and the word of each list |
//! | `spares` | memory of blocks, to be used again | its lock |
//! | `proxies` | its own counts of buffers of others | a mutex of its own |

pub(crate) mod chain;
mod errands;
pub mod life;
mod outbox;
pub(crate) mod proxies;
pub(crate) mod returns;
mod spares;

use crate::runtime::{Cause, InterpreterId, Runtime};
use core::fmt;
pub(crate) use errands::run_errands_at_once;
pub use errands::{Errand, Errands, run_errands};
use life::Life;
use outbox::Outbox;
use proxies::Proxies;
use returns::Returns;
use spares::Spares;

/// The protocol's part of an interpreter. A runtime keeps one for each, and tells it who comes and who goes.
pub struct Ledger<R: Runtime> {
    /// Whether it runs, and who is inside.
    pub life: Life,
    pub(crate) returns: Returns<R>,
    outbox: Outbox<R>,
    pub(crate) spares: Spares<R>,
    pub(crate) proxies: Proxies<R>,
}

/// How much of what is returned an interpreter handles together, and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Of its own, so many at most are collected at a time: when a thread attaches or comes back, at a safepoint, at a send.
    /// That bounds the pause.
    pub collected: usize,
    /// Of others', so many that its threads release one after the other go on the owner's return list at once, which costs
    /// one read-modify-write instead of as many. Those of the batch that is not full yet wait until the thread leaves the
    /// interpreter, for whatever reason, or passes a safepoint: their owner cannot thaw or free them before. With 1 none waits.
    ///
    /// Above 1 only for a runtime that announces each release of the lock to its [`Ledger`], and calls
    /// [`Ledger::safepoint`] before it lets others in without departing: one whose lock is also given up behind its back would
    /// leave the rest of a batch behind.
    pub released: usize,
    /// So many blocks are kept when they have done their duty, of some tens of bytes each, for further messages of its buffers
    /// and views of them: under `view`, `handover` and `deferred` these then allocate nothing. The others are freed.
    pub kept: usize,
}

impl Default for Batches {
    /// Collects up to 32, lets no release wait, keeps up to 1,024.
    fn default() -> Self {
        Self { collected: 32, released: 1, kept: 1024 }
    }
}

impl<R: Runtime> Ledger<R> {
    /// The ledger of a new interpreter, with the default [`Batches`].
    #[must_use]
    pub fn new(id: InterpreterId) -> Self {
        Self::with_batches(id, Batches::default())
    }

    /// A ledger with batches of its own.
    ///
    /// # Panics
    ///
    /// If nothing would ever be collected, or returned, because that batch is 0.
    #[must_use]
    pub fn with_batches(id: InterpreterId, batches: Batches) -> Self {
        let Batches { collected, released, kept } = batches;
        assert!(collected > 0 && released > 0, "a batch is at least 1");
        Self {
            life: Life::new(id),
            returns: Returns::new(id, collected),
            outbox: Outbox::new(released),
            spares: Spares::new(kept),
            proxies: Proxies::new(),
        }
    }

    /// The calling thread has just acquired the interpreter's lock with `cause`. If it came to stay, it sees to the return
    /// list from now on, if there can be anything on it, and collects a batch; at a safepoint it has done so just before.
    ///
    /// # Safety
    ///
    /// As said; and the token is of this stay. [`depart`](Self::depart) is called with the same cause before the thread
    /// gives the lock up, except to let others in at a safepoint: from there it arrives again, with cause safepoint.
    #[inline]
    pub unsafe fn arrive(&self, cause: Cause, token: &R::Token<'_>) {
        // SAFETY: the thread is attached, as the caller says.
        if comes_to_stay(cause) && unsafe { self.returns.come() } {
            // SAFETY: as above.
            unsafe { self.attend(cause, token) }
        }
    }

    /// # Safety
    ///
    /// As `arrive`; and something was lent.
    #[inline(never)]
    unsafe fn attend(&self, cause: Cause, token: &R::Token<'_>) {
        let word = self.returns.attend();
        if cause != Cause::Safepoint {
            // SAFETY: the thread is attached, as the caller says, and has just read the word.
            unsafe { self.returns.collect_from(word, &self.spares, token) }
        }
    }

    /// The calling thread is about to give the lock up that it acquired with `cause`. What is in the
    /// [outbox](Batches::released) goes on its owner's return list. What a thread that came to stay leaves on the return list
    /// here becomes its errand, unless another thread has that already: so [`run_errands`] follows, as soon as the lock is
    /// given up, or the errand is [handed over](Errand).
    ///
    /// # Safety
    ///
    /// As said; and `owner` is a handle on the interpreter of this ledger.
    #[inline]
    pub unsafe fn depart(&self, cause: Cause, owner: &R) {
        // SAFETY: the thread is attached, as the caller says.
        unsafe { self.outbox.empty() }
        if comes_to_stay(cause) {
            // SAFETY: as above; the list is the owner's.
            unsafe { self.returns.leave(owner) }
        }
    }

    /// What a thread does at a safepoint, before it may let others in: a batch is [collected](Self::collect), and what the thread
    /// has [released](Batches::released), of others' buffers, goes on their lists.
    ///
    /// # Panics
    ///
    /// As [`collect`](Self::collect).
    pub fn safepoint(token: &R::Token<'_>) {
        Self::collect(token);
        // SAFETY: the token proves that the thread is attached. Last: what is freed may have released something.
        unsafe { R::here(token).ledger().outbox.empty() }
    }

    /// The thread is about to lend a buffer that comes home by the return list of the interpreter that it is attached to. A batch is
    /// collected before.
    pub(crate) fn lend(token: &R::Token<'_>) {
        let ledger = R::here(token).ledger();
        // SAFETY: the token proves that the thread is attached to the owner.
        unsafe { ledger.returns.lend(&ledger.spares, token) }
    }

    /// Collects a batch of what has come back to the interpreter that the thread is attached to. A send of a buffer under
    /// [`Deferred`](crate::strategy::Deferred) and a publish do so, too, once something can have come back.
    ///
    /// # Panics
    ///
    /// If [`Runtime::here`] does.
    pub fn collect(token: &R::Token<'_>) {
        let ledger = R::here(token).ledger();
        // SAFETY: the token proves that the thread is attached to the owner.
        unsafe { ledger.returns.collect(&ledger.spares, token) }
    }
}

/// Whether a thread that acquired the lock with this cause stays for longer than one step of the protocol.
fn comes_to_stay(cause: Cause) -> bool {
    match cause {
        Cause::Attach | Cause::Return | Cause::Safepoint | Cause::Collection => true,
        Cause::ViewCreation | Cause::ViewRelease => false,
    }
}

impl<R: Runtime> fmt::Debug for Ledger<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
