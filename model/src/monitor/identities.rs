//! What the identities in events stand for.

use crate::scenario::{Buffer, Channel, Interpreter, Slot};
use viewchan::InterpreterId;
use viewchan::trace::{ChannelId, ObjectId, SlotId, ValueId};

/// Which identities of the real code stand for the things of a scenario. Each list is in the scenario's order.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// The interpreters.
    pub interpreters: Vec<InterpreterId>,
    /// The channels.
    pub channels: Vec<ChannelId>,
    /// The buffers. A buffer that is thawed and frozen again gets a new identity; the monitor keeps up.
    pub buffers: Vec<ObjectId>,
    /// The slots.
    pub slots: Vec<SlotId>,
    /// What was published, with its buffer: the monitor learns it. An identity that comes again is a new value's.
    pub values: Vec<(ValueId, Buffer)>,
}

impl Identities {
    /// The interpreter with this identity.
    pub fn interpreter(&self, id: InterpreterId) -> Option<Interpreter> {
        self.interpreters.iter().position(|&known| known == id)
    }

    /// The channel with this identity.
    pub fn channel(&self, id: ChannelId) -> Option<Channel> {
        self.channels.iter().position(|&known| known == id)
    }

    /// The slot with this identity.
    pub fn slot(&self, id: SlotId) -> Option<Slot> {
        self.slots.iter().position(|&known| known == id)
    }

    /// The buffer of a published value.
    pub fn value(&self, id: ValueId) -> Option<Buffer> {
        self.values.iter().find(|(known, _)| *known == id).map(|&(_, buffer)| buffer)
    }

    /// The buffer with this identity.
    pub fn buffer(&self, id: ObjectId) -> Option<Buffer> {
        self.buffers.iter().position(|&known| known == id)
    }
}
