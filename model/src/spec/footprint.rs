//! Which shared objects an action touches, and which actions therefore commute.

use super::action::{Action, Kind, Side, Why};
use super::slot::SlotAct;
use super::thread::Todo;
use super::{Rules, State};

/// A shared object of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// An interpreter's lock.
    Lock(usize),
    /// The reference count and the export count of a buffer.
    Counts(usize),
    /// The bytes of a buffer.
    Bytes(usize),
    /// The clone count of a view that is no proxy.
    Clones(usize),
    /// The proxy that an interpreter has of a buffer, with its count.
    Proxy(usize, usize),
    /// The queue of a channel, its send ends and whether it is open.
    Channel(usize),
    /// Where the receive end of a channel is noted to be.
    Mooring(usize),
    /// Whether an interpreter is ending.
    Life(usize),
    /// The return list of an interpreter, and who sees to it.
    Returns(usize),
    /// The count of a slot's holders.
    Holders(usize),
    /// The guards of a slot, and what waits for them.
    Guards(usize),
    /// The current value of a slot.
    Current(usize),
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
    /// The shared objects that this action names. A safepoint without a pause touches none: only its own thread
    /// could give up the lock that makes it possible. Nor does the completion of an end: it happens under the lock, and
    /// without the lock nobody can tell it from the beginning.
    pub fn footprint(&self) -> Footprint {
        match self.kind {
            Kind::Enter { interpreter, .. } | Kind::Leave { interpreter } => {
                Footprint::writing(Object::Lock(interpreter))
            }
            Kind::Stay { .. } | Kind::Ended { .. } => Footprint::default(),
            Kind::Reference { buffer }
            | Kind::Dereference { buffer }
            | Kind::Export { buffer }
            | Kind::Unexport { buffer } => Footprint::writing(Object::Counts(buffer)),
            Kind::Free { buffer } | Kind::Thaw { buffer } | Kind::Freeze { buffer } => {
                Footprint::writing_both(Object::Counts(buffer), Object::Bytes(buffer))
            }
            Kind::ThawRefused { buffer } => Footprint::reading(Object::Counts(buffer)),
            // Which view it is, or whose proxy, the action does not say.
            Kind::CloneView { .. } | Kind::DropView { .. } | Kind::Seek { .. } | Kind::Join { .. } => {
                Footprint::default()
            }
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
            Kind::Ending { interpreter } => Footprint::writing(Object::Life(interpreter)),
            Kind::Inspect { interpreter } => Footprint::reading(Object::Life(interpreter)),
            Kind::Look { interpreter } => Footprint::reading(Object::Returns(interpreter)),
            Kind::Attend { interpreter }
            | Kind::Unattend { interpreter }
            | Kind::Collect { interpreter }
            | Kind::Return { interpreter, .. }
            | Kind::LetGo { interpreter } => Footprint::writing(Object::Returns(interpreter)),
            Kind::Slot { slot, act } => of_slot(slot, act),
        }
    }
}

/// The last holder that leaves takes the current value along: there is nobody left who could look at it.
fn of_slot(slot: usize, act: SlotAct) -> Footprint {
    match act {
        SlotAct::Join | SlotAct::Leave => Footprint::writing(Object::Holders(slot)),
        SlotAct::Pin | SlotAct::Unpin | SlotAct::Retire { .. } => Footprint::writing(Object::Guards(slot)),
        SlotAct::Load { .. } => Footprint::reading(Object::Current(slot)),
        SlotAct::Publish { .. } => Footprint::writing(Object::Current(slot)),
    }
}

impl Rules {
    /// The shared objects that an action touches in a state. Who waits in vain has looked whether its own interpreter is
    /// ending; which one that is the action does not say.
    pub fn footprint(&self, state: &State, action: Action) -> Footprint {
        let mut footprint = action.footprint();
        let waited = |why| matches!(why, Why::Interrupted | Why::TimedOut);
        if let Kind::SendRefused { why, .. } | Kind::ReceiveRefused { why, .. } = action.kind
            && waited(why)
        {
            let home = state.threads.get(action.thread).and_then(|thread| thread.home);
            footprint.reads[1] = home.map(|home| Object::Life(home.into()));
        }
        if let Kind::CloneView { .. } | Kind::DropView { .. } | Kind::Seek { .. } | Kind::Join { .. } = action.kind {
            footprint.writes[0] = self.counted(state, action);
        }
        footprint
    }

    /// The count that an action on a view changes, or looks at.
    fn counted(&self, state: &State, action: Action) -> Option<Object> {
        let me = state.threads.get(action.thread)?;
        let proxy = |home: u8, buffer: u8| Object::Proxy(home.into(), buffer.into());
        match *me.agenda.last()? {
            Todo::CloneView { view, .. } | Todo::DropView { view, .. } => {
                let there = state.views.get(usize::from(view)).copied().flatten()?;
                Some(there.proxy.map_or(Object::Clones(view.into()), |home| proxy(home, there.buffer)))
            }
            Todo::Seek { buffer, .. } | Todo::Join { buffer, .. } => me.home.map(|home| proxy(home, buffer)),
            _ => None,
        }
    }

    /// Whether two actions that are possible in a state commute: done by different threads, on disjoint objects or on
    /// objects that both only read. Either order leads to the same state.
    pub fn independent(&self, state: &State, a: Action, b: Action) -> bool {
        a.thread != b.thread && !self.footprint(state, a).conflicts(&self.footprint(state, b))
    }
}
