//! Ends on their way to another interpreter, other than through a channel.
//!
//! A send end is copied, and the copy travels. A receive end moves, and only when it has arrived: until then it is
//! where it was, so that nothing is lost if it never arrives. What travels is a claim on the slot in which it is.

use super::ends::{ReceiveEnd, ReceiveEndValue, SendEnd, SendEndValue};
use super::wait::Signal;
use super::{Context, Error};
use crate::py::{Owned, Ref, Result};
use parking_lot::Mutex;
use std::os::fd::RawFd;
use std::sync::Arc;
use viewchan::channel::Listener;

/// Where a receive end is, if it has not been closed and has not moved away.
pub(super) struct Slot(Mutex<Option<Held>>);

struct Held {
    /// A thread that receives has a clone.
    end: Arc<ReceiveEnd>,
    /// For `fileno`: it watches the end.
    signal: Option<(Arc<Signal>, Listener)>,
}

impl Held {
    fn unwatch(&mut self) {
        if let Some((_signal, listener)) = self.signal.take() {
            self.end.unwatch(&listener);
        }
    }
}

impl Slot {
    pub(super) fn new(end: ReceiveEnd) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Held { end: Arc::new(end), signal: None }))))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_none()
    }

    pub(super) fn open(&self, context: &Context<'_>) -> Result<Arc<ReceiveEnd>> {
        let end = self.0.lock().as_ref().map(|held| Arc::clone(&held.end));
        end.ok_or_else(|| context.raise(Error::Closed, "this receive end has been closed or has moved away"))
    }

    /// Takes the end out, to move it.
    pub(super) fn take(&self, context: &Context<'_>) -> Result<ReceiveEnd> {
        match self.try_take() {
            Ok(Some(end)) => Ok(end),
            Ok(None) => Err(context.raise(Error::Closed, "this receive end has been closed or has moved away")),
            Err(InUse) => {
                Err(context.raise(Error::NotShareable, "a thread is receiving from this end: it cannot move meanwhile"))
            }
        }
    }

    fn try_take(&self) -> core::result::Result<Option<ReceiveEnd>, InUse> {
        let mut slot = self.0.lock();
        let Some(mut held) = slot.take() else { return Ok(None) };
        match Arc::try_unwrap(held.end) {
            Ok(end) => {
                if let Some((_signal, listener)) = held.signal.take() {
                    end.unwatch(&listener);
                }
                Ok(Some(end))
            }
            Err(end) => {
                held.end = end;
                *slot = Some(held);
                Err(InUse)
            }
        }
    }

    /// Puts an end back that could not be moved.
    pub(super) fn put(&self, end: ReceiveEnd) {
        *self.0.lock() = Some(Held { end: Arc::new(end), signal: None });
    }

    /// Closes the end. Threads that wait for a message at it are woken.
    pub(super) fn close(&self) {
        let held = self.0.lock().take();
        if let Some(mut held) = held {
            held.unwatch();
            held.end.shut();
        }
    }

    /// A file descriptor that is readable while the end is ready.
    pub(super) fn fileno(&self, context: &Context<'_>) -> Result<RawFd> {
        let end = self.open(context)?;
        let signal = Arc::new(Signal::new().map_err(|error| context.attached.raise_os(&error))?);
        let mut slot = self.0.lock();
        let Some(held) = slot.as_mut() else { return Ok(-1) };
        if held.signal.is_none() {
            let listener: Listener = signal.clone();
            end.watch(listener.clone());
            held.signal = Some((signal, listener));
        }
        Ok(held.signal.as_ref().map_or(-1, |(signal, _)| signal.fileno()))
    }
}

/// A thread is receiving from it.
struct InUse;

/// An end that travels.
pub(crate) enum Claim {
    Send(SendEnd),
    Receive(Arc<Slot>),
}

impl<'p> Context<'p> {
    /// A claim on an end. It is checked now that the end can travel, and again when it arrives.
    pub(super) fn claim(&self, end: Ref<'p>) -> Result<Claim> {
        if let Some(end) = self.value::<SendEndValue>(end) {
            return Ok(Claim::Send(end.open(self)?));
        }
        if let Some(end) = self.value::<ReceiveEndValue>(end) {
            end.slot.open(self)?;
            return Ok(Claim::Receive(Arc::clone(&end.slot)));
        }
        let message =
            format!("only channel ends can be passed, not a '{}': send it through a channel", end.class_name());
        Err(self.raise(Error::NotShareable, &message))
    }

    /// The end arrives in the present interpreter.
    pub(super) fn arrive(&self, claim: Claim) -> Result<Owned<'p>> {
        match claim {
            Claim::Send(end) => self.send_end(end),
            Claim::Receive(slot) => {
                let end = slot.take(self)?;
                self.receive_end(end)
            }
        }
    }
}
