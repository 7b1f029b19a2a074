//! One synchronisation point instead of two: the owner exports at send, and the message itself becomes the view.
//!
//! ```text
//!             pin                    open                    last drop
//!   Buffer ─────────▶ Message ──────────────────▶ Pin ──────────────────▶ (given back)
//!          ◀─────────    │         no lock        │ ▲    owner's lock:
//!           withdraw     │                        └─┘    view release
//!         the thread     │                   clone, slice,
//!         is attached    └──────────────▶    read, drop:
//!         to the owner      drop, unread:    no lock
//!         already           owner's lock:
//!                           view release
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | `Message` | that reference, exported, in its block | whoever has the message; the queue only stores it |
//! | `Pin` | the same block | anyone, for reading; the count by any clone; the rest by the last one |
//!
//! The block of the view is allocated at send as well: receiving allocates nothing, takes no lock and cannot fail. The price
//! is that a message in flight forbids mutation by the export as well, not only by its reference, and that a view that is
//! never received was exported in vain.

use super::Strategy;
use super::view::release;
use crate::Buffer;
use crate::buffer::assert_home;
use crate::counted::{Counted, Sole};
use crate::ledger::chain::Due;
use crate::runtime::{Ended, Runtime};

/// The strategy `handover`. Its row: only the last release takes the owner's lock.
#[derive(Debug)]
pub enum Handover {}

impl<R: Runtime> Strategy<R> for Handover {
    type Message = Message<R>;
    type Pin = Pin<R>;
    type Choice = ();

    fn pin((): (), token: &R::Token<'_>, buffer: Buffer<R>) -> Message<R> {
        assert_home(buffer.owner(), token);
        let (owner, object) = buffer.into_parts();
        // SAFETY: 1. the token is the owner's, as just seen; 2. the handle held the reference.
        let export = unsafe { R::export(token, object) };
        // SAFETY: the thread is attached to the owner.
        Message(Some(unsafe { R::here(token).ledger().spares.block(Due::new(owner, export)) }))
    }

    fn owner(message: &Message<R>) -> &R {
        &message.block().content().owner
    }

    fn withdraw(token: &R::Token<'_>, message: Message<R>) -> Buffer<R> {
        assert_home(Self::owner(&message), token);
        let (Due { owner, export, .. }, vacant) = message.into_block().vacate();
        // SAFETY: 1. the token is the owner's, as just seen; 2. nobody has read through the export.
        let object = unsafe { R::unexport(token, export) };
        // SAFETY: the thread is attached to the owner, as just seen.
        unsafe { owner.ledger().spares.keep(vacant) }
        // SAFETY: the reference came out of the export just now.
        unsafe { Buffer::from_parts(owner, object) }
    }

    #[inline]
    fn open(message: Message<R>, _home: Option<&R>) -> Result<Pin<R>, Ended> {
        Ok(Pin(message.into_block().share()))
    }
}

/// A buffer in flight, pinned by a reference and an export.
pub struct Message<R: Runtime>(Option<Sole<Due<R>>>);

impl<R: Runtime> Message<R> {
    fn block(&self) -> &Sole<Due<R>> {
        self.0.as_ref().expect("taken by value only")
    }

    #[inline]
    fn into_block(mut self) -> Sole<Due<R>> {
        self.0.take().expect("taken by value only")
    }
}

impl<R: Runtime> Drop for Message<R> {
    /// Discards the message, if it has not become something else.
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            release(block);
        }
    }
}

/// What a view holds: the block that travelled, counted among the view's clones.
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
    /// The release, if this is the last clone. It cannot fail (G8).
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is the drop: the clone is not used again.
        if let Some(last) = unsafe { self.0.leave() } {
            release(last);
        }
    }
}
