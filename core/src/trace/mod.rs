//! Events at the linearisation points of the protocol, for monitors and for curious users.
//!
//! With the feature `trace` each protocol step reports itself to the recorder of the calling thread (`set_recorder`),
//! inside the critical section or right after the atomic operation that is its linearisation point. Without the feature
//! this module is an empty twin: nothing is computed, nothing is called. SPEC.md maps each event to an action.

#[cfg(not(feature = "trace"))]
mod off;
#[cfg(feature = "trace")]
mod on;

#[cfg(not(feature = "trace"))]
pub use off::{ENABLED, emit};
#[cfg(feature = "trace")]
pub use on::{ENABLED, emit, set_recorder};

use crate::runtime::{Cause, InterpreterId};

/// Identity of a channel: unique in the process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

/// Identity of a buffer's object: unique among the living ones (an address, reused after [`Event::Freed`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub usize);

/// Identity of a broadcast slot: unique in the process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u64);

/// Identity of a value that was published in a slot: unique among the living ones (an address, reused after its return).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// Why a send or a receive was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// No space (send) or no message (receive), and the caller did not want to wait, or not yet.
    NotReady,
    /// The channel was closed.
    Closed,
    /// The interpreter that the thread came from began to end.
    Interrupted,
    /// The deadline passed.
    TimedOut,
}

/// A side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The send ends.
    Send,
    /// The receive end.
    Receive,
}

/// What happened. The numbers are *post-states*: the values right after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are named after what they hold")]
pub enum Event {
    /// The thread acquired an interpreter's lock.
    Entered { interpreter: InterpreterId, cause: Cause },
    /// The thread is about to release an interpreter's lock.
    Leaving { interpreter: InterpreterId },
    /// A safepoint at which nobody waited, and the thread had no errand.
    Stayed { interpreter: InterpreterId },
    /// A buffer was made immutable (one reference).
    Frozen { object: ObjectId },
    /// A reference was added.
    Referenced { object: ObjectId, references: usize },
    /// A reference was given back.
    Dereferenced { object: ObjectId, references: usize },
    /// An export was taken: for a view, or for the message that will become one.
    Exported { object: ObjectId, exports: usize },
    /// An export was given back: a view's, or that of a message that becomes none.
    Unexported { object: ObjectId, exports: usize },
    /// The last reference is gone: the bytes are freed.
    Freed { object: ObjectId },
    /// A sole handle was made writable again; the object is gone.
    Thawed { object: ObjectId },
    /// A thaw was refused.
    ThawRefused { object: ObjectId, references: usize, exports: usize },
    /// A view was cloned or sliced.
    ViewCloned { clones: usize },
    /// A view was dropped; at zero the release follows. Always zero where each clone counts at the owner.
    ViewDropped { clones: usize },
    /// A message entered the queue.
    Sent { channel: ChannelId, queued: usize },
    /// A send was refused.
    SendRefused { channel: ChannelId, why: Refused },
    /// A message left the queue.
    Received { channel: ChannelId, queued: usize },
    /// A receive was refused.
    ReceiveRefused { channel: ChannelId, why: Refused },
    /// A send end was cloned.
    SenderCloned { channel: ChannelId, senders: usize },
    /// A send end was dropped.
    SenderDropped { channel: ChannelId, senders: usize },
    /// The channel was closed from this side; `discarded` messages left the queue with it.
    Closed { channel: ChannelId, side: Side, discarded: usize },
    /// The receive end of `channel` is in flight inside another channel, or no longer.
    Moored { channel: ChannelId, inside: Option<ChannelId> },
    /// The place of a channel's receive end was looked up.
    Probed { channel: ChannelId, inside: Option<ChannelId> },
    /// An interpreter began to end.
    Ending { interpreter: InterpreterId },
    /// The last thread left an interpreter that was ending.
    Ended { interpreter: InterpreterId },
    /// A receiver looked whether the owner of a message is ending or has ended.
    Inspected { interpreter: InterpreterId, ending: bool },
    /// Whoever stays attends to the return list from now on: the thread came to stay, or lends the first buffer; `pending` says
    /// whether there is something on the list.
    Attending { interpreter: InterpreterId, pending: bool },
    /// The thread will not look at the return list again. If nobody else is to see to what is on it, this thread is: `errand`.
    Unattended { interpreter: InterpreterId, errand: bool },
    /// Nothing was seen on the return list.
    Looked { interpreter: InterpreterId },
    /// A buffer was taken off the return list.
    Collected { interpreter: InterpreterId },
    /// So many buffers were put on their owner's return list. If nobody else is to see to them, this thread is: `errand`.
    Returned { interpreter: InterpreterId, buffers: usize, errand: bool },
    /// A thread looked whether its errand is still needed.
    ErrandSeen { interpreter: InterpreterId, kept: bool },
    /// A receiving interpreter looked for its proxy of a buffer: the number of clones with the new one, or 0 if there is none.
    ProxySought { clones: usize },
    /// A view that was just created joined its interpreter's proxy, or became it.
    ProxyJoined { clones: usize },
    /// A holder of a slot was added: a clone of a subscriber, or a reader.
    SlotJoined { slot: SlotId, holders: usize },
    /// A holder of a slot was dropped; at zero the current value goes back.
    SlotLeft { slot: SlotId, holders: usize },
    /// A guard was made: what is loaded under it stays.
    SlotPinned { slot: SlotId },
    /// The current value was loaded, or found missing. A value may be one that was replaced since the thread's guard was made.
    SlotLoaded { slot: SlotId, value: Option<ValueId> },
    /// The guard is gone; what waited for it alone goes back now, or later.
    SlotUnpinned { slot: SlotId },
    /// A value became the current one of a slot, instead of the one that it `replaced`.
    Published { slot: SlotId, value: ValueId, replaced: Option<ValueId> },
    /// A replaced value waits for the guards that exist now.
    Retired { slot: SlotId, value: ValueId },
}
