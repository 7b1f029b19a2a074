//! A send and a receive, with or without patience, and what came of it in the words of outcomes.

use super::value::Value;
use super::words;
use crate::engine::host::{Host, Token};
use crate::scenario::Patience;
use viewchan::channel::Payload;
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::{Message, ReceiveEnd, Runtime, SendEnd};

/// A send about to happen.
pub(super) struct Attempt<'s, 'a, H: Host, S: Strategy<H::Runtime>> {
    pub(super) via: &'s SendEnd<H::Runtime, S>,
    pub(super) patience: Patience,
    pub(super) deadline: &'s Deadline,
    pub(super) token: Option<&'s Token<'a, H>>,
}

impl<H: Host, S: Strategy<H::Runtime>> Attempt<'_, '_, H, S> {
    /// Sends; the result, and the payload if it was not sent.
    pub(super) fn send<P: Payload<H::Runtime, S>>(
        self,
        payload: P,
        wrap: fn(P) -> Value<H::Runtime, S>,
    ) -> (Option<&'static str>, Option<Value<H::Runtime, S>>) {
        // The parser lets nobody send outside an interpreter: there would be no token.
        let Some(token) = self.token else { return (None, Some(wrap(payload))) };
        let sent = match self.patience {
            Patience::Forever => self.via.send(token, payload).map_err(words::unsent),
            Patience::Never => self.via.try_send(token, payload).map_err(words::untried),
            Patience::Deadline => self.via.send_deadline(token, payload, self.deadline).map_err(words::unsent_in_time),
        };
        match sent {
            Ok(()) => (Some("sent"), None),
            Err((why, payload)) => (Some(why), Some(wrap(payload))),
        }
    }
}

/// Receives.
pub(super) fn receive<R: Runtime, S: Strategy<R>>(
    via: &ReceiveEnd<R, S>,
    patience: Patience,
    deadline: &Deadline,
) -> Result<Message<R, S>, &'static str> {
    match patience {
        Patience::Forever => via.recv().map_err(words::not_received),
        Patience::Never => via.try_recv().map_err(words::nothing_received),
        Patience::Deadline => via.recv_deadline(deadline).map_err(words::not_received_in_time),
    }
}
