//! Broken variants of the `view` strategy, on the real runtime and channel.
//!
//! One strategy with a [`Flaw`] in one place. Everything that is not the flaw is `viewchan::strategy::view`, told again
//! so that there is a place for each flaw; that the telling is right, [`Flaw::None`] shows, which must pass.
#![allow(unsafe_code, reason = "broken on purpose; run in child processes only")]

use super::flawed;
use crate::engine::real::delegate;
use crate::engine::tool::sync::atomic::{AtomicUsize, Ordering};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;
use viewchan::reference::{Export, Object};
use viewchan::runtime::Ended;
use viewchan::strategy::Strategy;
use viewchan::trace::{self, Event};
use viewchan::{Attached, Buffer, Cause, Interpreter, Runtime};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the control.
    None,
    /// The view is released without the owner's lock.
    NoLockAtRelease,
    /// The view is created without the owner's lock.
    NoLockAtCreation,
    /// A clone takes the owner's lock.
    LockAtClone,
    /// The release enters the owner as if it came to stay.
    WrongCause,
    /// Sending gives the reference back.
    MessageWithoutReference,
    /// Creating the view gives the reference back.
    ViewWithoutReference,
    /// The last release gives the reference back twice.
    DoubleRelease,
    /// The last release gives nothing back.
    ForgottenRelease,
    /// Clones are not counted.
    CloneNotCounted,
    /// A message that is discarded keeps its reference.
    DiscardLeaks,
    /// The release waits for the owner without leaving its own interpreter.
    OwnLockKept,
}

flawed! {
    View;
    None "none",
    NoLockAtRelease "no-lock-at-release",
    NoLockAtCreation "no-lock-at-creation",
    LockAtClone "lock-at-clone",
    WrongCause "wrong-cause",
    MessageWithoutReference "message-without-reference",
    ViewWithoutReference "view-without-reference",
    DoubleRelease "double-release",
    ForgottenRelease "forgotten-release",
    CloneNotCounted "clone-not-counted",
    DiscardLeaks "discard-leaks",
    OwnLockKept "own-lock-kept",
}

/// `view` with a flaw.
pub(super) struct Faulty<B>(PhantomData<B>);

impl<B: Broken> Strategy<Interpreter> for Faulty<B> {
    type Message = Message<B>;
    type Pin = Pin<B>;
    type Choice = ();

    fn pin((): (), token: &Attached<'_>, buffer: Buffer) -> Message<B> {
        let (owner, object) = buffer.into_parts();
        if B::FLAW == Flaw::MessageWithoutReference {
            // SAFETY: none. This is the flaw.
            unsafe { Interpreter::decref(token, duplicate(&object)) }
        }
        Message { content: ManuallyDrop::new((owner, object)), flaw: PhantomData }
    }

    fn owner(message: &Message<B>) -> &Interpreter {
        &message.content.0
    }

    fn withdraw(_token: &Attached<'_>, message: Message<B>) -> Buffer {
        let (owner, object) = message.into_parts();
        // SAFETY: the parts of the buffer that was pinned.
        unsafe { Buffer::from_parts(owner, object) }
    }

    fn open(message: Message<B>, _home: Option<&Interpreter>) -> Result<Pin<B>, Ended> {
        let (owner, object) = message.into_parts();
        let export = |token: &Attached<'_>| {
            let spare = (B::FLAW == Flaw::ViewWithoutReference).then(|| duplicate(&object));
            // SAFETY: the message held the reference, and the token is the owner's, except where that is the flaw.
            let export = unsafe { Interpreter::export(token, object) };
            if let Some(spare) = spare {
                // SAFETY: none. This is the flaw.
                unsafe { Interpreter::decref(token, spare) }
            }
            export
        };
        let export = match B::FLAW {
            // SAFETY: none. This is the flaw.
            Flaw::NoLockAtCreation => export(&unsafe { Attached::assume(&owner) }),
            // SAFETY: `export` uses its own token.
            _ => unsafe { owner.visit(Cause::ViewCreation, export) }?,
        };
        let block = Block { clones: AtomicUsize::new(1), owner, export };
        Ok(Pin { block: Box::into_raw(Box::new(block)), flaw: PhantomData })
    }
}

