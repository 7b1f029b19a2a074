//! The channel of a scenario's declaration, and every error of the channel in the words of outcomes.

use crate::scenario;
use viewchan::channel::{
    Options, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, Undelivered,
};
use viewchan::strategy::Strategy;
use viewchan::{ReceiveEnd, Runtime, SendEnd};

/// Chooses what becomes of the messages that are sent through an end from now on.
pub(super) fn set_undelivered<R: Runtime, S: Strategy<R>>(end: &mut SendEnd<R, S>, policy: scenario::Undelivered) {
    end.set_undelivered(undelivered(policy));
}

/// Makes a channel.
pub(super) fn open<R: Runtime, S: Strategy<R>>(channel: &scenario::ChannelDecl) -> (SendEnd<R, S>, ReceiveEnd<R, S>) {
    let options = Options::new().undelivered(undelivered(channel.undelivered));
    match channel.capacity {
        Some(capacity) => options.capacity(capacity).open_with(),
        None => options.open_with(),
    }
}

fn undelivered(policy: scenario::Undelivered) -> Undelivered {
    match policy {
        scenario::Undelivered::Deliver => Undelivered::Deliver,
        scenario::Undelivered::Error => Undelivered::Error,
        scenario::Undelivered::Remove => Undelivered::Remove,
    }
}

/// Why `send` failed, and what was not sent.
pub(super) fn unsent<P>(error: SendError<P>) -> (&'static str, P) {
    match error {
        SendError::Closed(payload) => ("closed", payload),
        SendError::Interrupted(payload) => ("interrupted", payload),
        SendError::NotOwner(payload) => ("not-owner", payload),
        SendError::Unreachable(payload) => ("unreachable", payload),
        other => ("unknown", other.into_inner()),
    }
}

/// Why `try-send` failed, and what was not sent.
pub(super) fn untried<P>(error: TrySendError<P>) -> (&'static str, P) {
    match error {
        TrySendError::Closed(payload) => ("closed", payload),
        TrySendError::NotOwner(payload) => ("not-owner", payload),
        TrySendError::Unreachable(payload) => ("unreachable", payload),
        TrySendError::Full(payload) => ("full", payload),
        other => ("unknown", other.into_inner()),
    }
}

/// Why `send-timeout` failed, and what was not sent.
pub(super) fn unsent_in_time<P>(error: SendTimeoutError<P>) -> (&'static str, P) {
    match error {
        SendTimeoutError::Closed(payload) => ("closed", payload),
        SendTimeoutError::Interrupted(payload) => ("interrupted", payload),
        SendTimeoutError::NotOwner(payload) => ("not-owner", payload),
        SendTimeoutError::Unreachable(payload) => ("unreachable", payload),
        SendTimeoutError::TimedOut(payload) => ("timed-out", payload),
        other => ("unknown", other.into_inner()),
    }
}

/// Why `recv` failed.
pub(super) fn not_received(error: RecvError) -> &'static str {
    match error {
        RecvError::Closed => "closed",
        RecvError::Interrupted => "interrupted",
        RecvError::OwnerEnded => "owner-ended",
        _ => "unknown",
    }
}

/// Why `try-recv` failed.
pub(super) fn nothing_received(error: TryRecvError) -> &'static str {
    match error {
        TryRecvError::Closed => "closed",
        TryRecvError::Empty => "empty",
        TryRecvError::OwnerEnded => "owner-ended",
        _ => "unknown",
    }
}

/// Why `recv-timeout` failed.
pub(super) fn not_received_in_time(error: RecvTimeoutError) -> &'static str {
    match error {
        RecvTimeoutError::Closed => "closed",
        RecvTimeoutError::Interrupted => "interrupted",
        RecvTimeoutError::OwnerEnded => "owner-ended",
        RecvTimeoutError::TimedOut => "timed-out",
        _ => "unknown",
    }
}
