//! The return list: how a buffer comes home without anybody's lock, and why it never stays on the doorstep.
//!
//! Whoever gives a buffer back pushes it; the node was allocated when the buffer was pinned, so a push allocates nothing
//! and cannot fail (G8). Only a thread that is attached to the owner takes nodes off. One atomic word holds everything:
//!
//! ```text
//!   word = address of the last node pushed | ATTENDED | ERRAND
//!
//!   ATTENDED   a thread that came to stay is attached, or lets others in at a safepoint and will be back: it looks
//!              when it comes, at safepoints, when it sends
//!   ERRAND     a thread has taken it upon itself to see to the list
//!
//!   always:    a list that is not empty is ATTENDED, or somebody's ERRAND
//!
//!              push                               attend, collect, unattend
//!   empty ─────────────▶ not empty, ATTENDED ────────────────────────────────▶ empty
//!     │                        │ unattend: what is left becomes the leaver's errand
//!     │ push, nobody there:    ▼
//!     └─ the pusher's ──▶ not empty, ERRAND ──▶ its thread, as soon as it is attached to nobody:
//!        errand                                 ATTENDED now, or empty: give the errand up
//!                                               else: enter, collect, leave, look again
//! ```
//!
//! So an idle owner is not a leak: the thread that put the first buffer on its list comes to collect, when it next leaves its
//! own interpreter, to wait, to detach, at a safepoint or for good, or at once if it is attached to nobody (G1, G4: it
//! never holds two locks, and enters with a cause of its own). A busy owner is not waited for: whoever is attached
//! collects.
//!
//! An interpreter that has never lent anything has nothing to expect, so nobody looks at its word or attends: to come and to
//! go costs it nothing. With the first buffer that is lent, whoever stays begins to attend.

use super::chain::{Chain, Due, below, place};
use super::errands::Busy;
use super::run_errands_at_once;
use super::spares::Spares;
use crate::counted::Sole;
use crate::runtime::{InterpreterId, Runtime};
use crate::sync::site::{ATTEND, ERRAND_SEEN, RETURN_LOOK, RETURN_POP, RETURN_PUSH, UNATTEND};
use crate::sync::{AtomicUsize, CachePadded, UnsafeCell};
use crate::trace::{self, Event};
use core::mem::replace;

const ATTENDED: usize = 1;
const ERRAND: usize = 2;
const TAGS: usize = ATTENDED | ERRAND;

/// The return list of an interpreter.
pub(crate) struct Returns<R: Runtime> {
    id: InterpreterId,
    batch: usize,
    presence: UnsafeCell<Presence>,
    /// On a line of its own: what stands beside it is the owner's, and this is written by all who return something.
    word: CachePadded<AtomicUsize>,
    /// The errand that the same thread took before this one. Belongs to the thread that has the errand.
    pub(super) earlier: UnsafeCell<Option<R>>,
}

/// What the interpreter's lock guards.
struct Presence {
    /// A thread that came to stay is attached, or lets others in at a safepoint and will be back.
    stays: bool,
    /// A buffer was lent that comes home by the list. Before the first one nothing can come, and nobody looks or attends.
    lends: bool,
}

// SAFETY: `presence` is accessed under the interpreter's lock only, `earlier` by the thread that has the ERRAND, of which there is
// one at a time.
unsafe impl<R: Runtime> Sync for Returns<R> {}
// SAFETY: plain data otherwise.
unsafe impl<R: Runtime> Send for Returns<R> {}

impl<R: Runtime> Returns<R> {
    pub(super) fn new(id: InterpreterId, batch: usize) -> Self {
        let presence = UnsafeCell::new(Presence { stays: false, lends: false });
        Self { id, batch, presence, word: AtomicUsize::new(0).into(), earlier: UnsafeCell::new(None) }
    }

