//! The ends of a channel.

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::message::{Item, Message, Payload, Rejected};
use super::queue::{Channel, Patience};
use crate::reference::Interpreter;
use crate::runtime::{Ended, Runtime};
use crate::strategy::{self, Strategy};
use crate::sync::{Deadline, Shared};
use crate::trace::{ChannelId, Refused};
use crate::{ArrayView, View};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;
use std::time::Duration;

/// A channel of the reference runtime without a limit on the messages inside, with the default strategy.
#[must_use]
pub fn unbounded() -> (SendEnd, ReceiveEnd) {
    unbounded_with()
}

/// A channel of the reference runtime that holds up to `capacity` messages, with the default strategy.
///
/// # Panics
///
/// If `capacity` is 0: a message in flight has to be somewhere.
#[must_use]
pub fn bounded(capacity: usize) -> (SendEnd, ReceiveEnd) {
    bounded_with(capacity)
}

/// [`unbounded`], for any runtime and strategy.
#[must_use]
pub fn unbounded_with<R: Runtime, S: Strategy<R>>() -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    ends(Channel::new(None))
}

/// [`bounded`], for any runtime and strategy.
///
/// # Panics
///
/// If `capacity` is 0.
#[must_use]
pub fn bounded_with<R: Runtime, S: Strategy<R>>(capacity: usize) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    assert!(capacity > 0, "a channel's capacity is at least 1");
    ends(Channel::new(Some(capacity)))
}

fn ends<R: Runtime, S: Strategy<R>>(channel: Queue<R, S>) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    (SendEnd { channel: Shared::clone(&channel) }, ReceiveEnd { channel })
}

type Queue<R, S> = Shared<Channel<Item<R, S>>>;

/// The end that sends. Clones are ends of the same channel; when the last one is dropped, the receiver sees the channel
/// closed once it has taken what is inside.
pub struct SendEnd<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    channel: Queue<R, S>,
}

impl<R: Runtime, S: Strategy<R>> SendEnd<R, S> {
    /// Sends, and waits for space as long as it takes.
    ///
    /// While it waits, the thread is attached to nobody. A buffer moves its reference into the message, so no count
    /// changes.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; the payload is in it.
    pub fn send<P: Payload<R, S>>(&self, token: &R::Token<'_>, payload: P) -> Result<(), SendError<P>> {
        self.transmit(token, payload, Patience::Forever).map_err(SendError::from)
    }

    /// Sends if there is space now.
    ///
    /// # Errors
    ///
    /// See [`TrySendError`]; the payload is in it.
    pub fn try_send<P: Payload<R, S>>(&self, token: &R::Token<'_>, payload: P) -> Result<(), TrySendError<P>> {
        self.transmit(token, payload, Patience::Never).map_err(TrySendError::from)
    }

    /// Sends, and waits for space for at most `timeout`, on the monotonic clock.
    ///
    /// # Errors
    ///
    /// See [`SendTimeoutError`]; the payload is in it. After a timeout nothing of it is in the channel.
    pub fn send_timeout<P: Payload<R, S>>(
        &self,
        token: &R::Token<'_>,
        payload: P,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<P>> {
        self.send_deadline(token, payload, &Deadline::after(timeout))
    }

    /// Sends, and waits for space until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`SendTimeoutError`]; the payload is in it. After a timeout nothing of it is in the channel.
    pub fn send_deadline<P: Payload<R, S>>(
        &self,
        token: &R::Token<'_>,
        payload: P,
        deadline: &Deadline,
    ) -> Result<(), SendTimeoutError<P>> {
        self.transmit(token, payload, Patience::Until(deadline)).map_err(SendTimeoutError::from)
    }

    /// Closes the channel for all its send ends. What is inside can still be received.
    pub fn close(self) {
        let end = ManuallyDrop::new(self);
        // SAFETY: `end` is neither used nor dropped afterwards, so its field is taken once. That it is not dropped keeps it
        // from being counted out a second time.
        let channel = unsafe { ptr::read(&end.channel) };
        channel.close_send();
    }

    /// Identity of the channel.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.channel.id
    }

    /// Wakes this channel's waiters on demand.
    #[must_use]
    pub fn nudge(&self) -> Nudge<R, S> {
        Nudge { channel: Shared::clone(&self.channel) }
    }

    fn transmit<P: Payload<R, S>>(
        &self,
        token: &R::Token<'_>,
        payload: P,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<P>> {
        payload.transmit(token, &self.channel, patience)
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for SendEnd<R, S> {
    fn clone(&self) -> Self {
        self.channel.add_sender();
        Self { channel: Shared::clone(&self.channel) }
    }
}

impl<R: Runtime, S: Strategy<R>> Drop for SendEnd<R, S> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

/// The end that receives. There is one; threads may share it by reference.
///
/// When it is dropped, no send succeeds any more, and what is inside is discarded: buffers go back to their owners.
pub struct ReceiveEnd<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    channel: Queue<R, S>,
}

impl<R: Runtime, S: Strategy<R>> ReceiveEnd<R, S> {
    /// Waits for a message, as long as it takes.
    ///
    /// The thread leaves its interpreter, if it is in one, before it waits, and comes back to it at the end. With
    /// the default strategy it visits the sender's interpreter in between, to create the view.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub fn recv(&self) -> Result<Message<R, S>, RecvError> {
        self.take(Patience::Forever).map_err(RecvError::from)
    }

    /// Takes a message if there is one now: does not wait for one.
    ///
    /// Like every receive, it may wait for locks: for the sender's, to create the view, and for its own on the way back.
    ///
    /// # Errors
    ///
    /// See [`TryRecvError`].
    pub fn try_recv(&self) -> Result<Message<R, S>, TryRecvError> {
        self.take(Patience::Never).map_err(TryRecvError::from)
    }

    /// Waits for a message for at most `timeout`, on the monotonic clock. Creating the view is not cut short.
    ///
    /// # Errors
    ///
    /// See [`RecvTimeoutError`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message<R, S>, RecvTimeoutError> {
        self.recv_deadline(&Deadline::after(timeout))
    }

