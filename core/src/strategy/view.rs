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
//! | `Pin` | that reference, exported | anyone, for reading; `clones` by any clone; the rest by the last one |
//!
//! One reference travels all the way: sending and receiving move it, and only its end changes the owner's count. So each
//! message costs the owner two visits, however often its view is cloned, sliced and read (G1).

use super::Strategy;
use crate::Buffer;
use crate::runtime::{Cause, Ended, Runtime};
use crate::sync::site::{VIEW_CLONE, VIEW_DROP, VIEW_LAST};
use crate::sync::{AtomicUsize, Tracked};
use crate::trace::{self, Event};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// The strategy `view`. Its row: receive and last release take the owner's lock; clone, slice, read and the other
/// releases take none.
#[derive(Debug)]
pub enum View {}

impl<R: Runtime> Strategy<R> for View {
    type Message = Message<R>;
    type Pin = Pin<R>;

    fn pin(_token: &R::Token<'_>, buffer: Buffer<R>) -> Message<R> {
        Message(ManuallyDrop::new(buffer))
    }

    fn withdraw(_token: &R::Token<'_>, message: Message<R>) -> Buffer<R> {
        message.into_buffer()
    }

    fn open(message: Message<R>) -> Result<Pin<R>, Ended> {
        let (owner, object) = message.into_buffer().into_parts();
        let export = |token: &R::Token<'_>| {
            // SAFETY: 1. the token is the owner's: `owner` came with the object; 2. the message held the reference.
            unsafe { R::export(token, object) }
        };
        // SAFETY: `export` uses its own token.
        let export = unsafe { owner.visit(Cause::ViewCreation, export) }?;
        Ok(Pin::new(owner, export))
    }
}

/// A buffer in flight, pinned by one reference.
pub struct Message<R: Runtime>(ManuallyDrop<Buffer<R>>);

impl<R: Runtime> Message<R> {
    fn into_buffer(self) -> Buffer<R> {
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
pub struct Pin<R: Runtime> {
    block: NonNull<Tracked<Block<R>>>,
}

/// Shared by the clones of one view.
struct Block<R: Runtime> {
    /// How many [`Pin`]s share this block. Whoever takes it to zero owns the block.
    clones: AtomicUsize,
    owner: R,
    export: R::Export,
}

// SAFETY: a `Pin` gives shared access to `R` and `R::Export`, both `Sync`, and its last drop, on whatever thread, takes them,
// both `Send`. The count orders the drops before the taking.
unsafe impl<R: Runtime> Send for Pin<R> {}
// SAFETY: as above; cloning through a shared reference only touches the atomic count.
unsafe impl<R: Runtime> Sync for Pin<R> {}

impl<R: Runtime> Pin<R> {
    fn new(owner: R, export: R::Export) -> Self {
        let block = Box::new(Tracked::new(Block { clones: AtomicUsize::new(1), owner, export }));
        Self { block: NonNull::from(Box::leak(block)) }
    }

    fn block(&self) -> &Block<R> {
        // SAFETY: this pin is one of `clones`, so the block has not been taken yet.
        unsafe { self.block.as_ref() }
    }

    /// Counts this pin out. `Some` if it was the last: then the block belongs to the caller.
    #[must_use]
    fn leave(&mut self) -> Option<Block<R>> {
        let clones = &self.block().clones;
        // ORDERING: VIEW_DROP (Release), pairs with VIEW_LAST: what this clone read was read before the release.
        let left = clones.fetch_sub(1, VIEW_DROP) - 1;
        trace::emit(|| Event::ViewDropped { clones: left });
        if left > 0 {
            return None;
        }
        // ORDERING: VIEW_LAST (Acquire), pairs with each VIEW_DROP. A load rather than a fence: race detectors see it.
        clones.load(VIEW_LAST);
        // SAFETY: 1. the pointer came from `Box::leak`; 2. the count is zero, and only a counted pin could raise it, so no
        // other pin exists or will; 3. all others' accesses happen-before this by VIEW_LAST.
        let block = unsafe { Box::from_raw(self.block.as_ptr()) };
        Some(block.into_inner())
    }
}

impl<R: Runtime> AsRef<[u8]> for Pin<R> {
    fn as_ref(&self) -> &[u8] {
        self.block().export.as_ref()
    }
}

impl<R: Runtime> Clone for Pin<R> {
    fn clone(&self) -> Self {
        // ORDERING: VIEW_CLONE (Relaxed): this pin is counted, so the count is not zero and nothing needs to be visible.
        let before = self.block().clones.fetch_add(1, VIEW_CLONE);
        trace::emit(|| Event::ViewCloned { clones: before + 1 });
        if before > isize::MAX as usize {
            // Only leaking clones can get here; going on could wrap the count to zero while views exist.
            std::process::abort();
        }
        Self { block: self.block }
    }
}

impl<R: Runtime> Drop for Pin<R> {
    /// The release, if this is the last clone. It cannot fail (G8): nothing is allocated, nothing can be full.
    fn drop(&mut self) {
        let Some(Block { owner, export, .. }) = self.leave() else { return };
        let give_back = |token: &R::Token<'_>| {
            // SAFETY: 1. the token is the owner's, `owner` came with the object; 2. every read through any clone
            // happens-before `leave` returned the block.
            let object = unsafe { R::unexport(token, export) };
            // SAFETY: 1. as above; 2. the reference came out of the export just now.
            unsafe { R::decref(token, object) }
        };
        // SAFETY: `give_back` uses its own token.
        let given_back = unsafe { owner.visit(Cause::ViewRelease, give_back) };
        // An owner that has ended took its references along (`Runtime`, requirement 4): nothing is left to give back.
        let _: Result<(), Ended> = given_back;
    }
}