    /// The calling thread has come to stay, and calls [`leave`](Self::leave) before it leaves. Whether anything was lent: then it
    /// [attends](Self::attend).
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner.
    #[inline]
    pub(super) unsafe fn come(&self) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.stay(true) }
    }

    /// A thread that came to stay is about to leave, and attends no longer.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to `owner`, which has this list.
    #[inline]
    pub(super) unsafe fn leave(&self, owner: &R) {
        // SAFETY: as the caller says.
        if unsafe { self.stay(false) } {
            self.unattend(owner);
        }
    }

    /// A thread stays from now on, or no longer. Whether anything was lent.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner.
    #[inline]
    unsafe fn stay(&self, stays: bool) -> bool {
        let stay = |presence: &mut Presence| {
            presence.stays = stays;
            presence.lends
        };
        // SAFETY: as the caller says.
        unsafe { self.with(stay) }
    }

    /// The calling thread is about to lend a buffer that comes home by this list. With the first one whoever stays begins to
    /// attend; before each further one a batch is collected.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner.
    pub(super) unsafe fn lend(&self, spares: &Spares<R>, token: &R::Token<'_>) {
        let lend = |presence: &mut Presence| (replace(&mut presence.lends, true), presence.stays);
        // SAFETY: as the caller says.
        match unsafe { self.with(lend) } {
            // SAFETY: as the caller says.
            (true, _) => unsafe { self.look_and_collect(spares, token) },
            (false, true) => _ = self.attend(),
            (false, false) => {}
        }
    }

    /// # Safety
    ///
    /// The calling thread is attached to the owner, and `work` does not come back here.
    #[inline]
    unsafe fn with<T>(&self, work: impl FnOnce(&mut Presence) -> T) -> T {
        self.presence.with_mut(|presence| {
            // SAFETY: the lock makes the access exclusive, and it is not nested.
            work(unsafe { &mut *presence })
        })
    }

    /// Somebody stays from now on, or has stayed since before the first buffer was lent. Returns the word as it is now.
    pub(super) fn attend(&self) -> usize {
        // ORDERING: ATTEND (Acquire), pairs with RETURN_PUSH: what is on the list is readable.
        let word = self.word.fetch_or(ATTENDED, ATTEND) | ATTENDED;
        trace::emit(|| Event::Attending { interpreter: self.id, pending: word & !TAGS != 0 });
        word
    }

    /// What the attending thread leaves behind becomes its errand, if it is nobody's.
    #[inline(never)]
    fn unattend(&self, owner: &R) {
        // A guess: nothing has come, and nobody has an errand. The exchange decides, and says what is there if not.
        let mut word = ATTENDED;
        let errand = loop {
            let errand = word & !TAGS != 0 && word & ERRAND == 0;
            let left = word & !ATTENDED | if errand { ERRAND } else { 0 };
            // ORDERING: UNATTEND (Relaxed): the errand is taken only after an exchange that failed, with RETURN_LOOK (Acquire),
            // and saw it given up (ERRAND_SEEN): `earlier` is ours. Nobody takes it since: ATTENDED is set.
            match self.word.replace(word, left, UNATTEND, RETURN_LOOK) {
                Ok(_) => break errand,
                Err(now) => word = now,
            }
        };
        trace::emit(|| Event::Unattended { interpreter: self.id, errand });
        if errand {
            // SAFETY: this thread has just taken the errand.
            unsafe { R::with_errands(|errands| errands.note(owner.clone())) }
        }
    }

    /// Collects up to a batch.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner.
    pub(super) unsafe fn collect(&self, spares: &Spares<R>, token: &R::Token<'_>) {
        // SAFETY: as the caller says.
        if unsafe { self.with(|presence| presence.lends) } {
            // SAFETY: as the caller says.
            unsafe { self.look_and_collect(spares, token) }
        }
    }

    /// # Safety
    ///
    /// As `collect`.
    unsafe fn look_and_collect(&self, spares: &Spares<R>, token: &R::Token<'_>) {
        let word = self.look();
        if word & !TAGS == 0 {
            trace::emit(|| Event::Looked { interpreter: self.id });
            return;
        }
        // SAFETY: the thread is attached to the owner, and has just read the word.
        unsafe { self.collect_batch(word, spares, token) }
    }

    /// The word as it is, or was a moment ago: an exchange decides, or it was worth no more than a look.
    fn look(&self) -> usize {
        // ORDERING: RETURN_LOOK (Acquire), pairs with RETURN_PUSH: what is on the list is readable, and so is all below it,
        // since each push is a read-modify-write of the same word.
        self.word.peek(RETURN_LOOK)
    }

    /// Collects up to a batch, if the word says that there is something.
    ///
    /// # Safety
    ///
    /// As `collect`; and `word` was read by this thread with `ATTEND` or `RETURN_LOOK`.
    #[inline]
    pub(super) unsafe fn collect_from(&self, word: usize, spares: &Spares<R>, token: &R::Token<'_>) {
        if word & !TAGS != 0 {
            // SAFETY: as the caller says.
            unsafe { self.collect_batch(word, spares, token) }
        }
    }

    /// Collects from a list that is not empty.
    ///
    /// # Safety
    ///
    /// As `collect_from`.
    unsafe fn collect_batch(&self, mut word: usize, spares: &Spares<R>, token: &R::Token<'_>) {
        // What is freed may run any code, and come back here on its way: only the first one on a stack collects.
        let Some(_busy) = Busy::<R>::collecting() else { return };
        for left in (0..self.batch).rev() {
            // SAFETY: as the caller says.
            let Some(node) = (unsafe { self.take(word) }) else {
                trace::emit(|| Event::Looked { interpreter: self.id });
                return;
            };
            let (Due { export, .. }, vacant) = node.vacate();
            // SAFETY: 1. the token is the owner's; 2. every read through the view happens-before the push that was found.
            let object = unsafe { R::unexport(token, export) };
            // SAFETY: 1. as above; 2. the reference came out of the export just now.
            unsafe { R::decref(token, object) }
            // SAFETY: the thread is attached to the owner, whose ledger has both.
            unsafe { spares.keep(vacant) }
            if left > 0 {
                word = self.look();
            }
        }
    }

    /// Takes the last node off.
    ///
    /// # Safety
    ///
    /// The calling thread is attached to the owner, or the owner has ended and the thread has the errand: nobody else takes.
    /// `word` was read by this thread with `ATTEND` or `RETURN_LOOK`.
    unsafe fn take(&self, mut word: usize) -> Option<Sole<Due<R>>> {
        loop {
            let node = place(word & !TAGS)?;
            // SAFETY: the node is on the list, and only this thread takes nodes off.
            let below = unsafe { below(node) };
            // ORDERING: RETURN_POP (Relaxed): the node is readable already. It cannot have been taken off and put back
            // meanwhile: only this thread takes.
            match self.word.replace(word, below | word & TAGS, RETURN_POP, RETURN_LOOK) {
                Ok(_) => {
                    trace::emit(|| Event::Collected { interpreter: self.id });
                    // SAFETY: it came from `into_raw` and is on no list now.
                    return Some(unsafe { Sole::from_raw(node) });
                }
                Err(now) => word = now,
            }
        }
    }

    /// Looks whether this thread's errand is still needed, and gives it up if not.
    pub(super) fn is_errand_needed(&self) -> bool {
        let mut word = self.look();
        loop {
            let kept = word & ATTENDED == 0 && word & !TAGS != 0;
            let new = if kept { word } else { word & !ERRAND };
            // ORDERING: ERRAND_SEEN (Release), pairs with RETURN_PUSH, and with RETURN_LOOK before UNATTEND: whoever takes the
            // errand next finds `earlier` as this thread left it. An exchange also if nothing changes: it sees the present value.
            match self.word.replace(word, new, ERRAND_SEEN, RETURN_LOOK) {
                Ok(_) => {
                    trace::emit(|| Event::ErrandSeen { interpreter: self.id, kept });
                    return kept;
                }
                Err(now) => word = now,
            }
        }
    }

    /// The owner has ended and took its references along: forgets what is on the list.
    ///
    /// # Safety
    ///
    /// The owner has ended, and the calling thread has the errand.
    pub(super) unsafe fn abandon(&self) {
        // SAFETY: as the caller says.
        while let Some(due) = unsafe { self.take(self.look()) } {
            drop(due);
        }
    }
}

