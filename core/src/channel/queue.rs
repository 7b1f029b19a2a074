//! The queue between the ends: one mutex, two conditions, no interpreter's lock.
//!
//! Everything that happens to a channel happens in one critical section of `state`, and nothing else does: no interpreter
//! is entered, no message dropped, no foreign code run under it (G4). Messages that fall out of the queue are returned to
//! the caller, who drops them outside. A runtime's listeners are told inside: see `readiness.rs`.
//!
//! ```text
//!            send ends: 1 … n                          receive end: 1
//!   open ────────────────────────▶ draining    open ────────────────────▶ gone
//!        last end dropped, or closed:               dropped or closed:
//!        no send succeeds any more,                 no send succeeds any more,
//!        what is inside can be received             what is inside is discarded
//! ```

use super::mooring::Mooring;
use super::readiness::Watches;
use crate::runtime::Wake;
use crate::sync::site::{
    WAKE_CLOSED_RECEIVERS, WAKE_CLOSED_SENDERS, WAKE_ENDING_RECEIVERS, WAKE_ENDING_SENDERS, WAKE_LAST_SENDER,
    WAKE_MESSAGE, WAKE_NO_RECEIVER, WAKE_NUDGED_RECEIVERS, WAKE_NUDGED_SENDERS, WAKE_SPACE,
};
use crate::sync::{Condvar, Deadline, Mutex, Shared, Tracked, fresh_id};
use crate::trace::{self, ChannelId, Event, Refused, Side};
use std::collections::VecDeque;

/// A channel of items `T`.
pub(super) struct Channel<T> {
    pub(super) id: ChannelId,
    capacity: usize,
    pub(super) state: Mutex<State<T>>,
    /// There is a message, or there will never be one. Receivers wait here.
    message: Condvar,
    /// There is space, or there will never be any. Senders wait here.
    space: Condvar,
    _leak: Tracked<()>,
}

/// What the mutex guards.
pub(super) struct State<T> {
    queue: VecDeque<T>,
    /// Send ends that exist, those in flight included.
    senders: usize,
    /// The send side was closed by hand.
    send_closed: bool,
    /// The receive end is gone.
    receiver_gone: bool,
    /// Threads that wait for a message, and for space. Never too low: who waits counts itself in before and out after.
    receivers_waiting: usize,
    senders_waiting: usize,
    /// Where the receive end is in flight, if it is.
    pub(super) mooring: Option<Mooring<T>>,
    /// Who follows whether the ends are ready.
    pub(super) watches: Watches,
}

impl<T> State<T> {
    /// No send succeeds any more.
    fn refuses_messages(&self) -> bool {
        self.send_closed || self.receiver_gone
    }

    /// No message comes any more.
    fn awaits_nothing(&self) -> bool {
        self.senders == 0 || self.send_closed || self.receiver_gone
    }
}

/// How long an operation waits.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    Never,
    Until(&'a Deadline),
    Forever,
}

/// Whether a thread that waits shall give up, because the interpreter that it comes from is ending.
pub(super) type Interrupted<'a> = &'a dyn Fn() -> bool;

impl<T> Channel<T> {
    pub(super) fn new(capacity: Option<usize>) -> Shared<Self> {
        Shared::new(Self {
            id: ChannelId(fresh_id()),
            capacity: capacity.unwrap_or(usize::MAX),
            state: Mutex::new(State {
                queue: VecDeque::with_capacity(capacity.map_or(0, |capacity| capacity.min(1024))),
                senders: 1,
                send_closed: false,
                receiver_gone: false,
                receivers_waiting: 0,
                senders_waiting: 0,
                mooring: None,
                watches: Watches::default(),
            }),
            message: Condvar::new(),
            space: Condvar::new(),
            _leak: Tracked::new(()),
        })
    }

    /// Puts `wrap(message)` at the back, or gives the message back with the reason.
    pub(super) fn push<M>(
        &self,
        message: M,
        wrap: impl Fn(M) -> T,
        patience: Patience<'_>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), (Refused, M)> {
        let never = Deadline::never();
        let mut state = self.state.lock();
        loop {
            if state.refuses_messages() {
                return Err((self.refuse_send(Refused::Closed), message));
            }
            if state.queue.len() < self.capacity {
                state.queue.push_back(wrap(message));
                trace::emit(|| Event::Sent { channel: self.id, queued: state.queue.len() });
                if state.receivers_waiting > 0 {
                    self.message.notify_one(WAKE_MESSAGE);
                }
                self.announce(&mut state);
                return Ok(());
            }
            let deadline = match patience {
                Patience::Never => return Err((self.refuse_send(Refused::NotReady), message)),
                _ if interrupted() => return Err((self.refuse_send(Refused::Interrupted), message)),
                Patience::Until(deadline) if deadline.has_passed() => {
                    return Err((self.refuse_send(Refused::TimedOut), message));
                }
                Patience::Until(deadline) => deadline,
                Patience::Forever => &never,
            };
            state.senders_waiting += 1;
            state = self.space.wait_until(state, deadline);
            state.senders_waiting -= 1;
        }
    }

