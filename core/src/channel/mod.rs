//! The channel: two kinds of ends, and messages that go one way.
//!
//! A message is a [`Buffer`](crate::Buffer), which arrives as a [`View`](crate::View); a [`Shaped`](crate::Shaped) one,
//! which arrives as an [`ArrayView`](crate::ArrayView); or an end of a channel, which arrives as itself. There may be
//! many send ends, clones of one another; there is one receive end (share it by reference to receive from several
//! threads). An end that is dropped tells the other side.
//!
//! Waiting holds no interpreter's lock and never polls. It ends when what it waits for comes, when the channel is
//! closed, when the deadline passes, or when the interpreter that the thread came from begins to
//! [end](crate::Interpreter::end). The queue takes no interpreter's lock at all.
//!
//! Who waits for several things at once does not wait here: a [`Readiness`] is told when an end would not have to wait.
//!
//! # Happens-before
//!
//! Everything the sender did before a send is visible to the thread that receives that message. Everything read through
//! a view happens before its owner frees or thaws the bytes.

mod ends;
mod error;
mod message;
mod mooring;
mod options;
mod queue;
mod readiness;

pub use ends::{Iter, Nudge, ReceiveEnd, SendEnd};
pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use message::{Message, Payload, Undelivered};
pub use options::{Options, bounded, bounded_with, unbounded, unbounded_with};
pub use readiness::{Listener, Readiness};
