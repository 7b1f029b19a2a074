//! The secondary count: an interpreter's first view of a buffer visits the owner, and so does the release of its last.
//!
//! ```text
//!             pin                    open                    last drop
//!   Buffer ─────────▶ Message ──────────────────▶ Pin ──────────────────▶ (given back)
//!          ◀─────────    │    the interpreter's   │ ▲    owner's lock:
//!           withdraw     │    first: owner's      └─┘    view release
//!                        │    lock: view        clone, slice,
//!                        │    creation;         read, drop:
//!                        │    else: no lock     no lock
//!                        └──────────────▶
//!                            drop, unread:
//!                            owner's lock:
//!                            view release
//! ```
//!
//! | state | holds | who may touch it |
//! | --- | --- | --- |
//! | `Buffer` | one reference | the owner's threads |
//! | `Message` | the same reference | whoever has the message; the queue only stores it |
//! | `Pin` | membership of the interpreter's proxy for that buffer | anyone, for reading; the count by any member; the rest by the last one |
//!
//! A message that meets a proxy of its buffer needs no visit: the proxy absorbs its reference, and gives it back with its own
//! in one visit at the end. Two threads of one interpreter may both find none and both visit; the second to be done
//! joins the proxy of the first, which absorbs its export too.
//!
//! A thread that is attached to nobody belongs to no interpreter: it has proxies of its own, one for each message.

use super::Strategy;
use super::view::{Message, export};
use crate::Buffer;
use crate::counted::{Counted, Sole};
use crate::ledger::proxies;
use crate::runtime::{Cause, Ended, Runtime};

/// The strategy `proxy`. Its row: an interpreter's first receive of a buffer takes the owner's lock, and so does the release
/// of its last view.
#[derive(Debug)]
pub enum Proxy {}

impl<R: Runtime> Strategy<R> for Proxy {
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

    fn open(message: Message<R>, home: Option<&R>) -> Result<Pin<R>, Ended> {
        let (owner, object) = message.into_buffer().into_parts();
        let Some(home) = home else {
            let export = export(&owner, object)?;
            return Ok(Pin(Sole::new(proxies::Proxy::new(owner, export, None)).share()));
        };
        let (table, address) = (&home.ledger().proxies, R::address(&object));
        let object = match table.seek(address, object) {
            Ok(joined) => return Ok(Pin(joined)),
            Err(object) => object,
        };
        let is_owners = home.id() == owner.id();
        // Another thread of `home` may make the proxy meanwhile.
        let create = || {
            let export = export(&owner, object)?;
            Ok(Pin(table.join(home, address, owner, export)))
        };
        if is_owners {
            return create();
        }
        // SAFETY: `create` uses no token.
        unsafe { R::outside(create) }
    }
}

/// What a view holds: membership of a proxy.
pub struct Pin<R: Runtime>(Counted<proxies::Proxy<R>>);

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
    /// The release, if this is the last member. It cannot fail (G8): nothing is allocated, nothing can be full.
    fn drop(&mut self) {
        // SAFETY: this is the drop: the member is not used again.
        if let Some(last) = unsafe { self.0.count_out() } {
            release(last);
        }
    }
}

/// Dissolves a proxy that has no member left: all that it holds goes back in one visit.
fn release<R: Runtime>(last: Sole<proxies::Proxy<R>>) {
    if let Some((home, address)) = &last.content().place {
        home.ledger().proxies.remove(*address, &last);
    }
    let (owner, export, surplus) = last.open().into_parts();
    let give_back = |token: &R::Token<'_>| {
        for export in core::iter::once(export).chain(surplus.exports) {
            // SAFETY: 1. the token is the owner's, `owner` came with the object; 2. every read through any member
            // happens-before the last one left.
            let object = unsafe { R::unexport(token, export) };
            // SAFETY: 1. as above; 2. the reference came out of the export just now.
            unsafe { R::decref(token, object) }
        }
        for object in surplus.references {
            // SAFETY: 1. as above; 2. the message held the reference.
            unsafe { R::decref(token, object) }
        }
    };
    // SAFETY: `give_back` uses its own token.
    let given_back = unsafe { owner.visit(Cause::ViewRelease, give_back) };
    // An owner that has ended and is not adopted took its references along (`Runtime`, requirement 4).
    let _: Result<(), Ended> = given_back;
}
