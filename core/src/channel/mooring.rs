//! Receive ends in flight: why a channel cannot swallow itself (G9).
//!
//! There is one receive end a channel, and it is either held by somebody or *moored*: in flight inside another channel.
//! Whoever drops the outer receive end drops what is inside, so everything is freed in the end, unless moorings form a
//! circle: then nobody can reach any of its channels again. So a send that would close a circle is refused:
//!
//! ```text
//!   1. moor:   the end's own channel notes where the end is about to go      (under its own mutex)
//!   2. walk:   from there, moorings are followed to a channel that has none  (one mutex at a time)
//!   3. if the walk comes to a channel that it has been at, the note is taken back and the send refused
//! ```
//!
//! Two sends that together would close a circle each note before they walk, so at least one of them sees the other's note:
//! a circle is never built. (Both may see it; then both are refused.) Until they have taken their notes back, a third walk
//! can come into their circle from outside; that is why step 3 looks for any channel seen before, not for the start only.
//! A receiver takes the note back after it has taken the end out, so a stale note can only refuse too much for a moment,
//! never too little.
//!
//! Moorings see the ends that are sent as such. An end that hides in a foreign owner of bytes (`Buffer::from_owner`) is not
//! seen: sent into its own channel, it leaks with it, like a circle of `Arc`s.

use super::queue::Channel;
use crate::sync::{Shared, WeakShared};
use crate::trace::{self, ChannelId, Event};

/// Where a receive end is in flight. Weak: the note keeps nothing alive.
pub(super) type Mooring<T> = WeakShared<Channel<T>>;

/// The send would put a receive end where nobody could ever receive it.
pub(super) struct Unreachable;

impl<T> Channel<T> {
    /// Notes that this channel's receive end goes into `outer`, unless that would close a circle.
    pub(super) fn moor(self: &Shared<Self>, outer: &Shared<Self>) -> Result<(), Unreachable> {
        if Shared::ptr_eq(self, outer) {
            return Err(Unreachable); // The shortest circle needs no note.
        }
        self.set_mooring(Some(outer));
        let mut seen = vec![Shared::clone(self), Shared::clone(outer)];
        while let Some(next) = seen[seen.len() - 1].probe() {
            if seen.iter().any(|node| Shared::ptr_eq(node, &next)) {
                self.unmoor();
                return Err(Unreachable);
            }
            seen.push(next);
        }
        Ok(())
    }

    /// The receive end is held by somebody again.
    pub(super) fn unmoor(&self) {
        self.set_mooring(None);
    }

    fn set_mooring(&self, outer: Option<&Shared<Self>>) {
        let mut state = self.state.lock();
        state.mooring = outer.map(Shared::downgrade);
        let inside: Option<ChannelId> = outer.map(|outer| outer.id);
        trace::emit(|| Event::Moored { channel: self.id, inside });
    }

    fn probe(&self) -> Option<Shared<Self>> {
        let state = self.state.lock();
        let next = state.mooring.as_ref().and_then(Mooring::upgrade);
        trace::emit(|| Event::Probed { channel: self.id, inside: next.as_ref().map(|next| next.id) });
        next
    }
}
