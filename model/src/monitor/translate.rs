//! From events of the real code to actions of the specification.

use super::Identities;
use crate::spec::{Action, Cause, Kind, Reported, Side, Why};
use viewchan::trace::{Event, Refused};

/// The kind of action that an event stands for. `wants` tells what the thread would do next: events about a view do
/// not say whose bytes it shows, and a newly frozen buffer is not known yet.
pub(super) fn kind(event: &Event, identities: &Identities, wants: impl Fn() -> Vec<Action>) -> Option<Kind> {
    let wanted = |is: fn(&Kind) -> bool| wants().into_iter().map(|action| action.kind).find(is);
    let interpreter = |id| identities.interpreter(id);
    let buffer = |id| identities.buffer(id);
    let channel = |id| identities.channel(id);
    Some(match *event {
        Event::Entered { interpreter: id, cause } => {
            Kind::Enter { interpreter: interpreter(id)?, cause: self::cause(cause)? }
        }
        Event::Leaving { interpreter: id } => Kind::Leave { interpreter: interpreter(id)? },
        Event::Stayed { interpreter: id } => Kind::Stay { interpreter: interpreter(id)? },
        Event::Frozen { .. } => wanted(|kind| matches!(kind, Kind::Freeze { .. }))?,
        Event::Referenced { object, .. } => Kind::Reference { buffer: buffer(object)? },
        Event::Dereferenced { object, .. } => Kind::Dereference { buffer: buffer(object)? },
        Event::Exported { object, .. } => Kind::Export { buffer: buffer(object)? },
        Event::Unexported { object, .. } => Kind::Unexport { buffer: buffer(object)? },
        Event::Freed { object } => Kind::Free { buffer: buffer(object)? },
        Event::Thawed { object } => Kind::Thaw { buffer: buffer(object)? },
        Event::ThawRefused { object, .. } => Kind::ThawRefused { buffer: buffer(object)? },
        Event::ViewCloned { .. } => wanted(|kind| matches!(kind, Kind::CloneView { .. }))?,
        Event::ViewDropped { .. } => wanted(|kind| matches!(kind, Kind::DropView { .. }))?,
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
        _ => return None,
    })
}

/// Learns the identity of a buffer that was frozen anew.
pub(super) fn identify(event: &Event, kind: Kind, identities: &mut Identities) {
    if let (Event::Frozen { object }, Kind::Freeze { buffer }) = (event, kind) {
        identities.buffers[buffer] = *object;
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
        Event::ViewCloned { clones } | Event::ViewDropped { clones } => Reported::Clones(clones),
        Event::Sent { queued, .. } | Event::Received { queued, .. } => Reported::Queued(queued),
        Event::SenderCloned { senders, .. } | Event::SenderDropped { senders, .. } => Reported::Senders(senders),
        Event::Closed { discarded, .. } => Reported::Discarded(discarded),
        Event::Moored { inside, .. } | Event::Probed { inside, .. } => {
            // A channel that the scenario does not have is nowhere in the specification.
            Reported::Inside(inside.map(|id| identities.channel(id).unwrap_or(usize::MAX)))
        }
        _ => Reported::Nothing,
    }
}

fn cause(cause: viewchan::Cause) -> Option<Cause> {
    Some(match cause {
        viewchan::Cause::Attach => Cause::Attach,
        viewchan::Cause::Return => Cause::Return,
        viewchan::Cause::Safepoint => Cause::Safepoint,
        viewchan::Cause::ViewCreation => Cause::ViewCreation,
        viewchan::Cause::ViewRelease => Cause::ViewRelease,
        _ => return None,
    })
}

fn why(refused: Refused) -> Why {
    match refused {
        Refused::NotReady => Why::NotReady,
        Refused::Closed => Why::Closed,
        Refused::TimedOut => Why::TimedOut,
    }
}

fn side(side: viewchan::trace::Side) -> Side {
    match side {
        viewchan::trace::Side::Send => Side::Send,
        viewchan::trace::Side::Receive => Side::Receive,
    }
}
