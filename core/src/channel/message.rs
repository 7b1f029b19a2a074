//! What goes in and what comes out.

use super::ends::{ReceiveEnd, SendEnd};
use super::queue::Patience;
use crate::layout::Layout;
use crate::reference::Interpreter;
use crate::runtime::{Runtime, Waker};
use crate::strategy::{self, Strategy};
use crate::sync::Shared;
use crate::trace::Refused;
use crate::{ArrayView, Buffer, Shaped, View};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;
use std::collections::VecDeque;

/// A received message.
#[non_exhaustive]
pub enum Message<R: Runtime = Interpreter, S: Strategy<R> = strategy::View> {
    /// A view of the bytes that were sent.
    View(View<R, S>),
    /// A view of the array that was sent.
    Array(ArrayView<R, S>),
    /// A send end that was sent.
    SendEnd(SendEnd<R, S>),
    /// A receive end that was sent.
    ReceiveEnd(ReceiveEnd<R, S>),
}

impl<R: Runtime, S: Strategy<R>> Message<R, S> {
    /// The view, if the message is one. An array is not: see [`into_array`](Self::into_array).
    ///
    /// # Errors
    ///
    /// Gives the message back if it is something else.
    pub fn into_view(self) -> Result<View<R, S>, Self> {
        match self {
            Self::View(view) => Ok(view),
            other => Err(other),
        }
    }
}

/// What waits in a queue. Dropping one discards it.
pub(super) enum Item<R: Runtime, S: Strategy<R>> {
    /// A buffer; an array if it has a layout.
    Buffer {
        message: S::Message,
        undelivered: Undelivered,
        layout: Option<Box<Layout>>,
    },
    SendEnd(SendEnd<R, S>),
    ReceiveEnd(ReceiveEnd<R, S>),
}