    /// Waits for a message until `deadline`. Creating the view is not cut short.
    ///
    /// # Errors
    ///
    /// See [`RecvTimeoutError`].
    pub fn recv_deadline(&self, deadline: &Deadline) -> Result<Message<R, S>, RecvTimeoutError> {
        self.take(Patience::Until(deadline)).map_err(RecvTimeoutError::from)
    }

    /// Receives until the channel is closed. A message whose owner has ended is passed over.
    pub fn iter(&self) -> Iter<'_, R, S> {
        Iter { end: self }
    }

    /// Closes the channel: the same as dropping the end.
    pub fn close(self) {
        drop(self);
    }

    /// Number of messages inside, at this moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether nothing is inside, at this moment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Identity of the channel.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.channel.id
    }

    /// Wakes this channel's waiters on demand.
    #[must_use]
    pub fn nudge(&self) -> Nudge<R, S> {
        Nudge { channel: Shared::clone(&self.channel) }
    }

    pub(super) fn channel(&self) -> &Queue<R, S> {
        &self.channel
    }

    fn take(&self, patience: Patience<'_>) -> Result<Message<R, S>, NotReceived> {
        let take = || match self.channel.pop(patience).map_err(NotReceived::Refused)? {
            Item::Buffer(message) => {
                let pin = S::open(message).map_err(|Ended| NotReceived::OwnerEnded)?;
                Ok(Message::View(View::new(pin)))
            }
            Item::Array((message, layout)) => {
                let pin = S::open(message).map_err(|Ended| NotReceived::OwnerEnded)?;
                Ok(Message::Array(ArrayView::new(View::new(pin), layout)))
            }
            Item::SendEnd(end) => Ok(Message::SendEnd(end)),
            Item::ReceiveEnd(end) => {
                end.channel.unmoor();
                Ok(Message::ReceiveEnd(end))
            }
        };
        // SAFETY: `take` uses no token.
        unsafe { R::outside(take) }
    }
}

/// Why nothing was received.
pub(super) enum NotReceived {
    Refused(Refused),
    OwnerEnded,
}

impl<R: Runtime, S: Strategy<R>> Drop for ReceiveEnd<R, S> {
    /// Discards what is inside, oldest first, behind the channel's critical section: each buffer visits its owner (G4).
    ///
    /// Receive ends inside are closed here, not by their own drop, so that a long chain of them does not recurse. Each
    /// channel stays until what was inside is closed: a walk may come by, and shall find the moorings as they were.
    fn drop(&mut self) {
        let mut inside = self.channel.close_receive();
        let mut outer = Vec::new();
        loop {
            match inside.pop_front() {
                Some(Item::ReceiveEnd(end)) => {
                    let end = ManuallyDrop::new(end);
                    // SAFETY: `end` is neither used nor dropped afterwards, so its field is taken once.
                    let channel = unsafe { ptr::read(&end.channel) };
                    let rest = core::mem::replace(&mut inside, channel.close_receive());
                    outer.push((rest, channel));
                }
                Some(item) => drop(item),
                None => match outer.pop() {
                    Some((rest, _channel)) => inside = rest,
                    None => return,
                },
            }
        }
    }
}

/// Iterator over the messages of a channel, see [`ReceiveEnd::iter`].
pub struct Iter<'a, R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    end: &'a ReceiveEnd<R, S>,
}

impl<R: Runtime, S: Strategy<R>> Iterator for Iter<'_, R, S> {
    type Item = Message<R, S>;

    fn next(&mut self) -> Option<Message<R, S>> {
        loop {
            match self.end.recv() {
                Ok(message) => return Some(message),
                Err(RecvError::OwnerEnded) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl<'a, R: Runtime, S: Strategy<R>> IntoIterator for &'a ReceiveEnd<R, S> {
    type Item = Message<R, S>;
    type IntoIter = Iter<'a, R, S>;

    fn into_iter(self) -> Iter<'a, R, S> {
        self.iter()
    }
}

/// Wakes the threads that wait at a channel, so that each looks at its condition and its deadline again; harmless
/// otherwise. For model checkers, which have no clock.
pub struct Nudge<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    channel: Queue<R, S>,
}

impl<R: Runtime, S: Strategy<R>> Nudge<R, S> {
    /// Wakes all that wait, after [passing](Deadline::pass) `deadline`.
    pub fn nudge(&self, deadline: &Deadline) {
        self.channel.nudge(deadline);
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for Nudge<R, S> {
    fn clone(&self) -> Self {
        Self { channel: Shared::clone(&self.channel) }
    }
}

macro_rules! debug_by_id {
    ($($name:ident),*) => {$(
        impl<R: Runtime, S: Strategy<R>> fmt::Debug for $name<R, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("channel", &self.channel.id.0).finish()
            }
        }
    )*};
}
debug_by_id!(SendEnd, ReceiveEnd, Nudge);