    /// Takes the message at the front.
    pub(super) fn pop(&self, patience: Patience<'_>, interrupted: Interrupted<'_>) -> Result<T, Refused> {
        let never = Deadline::never();
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.queue.pop_front() {
                trace::emit(|| Event::Received { channel: self.id, queued: state.queue.len() });
                if state.senders_waiting > 0 {
                    self.space.notify_one(WAKE_SPACE);
                }
                self.announce(&mut state);
                return Ok(item);
            }
            if state.awaits_nothing() {
                return Err(self.refuse_receive(Refused::Closed));
            }
            let deadline = match patience {
                Patience::Never => return Err(self.refuse_receive(Refused::NotReady)),
                _ if interrupted() => return Err(self.refuse_receive(Refused::Interrupted)),
                Patience::Until(deadline) if deadline.has_passed() => {
                    return Err(self.refuse_receive(Refused::TimedOut));
                }
                Patience::Until(deadline) => deadline,
                Patience::Forever => &never,
            };
            state.receivers_waiting += 1;
            state = self.message.wait_until(state, deadline);
            state.receivers_waiting -= 1;
        }
    }

    pub(super) fn add_sender(&self) {
        let mut state = self.state.lock();
        state.senders += 1;
        trace::emit(|| Event::SenderCloned { channel: self.id, senders: state.senders });
    }

    /// A send end is dropped.
    pub(super) fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        trace::emit(|| Event::SenderDropped { channel: self.id, senders: state.senders });
        if state.senders == 0 && state.receivers_waiting > 0 {
            self.message.notify_all(WAKE_LAST_SENDER);
        }
        self.announce(&mut state);
    }

    /// A send end closes the channel, and is gone with it.
    pub(super) fn close_send(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        state.send_closed = true;
        trace::emit(|| Event::Closed { channel: self.id, side: Side::Send, discarded: 0 });
        if state.receivers_waiting > 0 {
            self.message.notify_all(WAKE_CLOSED_RECEIVERS);
        }
        if state.senders_waiting > 0 {
            self.space.notify_all(WAKE_CLOSED_SENDERS);
        }
        self.announce(&mut state);
    }

    /// The receive end goes. Returns what was inside, to be dropped without any lock.
    #[must_use]
    pub(super) fn close_receive(&self) -> VecDeque<T> {
        let mut state = self.state.lock();
        state.mooring = None;
        if state.receiver_gone {
            return VecDeque::new(); // It was shut before it was dropped, and may have travelled since.
        }
        state.receiver_gone = true;
        let inside = core::mem::take(&mut state.queue);
        trace::emit(|| Event::Closed { channel: self.id, side: Side::Receive, discarded: inside.len() });
        if state.senders_waiting > 0 {
            self.space.notify_all(WAKE_NO_RECEIVER);
        }
        if state.receivers_waiting > 0 {
            self.message.notify_all(WAKE_CLOSED_RECEIVERS); // It is shut while it is shared.
        }
        self.announce(&mut state);
        inside
    }

    /// Whether an end on this side would not have to wait.
    pub(super) fn is_ready(&self, state: &State<T>, side: Side) -> bool {
        match side {
            Side::Send => state.queue.len() < self.capacity || state.refuses_messages(),
            Side::Receive => !state.queue.is_empty() || state.awaits_nothing(),
        }
    }

    /// Number of messages inside, at this moment.
    pub(super) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Lets a deadline pass, where that is in our hands, and wakes every waiter to look at its condition again.
    pub(super) fn nudge(&self, deadline: &Deadline) {
        let state = self.state.lock();
        deadline.pass();
        if state.receivers_waiting > 0 {
            self.message.notify_all(WAKE_NUDGED_RECEIVERS);
        }
        if state.senders_waiting > 0 {
            self.space.notify_all(WAKE_NUDGED_SENDERS);
        }
    }

    fn refuse_send(&self, why: Refused) -> Refused {
        trace::emit(|| Event::SendRefused { channel: self.id, why });
        why
    }

    fn refuse_receive(&self, why: Refused) -> Refused {
        trace::emit(|| Event::ReceiveRefused { channel: self.id, why });
        why
    }
}

impl<T: Send> Wake for Channel<T> {
    fn wake(&self) {
        let state = self.state.lock();
        if state.receivers_waiting > 0 {
            self.message.notify_all(WAKE_ENDING_RECEIVERS);
        }
        if state.senders_waiting > 0 {
            self.space.notify_all(WAKE_ENDING_SENDERS);
        }
    }
}
