//! The state of a scenario: everything that decides what can still happen.
//!
//! States are canonical: situations that no future can tell apart are equal. A view that is gone leaves no trace, the
//! hands of an idle thread are empty, and the tickets of the messages follow from what the threads have sent.

use super::broken::Aside;
use super::life::Phase;
use super::slot::SlotState;
use super::thread::{Claim, ThreadState, Value};
use crate::scenario::Undelivered;

/// What a buffer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Life {
    /// Immutable, readable.
    #[default]
    Frozen,
    /// Writable by the one thread that thawed it.
    Thawed,
    /// Gone.
    Freed,
}

/// A buffer, as its owner counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BufferState {
    pub(super) references: u16,
    pub(super) exports: u16,
    /// How often it was thawed, written and frozen again: stands for the bytes.
    pub(super) version: u16,
    pub(super) life: Life,
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Content {
    /// One reference to a buffer, the version that was sent, and what becomes of it when its owner ends.
    Buffer { buffer: u8, version: u16, undelivered: Undelivered },
    /// A send end of this channel, with its policy.
    SendEnd(u8, Undelivered),
    /// The receive end of this channel.
    ReceiveEnd(u8),
}

/// A message in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Message {
    /// How many messages entered the channel before it.
    pub(super) ticket: u16,
    pub(super) content: Content,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ChannelState {
    /// The oldest message first.
    pub(super) queue: Vec<Message>,
    /// How many messages have entered.
    pub(super) sent: u16,
    /// How many of them were received or discarded. G5: always the oldest ones.
    pub(super) settled: u16,
    /// How many send ends exist, those in flight included.
    pub(super) senders: u16,
    /// A sender closed it: no more messages.
    pub(super) send_closed: bool,
    /// The receive end is gone.
    pub(super) receiver_gone: bool,
    /// The channel inside which the receive end is noted to be.
    pub(super) moored: Option<u8>,
}

impl ChannelState {
    /// Whether a message that is sent now could be received.
    pub(super) fn takes_messages(&self) -> bool {
        !self.send_closed && !self.receiver_gone
    }

    /// Whether a message can still come.
    pub(super) fn brings_messages(&self) -> bool {
        self.senders > 0 && !self.send_closed
    }
}

/// A view that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ViewState {
    pub(super) buffer: u8,
    /// Clones and slices, the first one included; never 0.
    pub(super) clones: u16,
    /// The version of the buffer that was sent.
    pub(super) version: u16,
    /// References that it has to give back: more than one only for a proxy that took over messages.
    pub(super) references: u8,
    /// Exports that it has to give back.
    pub(super) exports: u8,
    /// Whether it is a clone or a slice that counts at the owner itself.
    pub(super) is_copy: bool,
    /// The interpreter whose proxy it is.
    pub(super) proxy: Option<u8>,
}

impl ViewState {
    /// A view with one clone, made of one message.
    pub(super) fn new(buffer: u8, version: u16, is_copy: bool) -> Self {
        Self { buffer, clones: 1, version, references: 1, exports: 1, is_copy, proxy: None }
    }
}

/// The return list of an interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ReturnList {
    /// The returned buffers, the last one at the end: it is collected first.
    pub(super) buffers: Vec<u8>,
    /// Something was lent that comes home by the list. Before that nobody attends to it.
    pub(super) lends: bool,
    /// A thread that came to stay sees to the list.
    pub(super) attended: bool,
    /// A thread has the errand to see to it.
    pub(super) errand: bool,
    /// Buffers of one other interpreter, mostly, that this one's threads have given back and not returned yet, the last one at
    /// the end. Guarded by its lock; always empty where batches are of 1.
    pub(super) outbox: Vec<u8>,
}

/// A state of a scenario. [`Rules`](super::Rules) has the operations on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// For each interpreter the thread that holds its lock.
    pub(super) locks: Vec<Option<u8>>,
    /// How far each interpreter is in its life.
    pub(super) phases: Vec<Phase>,
    pub(super) buffers: Vec<BufferState>,
    pub(super) channels: Vec<ChannelState>,
    /// The views. The first ones were opened before the threads started: view `b` on buffer `b`, or one for each holder
    /// where clones are not counted together. The others belong to one receive or to one clone each.
    pub(super) views: Vec<Option<ViewState>>,
    pub(super) threads: Vec<ThreadState>,
    /// The return list of each interpreter; empty for strategies that have none.
    pub(super) returns: Vec<ReturnList>,
    pub(super) slots: Vec<SlotState>,
    /// What only broken protocols keep; always `None` without a fault.
    pub(super) aside: Option<Box<Aside>>,
}

impl State {
    /// The interpreter whose lock a thread holds.
    pub fn attachment(&self, thread: usize) -> Option<usize> {
        self.locks.iter().position(|&holder| holder.map(usize::from) == Some(thread))
    }

    /// The thread that holds the lock of an interpreter.
    pub fn holder(&self, interpreter: usize) -> Option<usize> {
        self.locks.get(interpreter).copied().flatten().map(usize::from)
    }

    /// The references to a buffer, as its owner counts them.
    pub fn references(&self, buffer: usize) -> usize {
        self.buffers.get(buffer).map_or(0, |buffer| usize::from(buffer.references))
    }