/// Gives a buffer back: another interpreter's goes in the outbox of that which the thread is in, if that is used; else on its
/// owner's return list, and the thread runs the errand that may come of it, if it is attached to nobody.
///
/// Nobody reads through the export any more: all reads happen-before this call.
#[inline]
pub(crate) fn give_back<R: Runtime>(due: Sole<Due<R>>) {
    R::with_current(|here| match here {
        // SAFETY: the thread is attached to the interpreter, and leaves it only with a word to the ledger: `Batches::released`.
        Some(here) if here.ledger().outbox.is_for(here, &due) => unsafe { here.ledger().outbox.put(due) },
        _ => put_back(Chain::new(due)),
    });
    run_errands_at_once::<R>();
}

/// Puts buffers on their owner's return list. Takes no lock, allocates nothing, cannot fail (G8); an errand is only noted.
///
/// Nobody reads through the exports any more: all reads happen-before this call.
pub(crate) fn put_back<R: Runtime>(chain: Chain<R>) {
    let (returns, id) = (&chain.owner().ledger().returns, chain.owner().id());
    let mut word = returns.look();
    let errand = loop {
        // The handle is made before the push: afterwards the nodes, and with them the owner, may be gone at any moment.
        let errand = (word & TAGS == 0).then(|| chain.owner().clone());
        chain.put_on(word & !TAGS);
        let pushed = chain.address() | word & TAGS | if errand.is_some() { ERRAND } else { 0 };
        // ORDERING: RETURN_PUSH (Release), pairs with RETURN_LOOK in `take`; (Acquire), pairs with ERRAND_SEEN: `earlier` is
        // ours if the errand is. The look before is not enough: the errand may have been taken and given up since.
        match returns.word.replace(word, pushed, RETURN_PUSH, RETURN_LOOK) {
            Ok(_) => break errand,
            Err(now) => word = now,
        }
    };
    trace::emit(|| Event::Returned { interpreter: id, buffers: chain.len(), errand: errand.is_some() });
    if let Some(owner) = errand {
        // SAFETY: this thread has just taken the errand.
        unsafe { R::with_errands(|errands| errands.note(owner)) }
    }
}
