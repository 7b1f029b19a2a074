//! One error an operation. What could not be sent is in it.

use super::ends::NotReceived;
use super::message::{Rejected, Rejection};
use crate::trace::Refused;
use core::fmt;

const CLOSED: &str = "the channel is closed";
const TIMED_OUT: &str = "the deadline passed";
const NOT_OWNER: &str = "the buffer belongs to another interpreter than the one attached to";
const UNREACHABLE: &str = "the receive end would become unreachable: its channel leads back to it";
const INTERRUPTED: &str = "the thread's interpreter is ending";
const OWNER_ENDED: &str = "the owner of the message is ending or has ended";

macro_rules! send_errors {
    ($($(#[$doc:meta])* $name:ident { $($(#[$own_doc:meta])* $own:ident => $text:expr),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name<P> {
            /// The channel was closed from either side, or its receive end is gone.
            Closed(P),
            /// The buffer does not belong to the interpreter that the thread is attached to.
            NotOwner(P),
            /// The receive end would travel into a channel that only it leads to: nobody could receive it again. While other
            /// receive ends are on the move, it may look so for a moment: then a second try succeeds.
            Unreachable(P),
            $($(#[$own_doc])* $own(P),)*
        }

        impl<P> $name<P> {
            /// The payload, back.
            #[must_use]
            pub fn into_inner(self) -> P {
                match self {
                    Self::Closed(payload) | Self::NotOwner(payload) | Self::Unreachable(payload) => payload,
                    $(Self::$own(payload) => payload,)*
                }
            }
        }

        impl<P> fmt::Display for $name<P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::Closed(_) => CLOSED,
                    Self::NotOwner(_) => NOT_OWNER,
                    Self::Unreachable(_) => UNREACHABLE,
                    $(Self::$own(_) => $text,)*
                })
            }
        }

        impl<P: fmt::Debug> core::error::Error for $name<P> {}
    )*};
}

send_errors! {
    /// Why [`SendEnd::send`](super::SendEnd::send) failed.
    SendError {
        /// There was no space, and the interpreter of the thread began to end.
        Interrupted => INTERRUPTED
    }
    /// Why [`SendEnd::try_send`](super::SendEnd::try_send) failed.
    TrySendError {
        /// There is no space.
        Full => "the channel is full"
    }
    /// Why [`SendEnd::send_timeout`](super::SendEnd::send_timeout) failed.
    SendTimeoutError {
        /// There was no space, and the interpreter of the thread began to end.
        Interrupted => INTERRUPTED,
        /// There was no space until the deadline.
        TimedOut => TIMED_OUT
    }
}

impl<P> From<Rejected<P>> for SendError<P> {
    fn from(Rejected { why, payload }: Rejected<P>) -> Self {
        match why {
            Rejection::NotOwner => Self::NotOwner(payload),
            Rejection::Unreachable => Self::Unreachable(payload),
            Rejection::Refused(Refused::Interrupted) => Self::Interrupted(payload),
            // A sender that waits for ever is refused for no other reason.
            Rejection::Refused(_) => Self::Closed(payload),
        }
    }
}

impl<P> From<Rejected<P>> for TrySendError<P> {
    fn from(Rejected { why, payload }: Rejected<P>) -> Self {
        match why {
            Rejection::NotOwner => Self::NotOwner(payload),
            Rejection::Unreachable => Self::Unreachable(payload),
            Rejection::Refused(Refused::NotReady) => Self::Full(payload),
            // A sender that does not wait is refused for no other reason.
            Rejection::Refused(_) => Self::Closed(payload),
        }
    }
}

impl<P> From<Rejected<P>> for SendTimeoutError<P> {
    fn from(Rejected { why, payload }: Rejected<P>) -> Self {
        match why {
            Rejection::Refused(Refused::TimedOut) => Self::TimedOut(payload),
            why => match SendError::from(Rejected { why, payload }) {
                SendError::Closed(payload) => Self::Closed(payload),
                SendError::NotOwner(payload) => Self::NotOwner(payload),
                SendError::Unreachable(payload) => Self::Unreachable(payload),
                SendError::Interrupted(payload) => Self::Interrupted(payload),
            },
        }
    }
}

macro_rules! receive_errors {
    ($($(#[$doc:meta])* $name:ident { $($(#[$own_doc:meta])* $own:ident ($refused:ident) => $text:expr),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            /// Nothing is inside, and nothing can come: every send end is gone, or one closed the channel.
            Closed,
            /// A message was there, but its owner had begun to end before it was received, and it was sent with the
            /// policy [`Undelivered::Error`](super::Undelivered::Error); or its owner is gone, and its runtime adopts
            /// nothing. The message is gone, the channel goes on.
            OwnerEnded,
            $($(#[$own_doc])* $own,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::Closed => CLOSED,
                    Self::OwnerEnded => OWNER_ENDED,
                    $(Self::$own => $text,)*
                })
            }
        }

        impl core::error::Error for $name {}

        impl From<NotReceived> for $name {
            fn from(why: NotReceived) -> Self {
                match why {
                    NotReceived::OwnerEnded => Self::OwnerEnded,
                    $(NotReceived::Refused(Refused::$refused) => Self::$own,)*
                    NotReceived::Refused(_) => Self::Closed,
                }
            }
        }
    )*};
}

receive_errors! {
    /// Why [`ReceiveEnd::recv`](super::ReceiveEnd::recv) failed.
    RecvError {
        /// Nothing came, and the interpreter of the thread began to end.
        Interrupted(Interrupted) => INTERRUPTED
    }
    /// Why [`ReceiveEnd::try_recv`](super::ReceiveEnd::try_recv) failed.
    TryRecvError {
        /// Nothing is inside at the moment.
        Empty(NotReady) => "the channel is empty"
    }
    /// Why [`ReceiveEnd::recv_timeout`](super::ReceiveEnd::recv_timeout) failed.
    RecvTimeoutError {
        /// Nothing came, and the interpreter of the thread began to end.
        Interrupted(Interrupted) => INTERRUPTED,
        /// Nothing came until the deadline.
        TimedOut(TimedOut) => TIMED_OUT
    }
}
