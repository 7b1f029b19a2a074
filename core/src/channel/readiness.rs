//! Readiness: others are told when an end would not have to wait, so that a runtime can offer a file descriptor to `select`.
//!
//! | end | is ready while | so that |
//! | --- | --- | --- |
//! | receive end | a message is inside, or the channel is closed | `try_recv` would not say `Empty` |
//! | send end | there is space, or the channel is closed | `try_send` would not say `Full` |
//!
//! It is a level, not an edge: a listener is told the present state when it comes, and then each change. It is told inside
//! the critical section that makes the change, so it hears of changes in the order in which they happen, and what it heard
//! last is true. A critical section without listeners pays one branch.

use super::ends::{ReceiveEnd, SendEnd};
use super::queue::{Channel, State};
use crate::runtime::Runtime;
use crate::strategy::Strategy;
use crate::sync::Shared;
use crate::trace::Side;

/// Something that follows whether an end of a channel is ready.
pub trait Readiness: Send + Sync {
    /// The end is ready from now on, or no longer. Called once for each change, in order, and first with the state that a
    /// listener finds.
    ///
    /// It is called under the mutex of the channel (G4), by whichever thread makes the change, attached or not: so it does
    /// not block, does not panic, enters no interpreter, and uses no channel. It belongs to the runtime, not to the user: a
    /// write to an eventfd that does not block is what it is for.
    fn set(&self, ready: bool);
}

/// Who is told.
pub type Listener = Shared<dyn Readiness>;

impl<R: Runtime, S: Strategy<R>> ReceiveEnd<R, S> {
    /// Tells `listener` whether this end is ready, now and whenever that changes, until it is taken off by
    /// [`unwatch`](Self::unwatch) or the channel is gone; wherever this end travels.
    ///
    /// It is ready while [`try_recv`](Self::try_recv) would not say [`Empty`](super::TryRecvError::Empty). (A message that
    /// its policy removes, because its owner is ending, counts as long as it is inside.) An end that is gone is ready: who waits for it shall see that.
    pub fn watch(&self, listener: Listener) {
        self.channel().watch(Side::Receive, listener);
    }

    /// Takes a listener off: the same one, by address. When this returns, it is told nothing any more. Does nothing if it is
    /// not there; one that came twice goes once.
    pub fn unwatch(&self, listener: &Listener) {
        self.channel().unwatch(Side::Receive, listener);
    }
}

impl<R: Runtime, S: Strategy<R>> SendEnd<R, S> {
    /// Tells `listener` whether this end is ready, now and whenever that changes, until it is taken off by
    /// [`unwatch`](Self::unwatch) or the channel is gone. All send ends of a channel are ready at the same time, so any of
    /// them does to watch and to take off, and the listener stays when this one is gone.
    ///
    /// It is ready while [`try_send`](Self::try_send) would not say [`Full`](super::TrySendError::Full).
    pub fn watch(&self, listener: Listener) {
        self.channel().watch(Side::Send, listener);
    }

    /// Takes a listener off: the same one, by address. When this returns, it is told nothing any more. Does nothing if it is
    /// not there; one that came twice goes once.
    pub fn unwatch(&self, listener: &Listener) {
        self.channel().unwatch(Side::Send, listener);
    }
}

/// The listeners of a channel.
#[derive(Default)]
pub(super) struct Watches(Vec<Watch>);

struct Watch {
    side: Side,
    listener: Listener,
    /// What it was told last.
    ready: bool,
}

impl<T> Channel<T> {
    fn watch(&self, side: Side, listener: Listener) {
        let mut state = self.state.lock();
        let ready = self.is_ready(&state, side);
        listener.set(ready);
        state.watches.0.push(Watch { side, listener, ready });
    }

    fn unwatch(&self, side: Side, listener: &Listener) {
        let is_it = |watch: &Watch| watch.side == side && Shared::ptr_eq(&watch.listener, listener);
        let mut state = self.state.lock();
        let place = state.watches.0.iter().position(is_it);
        let watch = place.map(|place| state.watches.0.remove(place));
        // Whatever goes with the listener goes outside of the critical section.
        drop(state);
        drop(watch);
    }

    /// Tells the listeners what has changed: the last act of each critical section that changes what an end is ready for.
    #[inline]
    pub(super) fn announce(&self, state: &mut State<T>) {
        if !state.watches.0.is_empty() {
            self.tell(state);
        }
    }

    #[cold]
    fn tell(&self, state: &mut State<T>) {
        let (send, receive) = (self.is_ready(state, Side::Send), self.is_ready(state, Side::Receive));
        for watch in &mut state.watches.0 {
            let ready = match watch.side {
                Side::Send => send,
                Side::Receive => receive,
            };
            if ready != watch.ready {
                watch.ready = ready;
                watch.listener.set(ready);
            }
        }
    }
}
