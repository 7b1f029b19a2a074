//! What the identities in events stand for.

use crate::scenario::{Buffer, Channel, Interpreter};
use viewchan::InterpreterId;
use viewchan::trace::{ChannelId, ObjectId};

/// Which identities of the real code stand for the things of a scenario. Each list is in the scenario's order.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// The interpreters.
    pub interpreters: Vec<InterpreterId>,
    /// The channels.
    pub channels: Vec<ChannelId>,
    /// The buffers. A buffer that is thawed and frozen again gets a new identity; the monitor keeps up.
    pub buffers: Vec<ObjectId>,
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

    /// The buffer with this identity.
    pub fn buffer(&self, id: ObjectId) -> Option<Buffer> {
        self.buffers.iter().position(|&known| known == id)
    }
}
