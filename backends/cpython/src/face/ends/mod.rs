//! Ends: making a channel, sending, receiving.

mod receive;
mod send;

pub(super) use receive::ReceiveEndValue;
pub(super) use send::SendEndValue;

use super::Error;
use super::claim::{Slot, Taken};
use super::entry::Context;
use super::errors::Raises;
use super::message::Sendable;
use crate::py::{Args, Owned, Raised, Ref, Result};
use crate::runtime::Python;
use crate::strategy::{Any, Strategy};
use core::cell::RefCell;
use std::time::{Duration, Instant};
use viewchan::channel::{Options, Payload, Undelivered};
use viewchan::{Message, Shaped};

pub(super) type SendEnd = viewchan::SendEnd<Python, Any>;
pub(super) type ReceiveEnd = viewchan::ReceiveEnd<Python, Any>;

/// How long an operation waits.
#[derive(Clone, Copy)]
enum Patience {
    Never,
    For(Duration),
    Forever,
}

impl From<Option<Duration>> for Patience {
    fn from(timeout: Option<Duration>) -> Self {
        timeout.map_or(Self::Forever, Self::For)
    }
}

const POLICIES: [(&str, Undelivered); 3] =
    [("deliver", Undelivered::Deliver), ("error", Undelivered::Error), ("remove", Undelivered::Remove)];

impl<'p> Context<'p> {
    /// A new channel.
    pub(super) fn channel(&self, args: Args<'p>) -> Result<Owned<'p>> {
        let [maxsize, strategy, undelivered] = args.bind("channel", ["maxsize", "strategy", "undelivered"], 0)?;
        let strategies = Strategy::ALL.map(|strategy| (strategy.name(), strategy));
        let maxsize = maxsize.map_or(Ok(0), |maxsize| self.size("maxsize", maxsize))?;
        let strategy = strategy.map_or(Ok(Strategy::View), |word| self.word("strategy", word, &strategies))?;
        let undelivered =
            undelivered.map_or(Ok(Undelivered::Deliver), |word| self.word("undelivered", word, &POLICIES))?;
        let options = Options::new().undelivered(undelivered);
        let options = if maxsize > 0 { options.capacity(maxsize) } else { options };
        let (send, receive) = options.open_chosen::<Python, Any>(strategy);
        self.attached.tuple([self.send_end(send)?, self.receive_end(receive)?])
    }

    pub(super) fn send_end(&self, end: SendEnd) -> Result<Owned<'p>> {
        let (id, strategy) = (end.channel_id().0, end.choice());
        self.create(self.state().classes.send_end, SendEndValue { end: RefCell::new(Some(end)), id, strategy })
    }

