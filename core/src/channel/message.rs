//! What goes in and what comes out.

use super::ends::{ReceiveEnd, SendEnd};
use super::queue::{Channel, Patience};
use crate::layout::Layout;
use crate::reference::Interpreter;
use crate::runtime::Runtime;
use crate::strategy::{self, Strategy};
use crate::sync::Shared;
use crate::trace::Refused;
use crate::{ArrayView, Buffer, Shaped, View};
use core::fmt;

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
    Buffer(S::Message),
    Array((S::Message, Box<Layout>)),
    SendEnd(SendEnd<R, S>),
    ReceiveEnd(ReceiveEnd<R, S>),
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
    use super::{Patience, Rejected, Runtime, Shared, Strategy};

    pub(in super::super) type Queue<R, S> = Shared<super::Channel<super::Item<R, S>>>;

    #[allow(private_interfaces, reason = "the trait cannot be named outside")]
    pub trait Sealed<R: Runtime, S: Strategy<R>>: Sized {
        fn transmit(
            self,
            token: &R::Token<'_>,
            queue: &Queue<R, S>,
            patience: Patience<'_>,
        ) -> Result<(), Rejected<Self>>;
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for Buffer<R> {
    fn transmit(
        self,
        token: &R::Token<'_>,
        queue: &sealed::Queue<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if R::here(token).id() != self.owner().id() {
            return Err(Rejected { why: Rejection::NotOwner, payload: self });
        }
        let message = S::pin(token, self);
        send_or_wait::<R, S, _>(queue, message, Item::Buffer, patience)
            .map_err(|(why, message)| Rejected { why: Rejection::Refused(why), payload: S::withdraw(token, message) })
    }
}

/// The protocol is that of the buffer; the layout travels beside it.
#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for Shaped<R> {
    fn transmit(
        self,
        token: &R::Token<'_>,
        queue: &sealed::Queue<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if R::here(token).id() != self.buffer().owner().id() {
            return Err(Rejected { why: Rejection::NotOwner, payload: self });
        }
        let (buffer, layout) = self.into_boxed_parts();
        let message = (S::pin(token, buffer), layout);
        send_or_wait::<R, S, _>(queue, message, Item::Array, patience).map_err(|(why, (message, layout))| Rejected {
            why: Rejection::Refused(why),
            payload: Shaped::from_boxed_parts(S::withdraw(token, message), layout),
        })
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for SendEnd<R, S> {
    fn transmit(
        self,
        _token: &R::Token<'_>,
        queue: &sealed::Queue<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        send_or_wait::<R, S, _>(queue, self, Item::SendEnd, patience)
            .map_err(|(why, end)| Rejected { why: Rejection::Refused(why), payload: end })
    }
}

#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl<R: Runtime, S: Strategy<R>> sealed::Sealed<R, S> for ReceiveEnd<R, S> {
    fn transmit(
        self,
        _token: &R::Token<'_>,
        queue: &sealed::Queue<R, S>,
        patience: Patience<'_>,
    ) -> Result<(), Rejected<Self>> {
        if self.channel().moor(queue).is_err() {
            return Err(Rejected { why: Rejection::Unreachable, payload: self });
        }
        send_or_wait::<R, S, _>(queue, self, Item::ReceiveEnd, patience).map_err(|(why, end)| {
            end.channel().unmoor();
            Rejected { why: Rejection::Refused(why), payload: end }
        })
    }
}

/// Sends at once if there is space; otherwise leaves the interpreter to wait for some.
fn send_or_wait<R: Runtime, S: Strategy<R>, M>(
    queue: &Channel<Item<R, S>>,
    message: M,
    wrap: fn(M) -> Item<R, S>,
    patience: Patience<'_>,
) -> Result<(), (Refused, M)> {
    match queue.push(message, wrap, Patience::Never) {
        Err((Refused::NotReady, message)) if !matches!(patience, Patience::Never) => {
            // SAFETY: `push` uses no token.
            unsafe { R::outside(|| queue.push(message, wrap, patience)) }
        }
        done => done,
    }
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
