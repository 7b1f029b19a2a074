//! A zero-copy channel between isolated interpreters: immutable bytes in, read-only views out.
//!
//! An *interpreter* owns its objects and one big lock. A sender freezes bytes and sends them; the receiver gets a
//! read-only view on the same memory; and only creating a view and releasing it acquire the sender's lock. Reading,
//! slicing and cloning a view acquire nobody's.
//!
//! That is the default [strategy]; the others take the lock more often, less often, or never.
//!
//! Start with [`Interpreter`], [`BufferMut`] and [`channel`]. To run the protocol on a language runtime of your own,
//! implement [`Runtime`]. To see the protocol, read [`strategy::view`]: it is one page.
//!
//! `SPEC.md` in the repository states the guarantees G1 to G9 that the code cites, and says what has been checked how.

#![warn(missing_docs)]

pub mod array;
pub mod channel;
pub mod layout;
pub mod ledger;
pub mod reference;
pub mod runtime;
pub mod strategy;
pub mod sync;
pub mod trace;

mod buffer;
mod counted;
mod local_view;
#[cfg(feature = "ndarray")]
mod ndarray_view;
mod view;

pub use array::{ArrayView, Element, Shaped};
pub use buffer::Buffer;
pub use channel::{Message, ReceiveEnd, SendEnd, bounded, unbounded};
pub use layout::{Format, Layout};
pub use ledger::Batches;
pub use local_view::LocalView;
pub use reference::{Acquisitions, Attached, BufferMut, Interpreter, ThawError};
pub use runtime::{Cause, InterpreterId, Runtime};
pub use view::View;

/// The quickstart of the README, as a doctest.
#[cfg(all(doctest, not(any(feature = "loom", feature = "shuttle"))))]
#[doc = include_str!("../../README.md")]
struct Readme;
