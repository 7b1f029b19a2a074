//! The baseline that the thread of 2017 argues against: the object itself is shared, and each clone counts at the owner.
//!
//! ```text
//!             pin                    open                       drop
//!   Buffer ─────────▶ Message ──────────────────▶ Pin ──────────────────▶ (given back)
//!          ◀─────────    │    owner's lock:       │ ▲    owner's lock:
//!           withdraw     │    view creation       └─┘    view release
//!                        │                   clone, slice:
//!                        └──────────────▶    owner's lock:
//!                            drop, unread:   view creation;
//!                            owner's lock:   read: no lock
//!                            view release
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | `Message` | the same reference | whoever has the message; the queue only stores it |
//! | `Pin` | a reference of its own, exported | whoever has it, for reading |
//!
//! There is no count but the owner's, so every clone and every drop is an INCREF or a DECREF of a foreign object: a visit.

use super::Strategy;
use super::view::{Message, export, give_back};
use crate::Buffer;
use crate::runtime::{Cause, Ended, Runtime};
use crate::trace::{self, Event};
use core::mem::ManuallyDrop;

/// The strategy `shared`. Its row: receive, clone, slice and every release take the owner's lock; reading takes none.
#[derive(Debug)]
pub enum Shared {}

impl<R: Runtime> Strategy<R> for Shared {
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
        let export = export(&owner, object)?;
        Ok(Pin { owner, export: ManuallyDrop::new(export) })
    }
}

/// What a view holds, and each of its clones anew: a reference with its export.
pub struct Pin<R: Runtime> {
    owner: R,
    export: ManuallyDrop<R::Export>,
}

impl<R: Runtime> AsRef<[u8]> for Pin<R> {
    fn as_ref(&self) -> &[u8] {
        self.export.as_ref()
    }
}

impl<R: Runtime> Clone for Pin<R> {
    /// Visits the owner.
    ///
    /// # Panics
    ///
    /// If the owner has ended and its runtime does not adopt what it owned: there is nobody who could count the clone.
    fn clone(&self) -> Self {
        let export = |token: &R::Token<'_>| {
            // SAFETY: 1. the token is the owner's, `owner` came with the export; 2. this pin has not given its export back.
            unsafe { R::reexport(token, &self.export) }
        };
        // SAFETY: `export` uses its own token.
        let export = unsafe { self.owner.visit(Cause::ViewCreation, export) };
        let export = export.expect("a shared view cannot be cloned when its owner is gone");
        Self { owner: self.owner.clone(), export: ManuallyDrop::new(export) }
    }
}

impl<R: Runtime> Drop for Pin<R> {
    /// A release, each time.
    fn drop(&mut self) {
        trace::emit(|| Event::ViewDropped { clones: 0 });
        // SAFETY: this is the drop: nobody uses the field afterwards.
        give_back(&self.owner, unsafe { ManuallyDrop::take(&mut self.export) }, None);
    }
}
