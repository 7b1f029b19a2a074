//! The design of 2017: creating a view and releasing it visit the owner, nothing else does.
//!
//! ```text
//!             pin                    open                    last drop
//!   Buffer ─────────▶ Message ──────────────────▶ Pin ──────────────────▶ (given back)
//!          ◀─────────    │    owner's lock:       │ ▲    owner's lock:
//!           withdraw     │    view creation       └─┘    view release
//!                        │                   clone, slice,
//!                        └──────────────▶    read, drop:
//!                            drop, unread:   no lock
//!                            owner's lock:
//!                            view release
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | `Message` | the same reference | whoever has the message; the queue only stores it |
//! | `Pin` | that reference, exported | anyone, for reading; the count by any clone; the rest by the last one |
//!
//! One reference travels all the way: sending and receiving move it, and only its end changes the owner's count. So each
//! message that is received costs the owner two visits, however often its view is cloned, sliced and read (G1).

use super::Strategy;
use crate::Buffer;
use crate::counted::{Counted, Sole, Vacant};
use crate::ledger::chain::Due;
use crate::runtime::{Cause, Ended, Runtime};
use core::mem::ManuallyDrop;

/// The strategy `view`. Its row: receive and last release take the owner's lock; clone, slice, read and the other
/// releases take none.
#[derive(Debug)]
pub enum View {}

impl<R: Runtime> Strategy<R> for View {
    type Message = Message<R>;
    type Pin = Pin<R>;
    type Choice = ();

    fn pin((): (), _token: &R::Token<'_>, buffer: Buffer<R>) -> Message<R> {
        Message::new(buffer)
    }

    fn owner(message: &Message<R>) -> &R {
        message.owner()
    }

    fn withdraw(_token: &R::Token<'_>, message: Message<R>) -> Buffer<R> {
        message.into_buffer()
    }

    fn open(message: Message<R>, _home: Option<&R>) -> Result<Pin<R>, Ended> {
        let (owner, object) = message.into_buffer().into_parts();
        let open = |token: &R::Token<'_>| {
            // SAFETY: 1. the token is the owner's: `owner` came with the object; 2. the message held the reference.
            let export = unsafe { R::export(token, object) };
            // SAFETY: the thread is attached to the owner.
            (export, unsafe { owner.ledger().spares.take() })
        };
        // SAFETY: `open` uses its own token.
        let (export, vacant) = unsafe { owner.visit(Cause::ViewCreation, open) }?;
        Ok(Pin(Sole::new_in(vacant, Due::new(owner, export)).share()))
    }
}

/// Visits the owner to export an object.
pub(super) fn export<R: Runtime>(owner: &R, object: R::Object) -> Result<R::Export, Ended> {
    let export = |token: &R::Token<'_>| {
        // SAFETY: 1. the token is the owner's: `owner` came with the object; 2. the message held the reference.
        unsafe { R::export(token, object) }
    };
    // SAFETY: `export` uses its own token.
    unsafe { owner.visit(Cause::ViewCreation, export) }
}

/// A buffer in flight, pinned by one reference.
pub struct Message<R: Runtime>(ManuallyDrop<Buffer<R>>);

impl<R: Runtime> Message<R> {
    pub(super) fn new(buffer: Buffer<R>) -> Self {
        Self(ManuallyDrop::new(buffer))
    }

    pub(super) fn owner(&self) -> &R {
        self.0.owner()
    }

    pub(super) fn into_buffer(self) -> Buffer<R> {
        let mut message = ManuallyDrop::new(self);
        // SAFETY: `message` is not used again, nor dropped, so the buffer is taken once.
        unsafe { ManuallyDrop::take(&mut message.0) }
    }
}

impl<R: Runtime> Drop for Message<R> {
    /// Discards the message.
    fn drop(&mut self) {
        // SAFETY: this is the drop: nobody uses the field afterwards.
        let buffer = unsafe { ManuallyDrop::take(&mut self.0) };
        buffer.give_back(Cause::ViewRelease);
    }
}

/// What a view holds: an export of the buffer, counted among the view's clones.
pub struct Pin<R: Runtime>(Counted<Due<R>>);

impl<R: Runtime> AsRef<[u8]> for Pin<R> {
    fn as_ref(&self) -> &[u8] {
        self.0.content().export.as_ref()
    }
}

impl<R: Runtime> Clone for Pin<R> {
    fn clone(&self) -> Self {
        Self(self.0.another())
    }
}

impl<R: Runtime> Drop for Pin<R> {
    /// The release, if this is the last clone. It cannot fail (G8): nothing is allocated, nothing can be full.
    fn drop(&mut self) {
        // SAFETY: this is the drop: the clone is not used again.
        if let Some(last) = unsafe { self.0.leave() } {
            release(last);
        }
    }
}

/// Visits the owner to give back what a block carries. Nobody reads through the export any more.
pub(super) fn release<R: Runtime>(block: Sole<Due<R>>) {
    let (Due { owner, export, .. }, vacant) = block.vacate();
    give_back(&owner, export, Some(vacant));
}

/// Visits the owner to give back an export and its reference, and the memory of their block, if there was one. Nobody reads
/// through the export any more.
pub(super) fn give_back<R: Runtime>(owner: &R, export: R::Export, vacant: Option<Vacant<Due<R>>>) {
    let give_back = |token: &R::Token<'_>| {
        // SAFETY: 1. the token is the owner's, `owner` came with the object; 2. every read through any clone
        // happens-before the last one left.
        let object = unsafe { R::unexport(token, export) };
        // SAFETY: 1. as above; 2. the reference came out of the export just now.
        unsafe { R::decref(token, object) }
        if let Some(vacant) = vacant {
            // SAFETY: the thread is attached to the owner.
            unsafe { owner.ledger().spares.keep(vacant) }
        }
    };
    // SAFETY: `give_back` uses its own token.
    let given_back = unsafe { owner.visit(Cause::ViewRelease, give_back) };
    // An owner that has ended and is not adopted took its references along (`Runtime`, requirement 4).
    let _: Result<(), Ended> = given_back;
}
