//! Ways to share a buffer. One file each, and each reads head to foot as its protocol.
//!
//! A strategy says what a message holds while it is in flight, what a view holds, and which lock each step takes.
//! [`View`] is the design of 2017 and the default.

pub mod view;

pub use view::View;

use crate::Buffer;
use crate::runtime::{Ended, Runtime};

/// A way of sharing buffers of the runtime `R`.
///
/// The channel calls these functions without holding any lock of its own. What a strategy may assume about the calling
/// thread is said at each. A custom strategy is welcome: the faults of `viewchan-model` are nothing else.
pub trait Strategy<R: Runtime>: Sized + 'static {
    /// What travels. Dropping one discards the message: it gives back what it holds, from whatever thread.
    type Message: Send;
    /// What a view holds. Clones share it; dropping the last one is the release, from whatever thread.
    type Pin: Clone + AsRef<[u8]> + Send + Sync;

    /// Makes a message of a buffer. The thread is attached to the buffer's owner.
    fn pin(token: &R::Token<'_>, buffer: Buffer<R>) -> Self::Message;

    /// Takes a message that was not sent apart again. The thread is attached to the buffer's owner.
    fn withdraw(token: &R::Token<'_>, message: Self::Message) -> Buffer<R>;

    /// Makes a view of a received message. The thread is attached to nobody.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the strategy needs the owner for that, and the owner is gone.
    fn open(message: Self::Message) -> Result<Self::Pin, Ended>;
}
