//! Making a channel.

use super::ends::{ReceiveEnd, SendEnd, ends};
use super::message::Undelivered;
use super::queue::Channel;
use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::strategy::{self, Strategy};

/// A channel of the reference runtime without a limit on the messages inside, with the default strategy.
#[must_use]
pub fn unbounded() -> (SendEnd, ReceiveEnd) {
    Options::new().open()
}

/// A channel of the reference runtime that holds up to `capacity` messages, with the default strategy.
///
/// # Panics
///
/// If `capacity` is 0: a message in flight has to be somewhere.
#[must_use]
pub fn bounded(capacity: usize) -> (SendEnd, ReceiveEnd) {
    Options::new().capacity(capacity).open()
}

/// [`unbounded`], for any runtime and strategy.
#[must_use]
pub fn unbounded_with<R: Runtime, S: Strategy<R>>() -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    Options::new().open_with()
}

/// [`bounded`], for any runtime and strategy.
///
/// # Panics
///
/// If `capacity` is 0.
#[must_use]
pub fn bounded_with<R: Runtime, S: Strategy<R>>(capacity: usize) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    Options::new().capacity(capacity).open_with()
}

/// How a channel is to be. Without further word: no limit on the messages inside, and messages outlive their owners.
///
/// ```no_run
/// use viewchan::channel::{Options, Undelivered};
/// use viewchan::strategy::Deferred;
/// use viewchan::{Interpreter, ReceiveEnd, SendEnd};
///
/// let (send, receive): (SendEnd<Interpreter, Deferred>, ReceiveEnd<Interpreter, Deferred>) =
///     Options::new().capacity(16).undelivered(Undelivered::Error).open_with();
/// # drop((send, receive));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    capacity: Option<usize>,
    undelivered: Undelivered,
}

impl Options {
    /// A channel without further word.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds up to `capacity` messages.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0: a message in flight has to be somewhere.
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        assert!(capacity > 0, "a channel's capacity is at least 1");
        Self { capacity: Some(capacity), ..self }
    }

    /// What becomes of messages whose owner begins to end before they are received. Each send end can decide anew:
    /// [`SendEnd::set_undelivered`].
    #[must_use]
    pub fn undelivered(self, policy: Undelivered) -> Self {
        Self { undelivered: policy, ..self }
    }

    /// Makes the channel, for the reference runtime and the default strategy.
    #[must_use]
    pub fn open(self) -> (SendEnd, ReceiveEnd) {
        self.open_with::<Interpreter, strategy::View>()
    }

    /// Makes the channel, for any runtime and strategy.
    #[must_use]
    pub fn open_with<R: Runtime, S: Strategy<R>>(self) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
        self.open_chosen(S::Choice::default())
    }

    /// Makes the channel, for a strategy that leaves a [choice](Strategy::Choice).
    #[must_use]
    pub fn open_chosen<R: Runtime, S: Strategy<R>>(self, choice: S::Choice) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
        ends(Channel::new(self.capacity), self.undelivered, choice)
    }
}