/// The same reference once more, without counting it.
fn duplicate(object: &Object) -> Object {
    // SAFETY: plain data. Whoever gives it back twice is at fault.
    unsafe { ptr::read(object) }
}

/// As in the strategy `view`.
pub(super) struct Message<B: Broken> {
    content: ManuallyDrop<(Interpreter, Object)>,
    flaw: PhantomData<B>,
}

impl<B: Broken> Message<B> {
    fn into_parts(self) -> (Interpreter, Object) {
        let mut message = ManuallyDrop::new(self);
        // SAFETY: `message` is not used again.
        unsafe { ManuallyDrop::take(&mut message.content) }
    }
}

impl<B: Broken> Drop for Message<B> {
    fn drop(&mut self) {
        // SAFETY: this is the drop.
        let (owner, object) = unsafe { ManuallyDrop::take(&mut self.content) };
        if B::FLAW != Flaw::DiscardLeaks {
            // SAFETY: the parts of the buffer that was pinned.
            unsafe { Buffer::from_parts(owner, object) }.give_back(Cause::ViewRelease);
        }
    }
}

/// As in the strategy `view`.
pub(super) struct Pin<B: Broken> {
    block: *mut Block,
    flaw: PhantomData<B>,
}

struct Block {
    clones: AtomicUsize,
    owner: Interpreter,
    export: Export,
}

// SAFETY: as in the strategy `view`.
unsafe impl<B: Broken> Send for Pin<B> {}
// SAFETY: as in the strategy `view`.
unsafe impl<B: Broken> Sync for Pin<B> {}

impl<B: Broken> Pin<B> {
    fn block(&self) -> &Block {
        // SAFETY: this pin is one of the clones.
        unsafe { &*self.block }
    }
}

impl<B: Broken> AsRef<[u8]> for Pin<B> {
    fn as_ref(&self) -> &[u8] {
        self.block().export.as_ref()
    }
}

impl<B: Broken> Clone for Pin<B> {
    fn clone(&self) -> Self {
        if B::FLAW == Flaw::LockAtClone {
            // SAFETY: nothing is done inside.
            let entered = unsafe { self.block().owner.visit(Cause::ViewCreation, |_| ()) };
            entered.expect("the owner is alive");
        }
        let added = usize::from(B::FLAW != Flaw::CloneNotCounted);
        let before = self.block().clones.fetch_add(added, Ordering::Relaxed);
        trace::emit(|| Event::ViewCloned { clones: before + added });
        Self { block: self.block, flaw: PhantomData }
    }
}

impl<B: Broken> Drop for Pin<B> {
    fn drop(&mut self) {
        let left = self.block().clones.fetch_sub(1, Ordering::AcqRel) - 1;
        trace::emit(|| Event::ViewDropped { clones: left });
        if left > 0 {
            return;
        }
        // SAFETY: the last clone owns the block.
        let Block { owner, export, .. } = *unsafe { Box::from_raw(self.block) };
        release::<B>(owner, export);
    }
}

fn release<B: Broken>(owner: Interpreter, export: Export) {
    let give_back = |token: &Attached<'_>| {
        // SAFETY: the last clone is gone, and the token is the owner's, except where that is the flaw.
        let object = unsafe { Interpreter::unexport(token, export) };
        if B::FLAW == Flaw::DoubleRelease {
            // SAFETY: none. This is the flaw.
            unsafe { Interpreter::decref(token, duplicate(&object)) }
        }
        // SAFETY: as above.
        unsafe { Interpreter::decref(token, object) }
    };
    let cause = if B::FLAW == Flaw::WrongCause { Cause::Attach } else { Cause::ViewRelease };
    match B::FLAW {
        Flaw::ForgottenRelease => {}
        // SAFETY: none. This is the flaw.
        Flaw::NoLockAtRelease => give_back(&unsafe { Attached::assume(&owner) }),
        Flaw::OwnLockKept => delegate(move || {
            // SAFETY: `give_back` uses its own token.
            unsafe { owner.visit(cause, give_back) }.expect("the owner is alive");
        }),
        // SAFETY: `give_back` uses its own token.
        _ => unsafe { owner.visit(cause, give_back) }.expect("the owner is alive"),
    }
}
