//! What the protocol keeps for each interpreter, whatever the runtime.
//!
//! | part | what | guarded by |
//! | --- | --- | --- |
//! | [`life`] | whether it runs, is ending or has ended, who is inside, who waits | its lock, and a flag for others |
//! | `returns` | buffers that came back without entering it, to be collected | one atomic word |
//! | `errands` | a thread's promises to collect | the thread, and the word of each list |
//! | `proxies` | its own counts of buffers of others | a mutex of its own |

mod errands;
pub mod life;
pub(crate) mod proxies;
pub(crate) mod returns;

use crate::runtime::{Cause, InterpreterId, Runtime};
use core::fmt;
pub(crate) use errands::run_errands_at_once;
pub use errands::{Errand, Errands, run_errands};
use life::Life;
use proxies::Proxies;
use returns::Returns;

/// The protocol's part of an interpreter. A runtime keeps one for each, and tells it who comes and who goes.
pub struct Ledger<R: Runtime> {
    /// Whether it runs, and who is inside.
    pub life: Life,
    pub(crate) returns: Returns<R>,
    pub(crate) proxies: Proxies<R>,
}

impl<R: Runtime> Ledger<R> {
    /// How many returned buffers are collected at a time, unless [`with_batch`](Self::with_batch) says otherwise: the bound
    /// on the pause.
    pub const BATCH: usize = 32;

    /// The ledger of a new interpreter.
    #[must_use]
    pub fn new(id: InterpreterId) -> Self {
        Self::with_batch(id, Self::BATCH)
    }

    /// A ledger that collects at most `batch` returned buffers at a time.
    ///
    /// # Panics
    ///
    /// If `batch` is 0: nothing would ever be collected.
    #[must_use]
    pub fn with_batch(id: InterpreterId, batch: usize) -> Self {
        assert!(batch > 0, "a batch is at least 1");
        Self { life: Life::new(id), returns: Returns::new(id, batch), proxies: Proxies::new() }
    }

    /// The calling thread has just acquired the interpreter's lock with `cause`. If it came to stay, it sees to the return
    /// list from now on, and collects a batch; at a safepoint it has done so just before.
    ///
    /// # Safety
    ///
    /// As said; and the token is of this stay. [`depart`](Self::depart) is called with the same cause before the thread
    /// gives the lock up, except to let others in at a safepoint: from there it arrives again, with cause safepoint.
    pub unsafe fn arrive(&self, cause: Cause, token: &R::Token<'_>) {
        if comes_to_stay(cause) {
            let word = self.returns.attend();
            if cause != Cause::Safepoint {
                // SAFETY: the thread is attached, as the caller says, and has just read the word.
                unsafe { self.returns.collect_from(word, token) }
            }
        }
    }

    /// The calling thread is about to give the lock up that it acquired with `cause`. What a thread that came to stay
    /// leaves on the return list becomes its errand, unless another thread has that already: so [`run_errands`]
    /// follows, as soon as the lock is given up, or the errand is [handed over](Errand).
    ///
    /// # Safety
    ///
    /// As said; and `owner` is a handle on the interpreter of this ledger.
    pub unsafe fn depart(&self, cause: Cause, owner: &R) {
        if comes_to_stay(cause) {
            self.returns.unattend(owner);
        }
    }

    /// Collects a batch of what has come back to the interpreter that the thread is attached to. For safepoints; a send
    /// of a buffer under [`Deferred`](crate::strategy::Deferred) and a publish do so, too.
    ///
    /// # Panics
    ///
    /// If [`Runtime::here`] does. Unwinds if freeing an object does.
    pub fn collect(token: &R::Token<'_>) {
        // SAFETY: the token proves that the thread is attached to the owner.
        unsafe { R::here(token).ledger().returns.collect(token) }
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
