//! Ends on their way to another interpreter, other than through a channel.
//!
//! A send end is copied, and the copy travels. A receive end moves, and only when it has arrived: until then it is
//! where it was, so that nothing is lost if it never arrives. What travels is a claim on the slot in which it is.

use super::ends::{ReceiveEnd, ReceiveEndValue, SendEnd, SendEndValue};
use super::wait::Signal;
use super::{Context, Error};
use crate::py::{Owned, Raised, Ref, Result};
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

/// A receive end that was taken out, to move.
pub(super) struct Taken {
    pub(super) end: ReceiveEnd,
    /// It watches nothing until the end is put back. If the end moves, it goes.
    pub(super) signal: Option<Arc<Signal>>,
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
        end.ok_or_else(|| Self::gone(context))
    }

    fn gone(context: &Context<'_>) -> Raised {
        context.raise(Error::Closed, "this receive end has been closed or has moved away")
    }

    /// Takes the end out, to move it.
    pub(super) fn take(&self, context: &Context<'_>) -> Result<Taken> {
        match self.try_take() {
            Ok(Some(taken)) => Ok(taken),
            Ok(None) => Err(Self::gone(context)),
            Err(InUse) => {
                Err(context.raise(Error::NotShareable, "a thread is receiving from this end: it cannot move meanwhile"))
            }
        }
    }

    fn try_take(&self) -> core::result::Result<Option<Taken>, InUse> {
        let mut slot = self.0.lock();
        let Some(mut held) = slot.take() else { return Ok(None) };
        match Arc::try_unwrap(held.end) {
            Ok(end) => {
                let signal = held.signal.map(|(signal, listener)| {
                    end.unwatch(&listener);
                    signal
                });
                Ok(Some(Taken { end, signal }))
            }
            Err(end) => {
                held.end = end;
                *slot = Some(held);
                Err(InUse)
            }
        }
    }

    /// Puts an end back that could not be moved. Its file descriptor is the one that it had.
    pub(super) fn put(&self, Taken { end, signal }: Taken) {
        let signal = signal.map(|signal| {
            signal.clear();
            let listener: Listener = signal.clone();
            end.watch(listener.clone());
            (signal, listener)
        });
        *self.0.lock() = Some(Held { end: Arc::new(end), signal });
    }

    /// Closes the end. Threads that wait for a message at it are woken.
    pub(super) fn close(&self) {
        let held = self.0.lock().take();
        if let Some(Held { end, signal }) = held {
            if let Some((_signal, listener)) = signal {
                end.unwatch(&listener);
            }
            end.shut();
        }
    }

    /// A file descriptor that is readable while the end is ready.
    pub(super) fn fileno(&self, context: &Context<'_>) -> Result<RawFd> {
        let mut slot = self.0.lock();
        let Some(Held { end, signal }) = slot.as_mut() else {
            return Err(Self::gone(context));
        };
        if let Some((signal, _)) = signal {
            return Ok(signal.fileno());
        }
        let new = Arc::new(Signal::new().map_err(|error| context.attached.raise_os(&error))?);
        let (fileno, listener): (RawFd, Listener) = (new.fileno(), new.clone());
        end.watch(listener.clone());
        *signal = Some((new, listener));
        Ok(fileno)
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
                let Taken { end, .. } = slot.take(self)?;
                self.receive_end(end)
            }
        }
    }
}
