//! The ends of a channel.

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::message::{Item, Message, Payload, Rejected, Undelivered, discard, is_ending};
use super::queue::{Channel, Patience};
use crate::reference::Interpreter;
use crate::runtime::{Ended, Runtime, Waker};
use crate::strategy::{self, Strategy};
use crate::sync::{Deadline, Shared};
use crate::trace::{self, ChannelId, Event, Refused};
use crate::{ArrayView, View};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;
use std::time::Duration;

/// The two ends of a channel with this queue.
pub(super) fn ends<R: Runtime, S: Strategy<R>>(
    channel: Queue<R, S>,
    undelivered: Undelivered,
    choice: S::Choice,
) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    (SendEnd { channel: Shared::clone(&channel), undelivered, choice }, ReceiveEnd { channel, choice })
}

pub(super) type Queue<R, S> = Shared<Channel<Item<R, S>>>;

/// The end that sends. Clones are ends of the same channel; when the last one is dropped, the receiver sees the channel
/// closed once it has taken what is inside.
pub struct SendEnd<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    channel: Queue<R, S>,
    undelivered: Undelivered,
    choice: S::Choice,
}

impl<R: Runtime, S: Strategy<R>> SendEnd<R, S> {
    /// Sends, and waits for space as long as it takes, or until the thread's interpreter begins to end.
    ///
    /// While it waits, the thread is attached to nobody. A buffer moves its reference into the message, so that count
    /// does not change. [`Handover`](crate::strategy::Handover) and [`Deferred`](crate::strategy::Deferred) export the
    /// bytes here, under the lock that the thread holds; `Deferred` collects a batch of returned buffers before.
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

    /// What becomes of buffers sent through this end whose owner begins to end before they are received.
    #[must_use]
    pub fn undelivered(&self) -> Undelivered {
        self.undelivered
    }

    /// Decides that anew, for what is sent from now on. Clones made before keep their policy; it travels with the end.
    pub fn set_undelivered(&mut self, policy: Undelivered) {
        self.undelivered = policy;
    }

    /// What was chosen when the channel was made.
    #[must_use]
    pub fn choice(&self) -> S::Choice {
        self.choice
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

    pub(super) fn channel(&self) -> &Queue<R, S> {
        &self.channel
    }

    fn transmit<P: Payload<R, S>>(
        &self,
        token: &R::Token<'_>,
        payload: P,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<P>> {
        payload.transmit(token, self, patience)
    }
}

impl<R: Runtime, S: Strategy<R>> Clone for SendEnd<R, S> {
    fn clone(&self) -> Self {
        self.channel.add_sender();
        Self { channel: Shared::clone(&self.channel), ..*self }
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
    choice: S::Choice,
}

impl<R: Runtime, S: Strategy<R>> ReceiveEnd<R, S> {
    /// Waits for a message, as long as it takes, or until the thread's interpreter begins to end.
    ///
    /// A message that is there is taken at once, without leaving the thread's interpreter. If there is nothing yet, the
    /// thread leaves its interpreter, if it is in one, before it waits, and comes back to it at the end. With the
    /// default strategy, [`Shared`](strategy::Shared) and [`Proxy`](strategy::Proxy) it visits the buffer's owner, to
    /// create the view, and is out of its own interpreter for that.
    ///
    /// # Errors
    ///
    /// See [`RecvError`].
    pub fn recv(&self) -> Result<Message<R, S>, RecvError> {
        self.take(Patience::Forever).map_err(RecvError::from)
    }

    /// Takes a message if there is one now: does not wait for one.
    ///
    /// Like every receive, it may wait for locks: for the owner's, to create the view, if the strategy takes it, and
    /// for its own on the way back.
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

    /// Receives until the channel is closed, or nothing is inside and the thread's interpreter is ending. Messages that
    /// would be the error [`OwnerEnded`](RecvError::OwnerEnded) are passed over.
    pub fn iter(&self) -> Iter<'_, R, S> {
        Iter { end: self }
    }

    /// Closes the channel: the same as dropping the end.
    pub fn close(self) {
        drop(self);
    }

    /// Closes the channel while the end is shared: what is inside is discarded, and threads that wait for a message here,
    /// or come to, see it closed.
    pub fn shut(&self) {
        discard(self.channel.close_receive());
    }

    /// What was chosen when the channel was made.
    #[must_use]
    pub fn choice(&self) -> S::Choice {
        self.choice
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

    /// Takes what is there, attached or not; otherwise leaves the interpreter to wait for something.
    fn take(&self, patience: Patience<'_>) -> Result<Message<R, S>, NotReceived> {
        R::with_current(|here| {
            if here.is_none() {
                return self.next(patience, None);
            }
            match self.next(Patience::Never, here) {
                Err(NotReceived::Refused(Refused::NotReady)) if !matches!(patience, Patience::Never) => {
                    let waker: Waker = Shared::clone(&self.channel) as Waker;
                    // SAFETY: `next` uses no token.
                    unsafe { R::wait(&waker, |home| self.next(patience, home)) }
                }
                done => done,
            }
        })
    }

    /// The next message that is not removed because of its owner's end. The thread is attached to `home` or to nobody.
    fn next(&self, patience: Patience<'_>, home: Option<&R>) -> Result<Message<R, S>, NotReceived> {
        loop {
            match self.channel.pop(patience, &|| is_ending(home)).map_err(NotReceived::Refused)? {
                Item::Buffer { message, undelivered: policy, layout } => match undelivered::<R, S>(&message, policy) {
                    None => {
                        let view = View::new(S::open(message, home).map_err(|Ended| NotReceived::OwnerEnded)?);
                        return Ok(match layout {
                            Some(layout) => Message::Array(ArrayView::new(view, layout)),
                            None => Message::View(view),
                        });
                    }
                    Some(Gone::Error) => {
                        drop(message);
                        return Err(NotReceived::OwnerEnded);
                    }
                    Some(Gone::Removed) => drop(message),
                },
                Item::SendEnd(end) => return Ok(Message::SendEnd(end)),
                Item::ReceiveEnd(end) => {
                    end.channel.unmoor();
                    return Ok(Message::ReceiveEnd(end));
                }
            }
        }
    }
}

/// What comes in the place of a message.
enum Gone {
    Error,
    Removed,
}

/// Decides between a message and its policy, once for all: whether its owner's end has begun (G7). Nobody looks for a message
/// that is delivered in any case.
fn undelivered<R: Runtime, S: Strategy<R>>(message: &S::Message, policy: Undelivered) -> Option<Gone> {
    let gone = match policy {
        Undelivered::Deliver => return None,
        Undelivered::Error => Gone::Error,
        Undelivered::Remove => Gone::Removed,
    };
    let owner = S::owner(message);
    let ending = owner.ledger().life.is_ending();
    trace::emit(|| Event::Inspected { interpreter: owner.id(), ending });
    ending.then_some(gone)
}

/// Why nothing was received.
pub(super) enum NotReceived {
    Refused(Refused),
    OwnerEnded,
}

impl<R: Runtime, S: Strategy<R>> Drop for ReceiveEnd<R, S> {
    fn drop(&mut self) {
        self.shut();
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
                Err(RecvError::Closed | RecvError::Interrupted) => return None,
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
