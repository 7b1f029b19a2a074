//! Broken variants of `deferred`: built around the shipped one, with a count of clones of their own.
//!
//! What a thread has noted for itself is all that can be seen of a return list from outside: a flaw that wants a list with
//! something on it takes an errand of the calling thread for that.

use super::flawed;
use crate::engine::real::delegate;
use crate::engine::tool::sync::atomic::{AtomicUsize, Ordering};
use std::marker::PhantomData;
use std::mem;
use viewchan::ledger::Errands;
use viewchan::runtime::Ended;
use viewchan::strategy::{Deferred, Strategy};
use viewchan::trace::{self, Event};
use viewchan::{Attached, Buffer, Cause, Interpreter, Runtime};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the control.
    None,
    /// The last release visits the owner.
    LockAtLastRelease,
    /// A release that finds something on the return list already is forgotten.
    ReturnListDropsWhenFull,
    /// An errand is run at once, without leaving the thread's own interpreter.
    ErrandWhileAttached,
}

flawed! {
    Deferred;
    None "none",
    LockAtLastRelease "lock-at-last-release",
    ReturnListDropsWhenFull "return-list-drops-when-full",
    ErrandWhileAttached "errand-while-attached",
}

type ShippedMessage = <Deferred as Strategy<Interpreter>>::Message;
type ShippedPin = <Deferred as Strategy<Interpreter>>::Pin;

/// `deferred` with a flaw.
pub(super) struct Faulty<B>(PhantomData<B>);

impl<B: Broken> Strategy<Interpreter> for Faulty<B> {
    type Message = ShippedMessage;
    type Pin = Pin<B>;
    type Choice = ();

    fn pin((): (), token: &Attached<'_>, buffer: Buffer) -> ShippedMessage {
        Deferred::pin((), token, buffer)
    }

    fn owner(message: &ShippedMessage) -> &Interpreter {
        <Deferred as Strategy<Interpreter>>::owner(message)
    }

    fn withdraw(token: &Attached<'_>, message: ShippedMessage) -> Buffer {
        Deferred::withdraw(token, message)
    }

    fn open(message: ShippedMessage, home: Option<&Interpreter>) -> Result<Pin<B>, Ended> {
        let owner = Self::owner(&message).clone();
        let pin = Deferred::open(message, home)?;
        let block = Block { clones: AtomicUsize::new(1), owner, pin };
        Ok(Pin { block: Box::into_raw(Box::new(block)), flaw: PhantomData })
    }
}

/// As in the strategy `deferred`; the shipped pin has one clone all the time.
pub(super) struct Pin<B: Broken> {
    block: *mut Block,
    flaw: PhantomData<B>,
}

struct Block {
    clones: AtomicUsize,
    owner: Interpreter,
    pin: ShippedPin,
}

// SAFETY: as in the strategy `deferred`.
unsafe impl<B: Broken> Send for Pin<B> {}
// SAFETY: as in the strategy `deferred`.
unsafe impl<B: Broken> Sync for Pin<B> {}

impl<B: Broken> Pin<B> {
    fn block(&self) -> &Block {
        // SAFETY: this pin is one of the clones.
        unsafe { &*self.block }
    }
}

impl<B: Broken> AsRef<[u8]> for Pin<B> {
    fn as_ref(&self) -> &[u8] {
        self.block().pin.as_ref()
    }
}

impl<B: Broken> Clone for Pin<B> {
    fn clone(&self) -> Self {
        let before = self.block().clones.fetch_add(1, Ordering::Relaxed);
        trace::emit(|| Event::ViewCloned { clones: before + 1 });
        Self { block: self.block, flaw: PhantomData }
    }
}

impl<B: Broken> Drop for Pin<B> {
    fn drop(&mut self) {
        let left = self.block().clones.fetch_sub(1, Ordering::AcqRel) - 1;
        if left > 0 {
            trace::emit(|| Event::ViewDropped { clones: left });
            return;
        }
        // SAFETY: the last clone owns the block.
        let Block { owner, pin, .. } = *unsafe { Box::from_raw(self.block) };
        release::<B>(&owner, pin);
    }
}

/// The drop of the shipped pin, which reports itself, or what is made of it.
fn release<B: Broken>(owner: &Interpreter, pin: ShippedPin) {
    match B::FLAW {
        Flaw::ReturnListDropsWhenFull if !Interpreter::with_errands(Errands::is_empty) => {
            trace::emit(|| Event::ViewDropped { clones: 0 });
            mem::forget(pin);
        }
        Flaw::LockAtLastRelease => {
            // SAFETY: nothing is done inside.
            unsafe { owner.visit(Cause::ViewRelease, |_| ()) }.expect("the owner is alive");
            drop(pin);
        }
        // Another thread is attached to nobody, and runs its errands at once.
        Flaw::ErrandWhileAttached => delegate(move || drop(pin)),
        _ => drop(pin),
    }
}
