//! From events of the real code to actions of the specification.

use super::Identities;
use crate::spec::{Action, Cause, Kind, Reported, Side, SlotAct, Why};
use viewchan::trace::{Event, ObjectId, Refused};

/// What an event means to the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This action.
    Action(Kind),
    /// Nothing: the event is about something that the scenario does not have.
    Unknown,
    /// The event says that the thread did this, to a buffer that it does not name. The thread wants no such thing.
    Unwanted(&'static str),
}

/// What an event means. `wants` tells what the thread would do next: events about a view do not say whose bytes it shows,
/// a newly frozen buffer and what is published are not known yet, and a returned buffer is not named.
pub(super) fn meaning(event: &Event, identities: &Identities, wants: impl Fn() -> Vec<Action>) -> Meaning {
    if let Some((did, is_it)) = unnamed(event) {
        let wanted = wants().into_iter().map(|action| action.kind).find(is_it);
        let wanted = wanted.filter(|&kind| agrees(event, kind, identities));
        return wanted.map_or(Meaning::Unwanted(did), Meaning::Action);
    }
    kind(event, identities).map_or(Meaning::Unknown, Meaning::Action)
}

/// What happened in words, and which action it could be.
type Unnamed = (&'static str, fn(&Kind) -> bool);

/// The events that do not name their buffer.
fn unnamed(event: &Event) -> Option<Unnamed> {
    Some(match event {
        Event::Frozen { .. } => ("froze a buffer", |kind| matches!(kind, Kind::Freeze { .. })),
        Event::ViewCloned { .. } => ("cloned a view", |kind| matches!(kind, Kind::CloneView { .. })),
        Event::ViewDropped { .. } => ("dropped a view", |kind| matches!(kind, Kind::DropView { .. })),
        Event::Returned { .. } => ("returned a buffer", |kind| matches!(kind, Kind::Return { .. })),
        Event::ProxySought { .. } => ("looked for a proxy", |kind| matches!(kind, Kind::Seek { .. })),
        Event::ProxyJoined { .. } => ("joined a proxy", |kind| matches!(kind, Kind::Join { .. })),
        Event::Published { .. } => {
            ("published a buffer", |kind| matches!(kind, Kind::Slot { act: SlotAct::Publish { .. }, .. }))
        }
        _ => return None,
    })
}

/// Whether an event and an action that do not name the same things agree in those that both name.
fn agrees(event: &Event, kind: Kind, identities: &Identities) -> bool {
    match (*event, kind) {
        (Event::Returned { interpreter: id, .. }, Kind::Return { interpreter, .. }) => {
            identities.interpreter(id) == Some(interpreter)
        }
        (Event::Published { slot: id, .. }, Kind::Slot { slot, .. }) => identities.slot(id) == Some(slot),
        _ => true,
    }
}

/// The kind of action of an event that names all that it is about.
fn kind(event: &Event, identities: &Identities) -> Option<Kind> {
    let interpreter = |id| identities.interpreter(id);
    let buffer = |id| identities.buffer(id);
    let channel = |id| identities.channel(id);
    Some(match *event {
        Event::Entered { interpreter: id, cause } => {
            Kind::Enter { interpreter: interpreter(id)?, cause: self::cause(cause)? }
        }
        Event::Leaving { interpreter: id } => Kind::Leave { interpreter: interpreter(id)? },
        Event::Stayed { interpreter: id } => Kind::Stay { interpreter: interpreter(id)? },
        Event::Referenced { object, .. } => Kind::Reference { buffer: buffer(object)? },
        Event::Dereferenced { object, .. } => Kind::Dereference { buffer: buffer(object)? },
        Event::Exported { object, .. } => Kind::Export { buffer: buffer(object)? },
        Event::Unexported { object, .. } => Kind::Unexport { buffer: buffer(object)? },
        Event::Freed { object } => Kind::Free { buffer: buffer(object)? },
        Event::Thawed { object } => Kind::Thaw { buffer: buffer(object)? },
        Event::ThawRefused { object, .. } => Kind::ThawRefused { buffer: buffer(object)? },
        Event::Sent { channel: id, .. } => Kind::Send { channel: channel(id)? },
        Event::SendRefused { channel: id, why } => Kind::SendRefused { channel: channel(id)?, why: self::why(why) },
        Event::Received { channel: id, .. } => Kind::Receive { channel: channel(id)? },
        Event::ReceiveRefused { channel: id, why } => {
            Kind::ReceiveRefused { channel: channel(id)?, why: self::why(why) }
        }
        Event::SenderCloned { channel: id, .. } => Kind::CloneSender { channel: channel(id)? },
        Event::SenderDropped { channel: id, .. } => Kind::DropSender { channel: channel(id)? },
        Event::Closed { channel: id, side, .. } => Kind::Close { channel: channel(id)?, side: self::side(side) },
        Event::Moored { channel: id, inside: None } => Kind::Moor { channel: channel(id)?, inside: None },
        Event::Moored { channel: id, inside: Some(outer) } => {
            Kind::Moor { channel: channel(id)?, inside: Some(channel(outer)?) }
        }
        Event::Probed { channel: id, .. } => Kind::Probe { channel: channel(id)? },
        Event::Ending { interpreter: id } => Kind::Ending { interpreter: interpreter(id)? },
        Event::Ended { interpreter: id } => Kind::Ended { interpreter: interpreter(id)? },
        Event::Inspected { interpreter: id, .. } => Kind::Inspect { interpreter: interpreter(id)? },
        Event::Attending { interpreter: id, .. } => Kind::Attend { interpreter: interpreter(id)? },
        Event::Unattended { interpreter: id, .. } => Kind::Unattend { interpreter: interpreter(id)? },
        Event::Looked { interpreter: id } => Kind::Look { interpreter: interpreter(id)? },
        Event::Collected { interpreter: id } => Kind::Collect { interpreter: interpreter(id)? },
        Event::ErrandSeen { interpreter: id, .. } => Kind::LetGo { interpreter: interpreter(id)? },
        _ => return of_slot(event, identities),
    })
}

/// The same for what is about a slot.
fn of_slot(event: &Event, identities: &Identities) -> Option<Kind> {
    let value = |id| identities.value(id);
    let (id, act) = match *event {
        Event::SlotJoined { slot, .. } => (slot, SlotAct::Join),
        Event::SlotLeft { slot, .. } => (slot, SlotAct::Leave),
        Event::SlotPinned { slot } => (slot, SlotAct::Pin),
        Event::SlotLoaded { slot, value: None } => (slot, SlotAct::Load { buffer: None }),
        Event::SlotLoaded { slot, value: Some(id) } => (slot, SlotAct::Load { buffer: Some(value(id)?) }),
        Event::SlotUnpinned { slot } => (slot, SlotAct::Unpin),
        Event::Retired { slot, value: id } => (slot, SlotAct::Retire { buffer: value(id)? }),
        _ => return None,
    };
    Some(Kind::Slot { slot: identities.slot(id)?, act })
}

/// Learns the identity of a buffer that was frozen anew, maybe at the address of one that is gone, and of what was published.
pub(super) fn identify(event: &Event, kind: Kind, identities: &mut Identities) {
    match (*event, kind) {
        (Event::Frozen { object }, Kind::Freeze { buffer }) => {
            let gone = identities.buffers.iter_mut().filter(|known| **known == object);
            gone.for_each(|gone| *gone = ObjectId(usize::MAX));
            identities.buffers[buffer] = object;
        }
        (Event::Published { value, .. }, Kind::Slot { act: SlotAct::Publish { buffer }, .. }) => {
            identities.values.retain(|(known, _)| *known != value);
            identities.values.push((value, buffer));
        }
        _ => {}
    }
}

/// The numbers in an event, in the form of [`Rules::reported`](crate::spec::Rules::reported).
pub(super) fn numbers(event: &Event, identities: &Identities) -> Reported {
    match *event {
        Event::Referenced { references, .. } | Event::Dereferenced { references, .. } => {
            Reported::References(references)
        }
        Event::Exported { exports, .. } | Event::Unexported { exports, .. } => Reported::Exports(exports),
        Event::ThawRefused { references, exports, .. } => Reported::Counts { references, exports },
        Event::ViewCloned { clones }
        | Event::ViewDropped { clones }
        | Event::ProxySought { clones }
        | Event::ProxyJoined { clones } => Reported::Clones(clones),
        Event::Attending { pending, .. } => Reported::Pending(pending),
        Event::Unattended { errand, .. } => Reported::Errand(errand),
        Event::Returned { buffers, errand, .. } => Reported::Returned { buffers, errand },
        Event::ErrandSeen { kept, .. } => Reported::Kept(kept),
        Event::Sent { queued, .. } | Event::Received { queued, .. } => Reported::Queued(queued),
        Event::SenderCloned { senders, .. } | Event::SenderDropped { senders, .. } => Reported::Senders(senders),
        Event::Closed { discarded, .. } => Reported::Discarded(discarded),
        Event::Moored { inside, .. } | Event::Probed { inside, .. } => {
            // A channel that the scenario does not have is nowhere in the specification.
            Reported::Inside(inside.map(|id| identities.channel(id).unwrap_or(usize::MAX)))
        }
        Event::Inspected { ending, .. } => Reported::Ending(ending),
        Event::SlotJoined { holders, .. } | Event::SlotLeft { holders, .. } => Reported::Holders(holders),
        Event::Published { replaced, .. } => {
            // A value that the monitor does not know is no buffer of the specification.
            Reported::Replaced(replaced.map(|id| identities.value(id).unwrap_or(usize::MAX)))
        }
        _ => Reported::Nothing,
    }
}

/// The cause in the specification, if it has it.
pub(super) fn cause(cause: viewchan::Cause) -> Option<Cause> {
    Some(match cause {
        viewchan::Cause::Attach => Cause::Attach,
        viewchan::Cause::Return => Cause::Return,
        viewchan::Cause::Safepoint => Cause::Safepoint,
        viewchan::Cause::ViewCreation => Cause::ViewCreation,
        viewchan::Cause::ViewRelease => Cause::ViewRelease,
        viewchan::Cause::Collection => Cause::Collection,
        _ => return None,
    })
}

fn why(refused: Refused) -> Why {
    match refused {
        Refused::NotReady => Why::NotReady,
        Refused::Closed => Why::Closed,
        Refused::Interrupted => Why::Interrupted,
        Refused::TimedOut => Why::TimedOut,
    }
}

fn side(side: viewchan::trace::Side) -> Side {
    match side {
        viewchan::trace::Side::Send => Side::Send,
        viewchan::trace::Side::Receive => Side::Receive,
    }
}
