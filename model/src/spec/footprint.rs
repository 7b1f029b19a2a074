//! Which shared objects an action touches, and which actions therefore commute.

use super::action::{Action, Kind, Side};

/// A shared object of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// An interpreter's lock.
    Lock(usize),
    /// The reference count and the export count of a buffer.
    Counts(usize),
    /// The bytes of a buffer.
    Bytes(usize),
    /// The clone counts of all views of a buffer.
    Clones(usize),
    /// The queue of a channel, its send ends and whether it is open.
    Channel(usize),
    /// Where the receive end of a channel is noted to be.
    Mooring(usize),
}

/// The objects that an action touches. What only decides whether the action is possible counts as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Objects that it looks at.
    reads: [Option<Object>; 2],
    /// Objects that it changes.
    writes: [Option<Object>; 2],
}

impl Footprint {
    /// The objects that the action looks at without changing them.
    pub fn reads(&self) -> impl Iterator<Item = Object> {
        self.reads.into_iter().flatten()
    }

    /// The objects that the action changes.
    pub fn writes(&self) -> impl Iterator<Item = Object> {
        self.writes.into_iter().flatten()
    }

    /// Whether both touch an object that one of them changes.
    pub fn conflicts(&self, other: &Self) -> bool {
        self.writes().any(|object| other.touches(object)) || other.writes().any(|object| self.touches(object))
    }

    fn touches(&self, object: Object) -> bool {
        self.reads().chain(self.writes()).any(|mine| mine == object)
    }

    fn reading(object: Object) -> Self {
        Self { reads: [Some(object), None], ..Self::default() }
    }

    fn writing(object: Object) -> Self {
        Self { writes: [Some(object), None], ..Self::default() }
    }

    fn writing_both(first: Object, second: Object) -> Self {
        Self { writes: [Some(first), Some(second)], ..Self::default() }
    }
}

impl Action {
    /// The shared objects that this action touches. A safepoint without a pause touches none: only its own thread
    /// could give up the lock that makes it possible.
    pub fn footprint(&self) -> Footprint {
        match self.kind {
            Kind::Enter { interpreter, .. } | Kind::Leave { interpreter } => {
                Footprint::writing(Object::Lock(interpreter))
            }
            Kind::Stay { .. } => Footprint::default(),
            Kind::Reference { buffer }
            | Kind::Dereference { buffer }
            | Kind::Export { buffer }
            | Kind::Unexport { buffer } => Footprint::writing(Object::Counts(buffer)),
            Kind::Free { buffer } | Kind::Thaw { buffer } | Kind::Freeze { buffer } => {
                Footprint::writing_both(Object::Counts(buffer), Object::Bytes(buffer))
            }
            Kind::ThawRefused { buffer } => Footprint::reading(Object::Counts(buffer)),
            Kind::CloneView { buffer } | Kind::DropView { buffer } => Footprint::writing(Object::Clones(buffer)),
            Kind::Read { buffer } => Footprint::reading(Object::Bytes(buffer)),
            Kind::SendRefused { channel, .. } | Kind::ReceiveRefused { channel, .. } => {
                Footprint::reading(Object::Channel(channel))
            }
            Kind::Send { channel }
            | Kind::Receive { channel }
            | Kind::CloneSender { channel }
            | Kind::DropSender { channel }
            | Kind::Close { channel, side: Side::Send } => Footprint::writing(Object::Channel(channel)),
            Kind::Close { channel, side: Side::Receive } => {
                Footprint::writing_both(Object::Channel(channel), Object::Mooring(channel))
            }
            Kind::Moor { channel, .. } => Footprint::writing(Object::Mooring(channel)),
            Kind::Probe { channel } => Footprint::reading(Object::Mooring(channel)),
        }
    }
}

/// Whether two actions commute: done by different threads, on disjoint objects or on objects that both only read.
///
/// From every state in which both are possible, either order leads to the same state.
pub fn independent(a: Action, b: Action) -> bool {
    a.thread != b.thread && !a.footprint().conflicts(&b.footprint())
}