/// Discards what was in a channel, oldest first, behind its critical section: each buffer visits its owner (G4).
///
/// Receive ends inside are closed here, not by their own drop, so that a long chain of them does not recurse. Each
/// channel stays until what was inside is closed: a walk may come by, and shall find the moorings as they were.
pub(super) fn discard<R: Runtime, S: Strategy<R>>(mut inside: VecDeque<Item<R, S>>) {
    let mut outer = Vec::new();
    loop {
        match inside.pop_front() {
            Some(Item::ReceiveEnd(end)) => {
                let end = ManuallyDrop::new(end);
                // SAFETY: `end` is neither used nor dropped afterwards, so its field is taken once.
                let channel = unsafe { ptr::read(end.channel()) };
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

/// What becomes of a buffer that was sent when its owner begins to [end](crate::Interpreter::end) before it is
/// received.
///
/// The receiver decides, when it has taken the message out. Discarding a dropped receive end's messages does not ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Undelivered {
    /// It is received as if nothing had happened. The bytes outlive the interpreter. (On a runtime that does not adopt
    /// them, the receiver gets the error `OwnerEnded` if the strategy needs the owner to make a view.)
    #[default]
    Deliver,
    /// The receiver gets the error `OwnerEnded` in its place, and the buffer is given back.
    Error,
    /// It is given back and passed over: the receiver goes on with the next message, or waits for one.
    Remove,
}

/// Why a payload was not sent, and the payload.
pub(super) struct Rejected<P> {
    pub(super) why: Rejection,
    pub(super) payload: P,
}

/// Why a payload was not sent.
pub(super) enum Rejection {
    Refused(Refused),
    NotOwner,
    Unreachable,
}

/// What can be sent: a [`Buffer`], a [`Shaped`] one, a [`SendEnd`], a [`ReceiveEnd`]. Sealed.
pub trait Payload<R: Runtime, S: Strategy<R>>: sealed::Sealed<R, S> {}
impl<R: Runtime, S: Strategy<R>, P: sealed::Sealed<R, S>> Payload<R, S> for P {}

pub(super) mod sealed {
    use super::{Patience, Rejected, Runtime, SendEnd, Strategy};

    #[allow(private_interfaces, reason = "the trait cannot be named outside")]
    pub trait Sealed<R: Runtime, S: Strategy<R>>: Sized {
        fn transmit(
            self,
            token: &R::Token<'_>,
            through: &SendEnd<R, S>,
            patience: Patience<'_>,
        ) -> Result<(), Rejected<Self>>;
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for Buffer<R> {
    fn transmit(
        self,
        token: &R::Token<'_>,
        through: &SendEnd<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if R::here(token).id() != self.owner().id() {
            return Err(Rejected { why: Rejection::NotOwner, payload: self });
        }
        let message = S::pin(through.choice(), token, self);
        let wrap = |message| Item::Buffer { message, undelivered: through.undelivered(), layout: None };
        send_or_wait(through, message, wrap, patience, |_| ())
            .map_err(|(why, message)| Rejected { why: Rejection::Refused(why), payload: S::withdraw(token, message) })
    }
}

/// The protocol is that of the buffer; the layout travels beside it.
#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for Shaped<R> {
    fn transmit(
        self,
        token: &R::Token<'_>,
        through: &SendEnd<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if R::here(token).id() != self.buffer().owner().id() {
            return Err(Rejected { why: Rejection::NotOwner, payload: self });
        }
        let (buffer, layout) = self.into_boxed_parts();
        let wrap =
            |(message, layout)| Item::Buffer { message, undelivered: through.undelivered(), layout: Some(layout) };
        send_or_wait(through, (S::pin(through.choice(), token, buffer), layout), wrap, patience, |_| ()).map_err(
            |(why, (message, layout))| {
                let payload = Shaped::from_boxed_parts(S::withdraw(token, message), layout);
                Rejected { why: Rejection::Refused(why), payload }
            },
        )
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for SendEnd<R, S> {
    fn transmit(
        self,
        _token: &R::Token<'_>,
        through: &SendEnd<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        send_or_wait(through, self, Item::SendEnd, patience, |_| ())
            .map_err(|(why, end)| Rejected { why: Rejection::Refused(why), payload: end })
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for ReceiveEnd<R, S> {
    fn transmit(
        self,
        _token: &R::Token<'_>,
        through: &SendEnd<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if self.channel().moor(through.channel()).is_err() {
            return Err(Rejected { why: Rejection::Unreachable, payload: self });
        }
        let unmoor = |end: &Self| end.channel().unmoor();
        send_or_wait(through, self, Item::ReceiveEnd, patience, unmoor)
            .map_err(|(why, end)| Rejected { why: Rejection::Refused(why), payload: end })
    }
}

/// Sends at once if there is space; otherwise leaves the interpreter to wait for some. What is finally refused is shown to
/// `refused` at once: before the thread comes back, for which it may have to wait.
fn send_or_wait<R: Runtime, S: Strategy<R>, M>(
    through: &SendEnd<R, S>,
    message: M,
    wrap: impl Fn(M) -> Item<R, S>,
    patience: Patience<'_>,
    refused: impl Fn(&M),
) -> Result<(), (Refused, M)> {
    let queue = through.channel();
    match queue.push(message, &wrap, Patience::Never, &|| false) {
        Err((Refused::NotReady, message)) if !matches!(patience, Patience::Never) => {
            let wait = |home: Option<&R>| {
                queue.push(message, &wrap, patience, &|| is_ending(home)).inspect_err(|(_, message)| refused(message))
            };
            // SAFETY: neither `push` nor `refused` uses a token.
            unsafe { R::wait(&(Shared::clone(queue) as Waker), wait) }
        }
        done => done.inspect_err(|(_, message)| refused(message)),
    }
}

/// Whether the interpreter that a thread comes from is ending.
pub(super) fn is_ending<R: Runtime>(home: Option<&R>) -> bool {
    home.is_some_and(|home| home.ledger().life.is_ending())
}

impl<R: Runtime, S: Strategy<R>> fmt::Debug for Message<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(view) => f.debug_tuple("View").field(view).finish(),
            Self::Array(array) => f.debug_tuple("Array").field(array).finish(),
            Self::SendEnd(end) => f.debug_tuple("SendEnd").field(end).finish(),
            Self::ReceiveEnd(end) => f.debug_tuple("ReceiveEnd").field(end).finish(),
        }
    }
}