    pub(super) fn receive_end(&self, end: ReceiveEnd) -> Result<Owned<'p>> {
        let (id, strategy) = (end.channel_id().0, end.choice());
        self.create(self.state().classes.receive_end, ReceiveEndValue { slot: Slot::new(end), id, strategy })
    }

    fn send(&self, through: &SendEndValue, object: Ref<'p>, patience: Patience) -> Result<Owned<'p>> {
        let end = through.open(self)?;
        match self.sendable(object)? {
            Sendable::Immutable(immutable, layout) => {
                if self.home().is_gone() {
                    return Err(self.raise(Error::Closed, "the interpreter is gone: nothing of it can be sent"));
                }
                if through.strategy == Strategy::Deferred {
                    self.home().start_collector().map_err(|error| self.attached.raise_os(&error))?;
                }
                let buffer = self.freeze(&immutable, through.strategy);
                match layout {
                    None => self.transmit(&end, buffer, patience).map_err(|(raised, _buffer)| raised),
                    Some(layout) => {
                        let shaped = Shaped::from_parts(buffer, layout);
                        self.transmit(&end, shaped, patience).map_err(|(raised, _shaped)| raised)
                    }
                }
            }
            Sendable::SendEnd(what) => {
                let what = what.open(self)?;
                self.transmit(&end, what, patience).map_err(|(raised, _end)| raised)
            }
            Sendable::ReceiveEnd(what) => {
                let Taken { end: what_end, signal } = what.slot.take(self)?;
                self.transmit(&end, what_end, patience).map_err(|(raised, end)| {
                    what.slot.put(Taken { end, signal });
                    raised
                })
            }
        }?;
        Ok(self.attached.none())
    }

    /// Sends a payload, or gives it back with an exception set.
    fn transmit<P: Payload<Python, Any>>(
        &self,
        end: &SendEnd,
        payload: P,
        patience: Patience,
    ) -> core::result::Result<(), (Raised, P)> {
        let token = self.token();
        if let Err(raised) = self.prepare_to_wait(patience) {
            return Err((raised, payload));
        }
        let refused = match patience {
            Patience::Never => refusal(end.try_send(&token, payload), |error| error.into_inner()),
            _ if self.home().is_main() => return self.transmit_at_signals(end, payload, patience),
            Patience::For(timeout) => refusal(end.send_timeout(&token, payload, timeout), |error| error.into_inner()),
            Patience::Forever => refusal(end.send(&token, payload), |error| error.into_inner()),
        };
        refused.map_err(|(kind, message, payload)| (self.raise(kind, &message), payload))
    }

    /// The same for threads that a signal may interrupt.
    fn transmit_at_signals<P: Payload<Python, Any>>(
        &self,
        end: &SendEnd,
        mut payload: P,
        patience: Patience,
    ) -> core::result::Result<(), (Raised, P)> {
        let token = self.token();
        let deadline = deadline(patience);
        loop {
            match refusal(end.try_send(&token, payload), |error| error.into_inner()) {
                Ok(()) => return Ok(()),
                Err((Error::Full, _, back)) => payload = back,
                Err((kind, message, back)) => return Err((self.raise(kind, &message), back)),
            }
            match self.wait_until_ready(|listener| end.watch(listener), |listener| end.unwatch(listener), deadline) {
                Ok(true) => {}
                Ok(false) => return Err((self.raise(Error::Timeout, "there was no space in time"), payload)),
                Err(raised) => return Err((raised, payload)),
            }
        }
    }

    fn receive(&self, from: &ReceiveEndValue, patience: Patience) -> Result<Owned<'p>> {
        let end = from.slot.open(self)?;
        self.prepare_to_wait(patience)?;
        let received = match patience {
            Patience::Never => end.try_recv().map_err(|error| self.raise_core(&error)),
            _ if self.home().is_main() => self.receive_at_signals(&end, patience),
            Patience::For(timeout) => end.recv_timeout(timeout).map_err(|error| self.raise_core(&error)),
            Patience::Forever => end.recv().map_err(|error| self.raise_core(&error)),
        };
        match received? {
            Message::View(view) => self.show(view),
            Message::Array(array) => self.show_array(array),
            Message::SendEnd(end) => self.send_end(end),
            Message::ReceiveEnd(end) => self.receive_end(end),
            _ => unreachable!("there are four kinds of messages"),
        }
    }

    /// Waits where a signal may interrupt.
    fn receive_at_signals(&self, end: &ReceiveEnd, patience: Patience) -> Result<Message<Python, Any>> {
        let deadline = deadline(patience);
        loop {
            match end.try_recv() {
                Err(error) if matches!(error.kind(), Error::Empty) => {}
                done => return done.map_err(|error| self.raise_core(&error)),
            }
            if !self.wait_until_ready(|listener| end.watch(listener), |listener| end.unwatch(listener), deadline)? {
                return Err(self.raise(Error::Timeout, "nothing came in time"));
            }
        }
    }

    fn prepare_to_wait(&self, patience: Patience) -> Result<()> {
        if matches!(patience, Patience::Never) || self.home().is_main() { Ok(()) } else { self.watch_threads() }
    }

    fn raise_core(&self, error: &(impl Raises + core::fmt::Display)) -> Raised {
        self.raise(error.kind(), &error.to_string())
    }
}

fn deadline(patience: Patience) -> Option<Instant> {
    match patience {
        Patience::For(timeout) => Instant::now().checked_add(timeout),
        Patience::Never | Patience::Forever => None,
    }
}

/// Why something was not sent, in the words of an exception, and what.
fn refusal<P, E: Raises + core::fmt::Display>(
    sent: core::result::Result<(), E>,
    into_payload: impl FnOnce(E) -> P,
) -> core::result::Result<(), (Error, String, P)> {
    sent.map_err(|error| (error.kind(), error.to_string(), into_payload(error)))
}