    /// The exports of a buffer, as its owner counts them.
    pub fn exports(&self, buffer: usize) -> usize {
        self.buffers.get(buffer).map_or(0, |buffer| usize::from(buffer.exports))
    }

    /// How many messages are in the queue of a channel.
    pub fn queued(&self, channel: usize) -> usize {
        self.channels.get(channel).map_or(0, |channel| channel.queue.len())
    }

    /// How many send ends a channel has.
    pub fn senders(&self, channel: usize) -> usize {
        self.channels.get(channel).map_or(0, |channel| usize::from(channel.senders))
    }

    /// The channel inside which the receive end of a channel is noted to be.
    pub fn moored(&self, channel: usize) -> Option<usize> {
        self.channels.get(channel).and_then(|channel| channel.moored).map(usize::from)
    }

    /// Whether something is on the return list of an interpreter.
    pub fn is_pending(&self, interpreter: usize) -> bool {
        self.returns.get(interpreter).is_some_and(|list| !list.buffers.is_empty())
    }

    /// Whether some thread has the errand to see to the return list of an interpreter.
    pub fn has_errand(&self, interpreter: usize) -> bool {
        self.returns.get(interpreter).is_some_and(|list| list.errand)
    }

    /// Number of buffers on the return list of an interpreter.
    pub fn returned(&self, interpreter: usize) -> usize {
        self.returns.get(interpreter).map_or(0, |list| list.buffers.len())
    }

    /// Like [`Self::attachment`], as the threads keep it.
    pub(super) fn current(&self, thread: usize) -> Option<u8> {
        self.attachment(thread).map(super::thread::small)
    }

    pub(super) fn buffer(&mut self, buffer: u8) -> &mut BufferState {
        &mut self.buffers[usize::from(buffer)]
    }

    pub(super) fn channel(&mut self, channel: u8) -> &mut ChannelState {
        &mut self.channels[usize::from(channel)]
    }

    pub(super) fn view(&mut self, view: u8) -> &mut Option<ViewState> {
        &mut self.views[usize::from(view)]
    }

    pub(super) fn list(&mut self, interpreter: u8) -> &mut ReturnList {
        &mut self.returns[usize::from(interpreter)]
    }

    /// What really refers to a buffer, whatever its owner has counted.
    pub(super) fn tally(&self, buffer: usize) -> Tally {
        let is_it = |index: u8| usize::from(index) == buffer;
        let mut tally = Tally::default();
        for thread in &self.threads {
            for value in &thread.variables {
                tally.handles += u16::from(matches!(*value, Value::Handle(b) if is_it(b)));
            }
            for claim in &thread.hands {
                match *claim {
                    Claim::Handle(b) if is_it(b) => tally.handles += 1,
                    Claim::Message { buffer: b, .. }
                    | Claim::Undeliverable { buffer: b, .. }
                    | Claim::Sought { buffer: b, .. }
                        if is_it(b) =>
                    {
                        tally.messages += 1
                    }
                    Claim::Fresh { buffer: b, .. } | Claim::View(b) if is_it(b) => tally.views += 1,
                    Claim::Reference(b) if is_it(b) => tally.unexported += 1,
                    _ => {}
                }
            }
        }
        let queued = self.channels.iter().flat_map(|channel| &channel.queue);
        let is_message =
            |message: &&Message| matches!(message.content, Content::Buffer { buffer, .. } if is_it(buffer));
        tally.messages += count(queued.filter(is_message));
        for view in self.views.iter().flatten().filter(|view| is_it(view.buffer)) {
            tally.views += u16::from(view.exports);
            tally.unexported += u16::from(view.references.saturating_sub(view.exports));
        }
        tally.views += count(self.published().filter(|shown| is_it(shown.buffer)));
        let returned = self.returns.iter().flat_map(|list| list.buffers.iter().chain(&list.outbox));
        tally.views += count(returned.filter(|&&returned| is_it(returned)));
        if let Some(aside) = &self.aside {
            tally.views += count(aside.returned.iter().flatten().filter(|&&returned| is_it(returned)));
        }
        tally
    }
}

fn count(items: impl Iterator) -> u16 {
    u16::try_from(items.count()).unwrap_or(u16::MAX)
}

/// What really refers to a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Handles in variables, and those that are being dropped.
    pub(super) handles: u16,
    /// Messages in queues, and those that a thread has taken out.
    pub(super) messages: u16,
    /// Views with clones, those whose last clone is being released, and those on a return list or in an outbox. A proxy counts once for
    /// each export that it has. What is in a slot, or was and is not given back yet, counts like a view.
    pub(super) views: u16,
    /// References of views without an export: of views in release that have given theirs back, and of messages that a
    /// proxy took over.
    pub(super) unexported: u16,
}

impl Tally {
    /// G3: what the reference count must be.
    pub(super) fn references(self) -> u16 {
        self.handles + self.messages + self.views + self.unexported
    }

    /// G2: whether a message or a view exists.
    pub(super) fn is_shared(self) -> bool {
        self.messages + self.views + self.unexported > 0
    }
}
