//! Ways to share a buffer. One file each, and each reads head to foot as its protocol.
//!
//! A strategy says what a message holds while it is in flight, what a view holds, and which lock each step takes.
//! [`View`] is the design of 2017 and the default; the others are what the thread of that year weighs against it.
//!
//! | strategy | the export is taken | a clone costs | the release |
//! | --- | --- | --- | --- |
//! | [`Shared`] | at receive, and by each clone | a visit to the owner | visits the owner, for each clone |
//! | [`Proxy`] | at an interpreter's first receive | a count | visits the owner when the interpreter's last view goes |
//! | [`View`] | at receive | a count | visits the owner when the view's last clone goes |
//! | [`Handover`] | at send | a count | as `View` |
//! | [`Deferred`] | at send | a count | goes on the owner's return list |
//!
//! [`epoch`] shares without a channel: a slot whose current value is read in place.

pub mod deferred;
pub mod epoch;
pub mod handover;
pub mod proxy;
pub mod shared;
pub mod view;

pub use deferred::Deferred;
pub use handover::Handover;
pub use proxy::Proxy;
pub use shared::Shared;
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
    /// What a view holds. Dropping the last clone is the release, from whatever thread; it cannot fail (G8).
    type Pin: Clone + AsRef<[u8]> + Send + Sync;
    /// What is left to be chosen when a channel is made, and travels with its ends: `()` for all strategies here. One that
    /// stands for several chooses among them.
    type Choice: Copy + Default + Send + Sync;

    /// Makes a message of a buffer. The thread is attached to the buffer's owner.
    ///
    /// # Panics
    ///
    /// If it is not, where the strategy uses the token.
    fn pin(choice: Self::Choice, token: &R::Token<'_>, buffer: Buffer<R>) -> Self::Message;

    /// The owner of the buffer.
    fn owner(message: &Self::Message) -> &R;

    /// Takes a message that was not sent apart again. The thread is attached to the buffer's owner.
    ///
    /// # Panics
    ///
    /// If it is not, where the strategy uses the token.
    fn withdraw(token: &R::Token<'_>, message: Self::Message) -> Buffer<R>;

    /// Makes a view of a received message. `home` is the interpreter on whose behalf it is received, if there is one;
    /// the thread is attached to that one, or to nobody, and is where it was when this returns.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the strategy needs the owner for that, and the owner is gone.
    fn open(message: Self::Message, home: Option<&R>) -> Result<Self::Pin, Ended>;
}
