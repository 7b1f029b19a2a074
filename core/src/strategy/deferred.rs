//! No synchronisation point at all: the owner exports at send, and what comes back lies on its return list until it looks.
//!
//! ```text
//!             pin                    open                    last drop                   collect
//!   Buffer ─────────▶ Message ──────────────────▶ Pin ──────────────────▶ on the list ──────────────▶ (given back)
//!          ◀─────────    │         no lock        │ ▲         no lock        ▲          by a thread
//!           withdraw     │                        └─┘                        │          attached to
//!         the thread     │                   clone, slice,                   │          the owner
//!         is attached    │                   read, drop:                     │
//!         to the owner   │                   no lock                         │
//!         already        └───────────────────────────────────────────────────┘
//!                                drop, unread: no lock
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | `Message` | that reference, exported, in a node of the return list | whoever has the message; the queue only stores it |
//! | `Pin` | the same node | anyone, for reading; the count by any clone; the rest by the last one |
//! | on the list | the same node | the thread that is attached to the owner |
//!
//! The node is allocated at send, under the owner's lock. Receiving, cloning and releasing allocate nothing, take nobody's
//! lock, and cannot fail or be refused (G8). When the owner collects, and who does it for an idle owner, is the return
//! list's business: see `ledger/returns.rs`.

use super::Strategy;
use crate::Buffer;
use crate::buffer::assert_home;
use crate::counted::{Counted, Sole};
use crate::ledger::Ledger;
use crate::ledger::chain::Due;
use crate::ledger::returns::give_back;
use crate::runtime::{Ended, Runtime};

/// The strategy `deferred`. Its row: no operation takes a foreign lock.
#[derive(Debug)]
pub enum Deferred {}

impl<R: Runtime> Strategy<R> for Deferred {
    type Message = Message<R>;
    type Pin = Pin<R>;
    type Choice = ();

    fn pin((): (), token: &R::Token<'_>, buffer: Buffer<R>) -> Message<R> {
        assert_home(buffer.owner(), token);
        Ledger::<R>::lend(token);
        let (owner, object) = buffer.into_parts();
        // SAFETY: 1. the token is the owner's, as just seen; 2. the handle held the reference.
        let export = unsafe { R::export(token, object) };
        // SAFETY: the thread is attached to the owner.
        Message(Some(unsafe { R::here(token).ledger().spares.block(Due::new(owner, export)) }))
    }

    fn owner(message: &Message<R>) -> &R {
        &message.node().content().owner
    }

    fn withdraw(token: &R::Token<'_>, message: Message<R>) -> Buffer<R> {
        assert_home(Self::owner(&message), token);
        let (Due { owner, export, .. }, vacant) = message.into_node().vacate();
        // SAFETY: 1. the token is the owner's, as just seen; 2. nobody has read through the export.
        let object = unsafe { R::unexport(token, export) };
        // SAFETY: the thread is attached to the owner, as just seen.
        unsafe { owner.ledger().spares.keep(vacant) }
        // SAFETY: the reference came out of the export just now.
        unsafe { Buffer::from_parts(owner, object) }
    }

    #[inline]
    fn open(message: Message<R>, _home: Option<&R>) -> Result<Pin<R>, Ended> {
        Ok(Pin(message.into_node().share()))
    }
}

/// A buffer in flight, pinned by a reference and an export.
pub struct Message<R: Runtime>(Option<Sole<Due<R>>>);

impl<R: Runtime> Message<R> {
    fn node(&self) -> &Sole<Due<R>> {
        self.0.as_ref().expect("taken by value only")
    }

    #[inline]
    fn into_node(mut self) -> Sole<Due<R>> {
        self.0.take().expect("taken by value only")
    }
}

impl<R: Runtime> Drop for Message<R> {
    /// Discards the message, if it has not become something else.
    #[inline]
    fn drop(&mut self) {
        if let Some(node) = self.0.take() {
            give_back(node);
        }
    }
}

/// What a view holds: the node that travelled, counted among the view's clones.
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
    /// The release, if this is the last clone. It cannot fail, and waits for nobody (G8).
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is the drop: the clone is not used again.
        if let Some(last) = unsafe { self.0.leave() } {
            give_back(last);
        }
    }
}
