//! What a thread would do next, and whether it has to wait for it.

use super::Rules;
use super::action::{Kind, Side, Why};
use super::state::{ChannelState, State};
use super::thread::{Patience, Todo, Value};

/// An action that a thread wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) kind: Kind,
    /// It waits for a message or for space. Waiting for a lock is not decided here but in [`Rules::judge`].
    pub(super) waits: bool,
}

/// Up to two intents: a safepoint offers a choice, a deadline offers a way out.
pub(super) type Intents = std::iter::Flatten<std::array::IntoIter<Option<Intent>, 2>>;

fn none() -> Intents {
    [None, None].into_iter().flatten()
}

fn ready(kind: Kind) -> Intents {
    [Some(Intent { kind, waits: false }), None].into_iter().flatten()
}

fn either(first: Kind, second: Kind) -> Intents {
    [first, second].map(|kind| Some(Intent { kind, waits: false })).into_iter().flatten()
}

fn waiting(kind: Kind, way_out: Option<Kind>) -> Intents {
    let way_out = way_out.map(|kind| Intent { kind, waits: false });
    [Some(Intent { kind, waits: true }), way_out].into_iter().flatten()
}

impl Rules {
    /// What a thread wants to do next. Nothing if it has finished or does not exist.
    pub(super) fn intents(&self, state: &State, thread: usize) -> Intents {
        let Some(me) = state.threads.get(thread) else { return none() };
        let Some(&todo) = me.agenda.last() else { return none() };
        match todo {
            Todo::Enter(interpreter, cause) => ready(Kind::Enter { interpreter: interpreter.into(), cause }),
            Todo::Leave(interpreter) => ready(Kind::Leave { interpreter: interpreter.into() }),
            Todo::Safepoint(interpreter) => {
                let interpreter = interpreter.into();
                match me.errands.is_empty() {
                    true => either(Kind::Stay { interpreter }, Kind::Leave { interpreter }),
                    false => ready(Kind::Leave { interpreter }),
                }
            }
            Todo::Reference { buffer, .. } => ready(Kind::Reference { buffer: buffer.into() }),
            Todo::ReferenceView { buffer, .. } => ready(Kind::Reference { buffer: buffer.into() }),
            Todo::Dereference(buffer) => ready(Kind::Dereference { buffer: buffer.into() }),
            Todo::Export { buffer, .. } | Todo::ExportFresh(buffer) | Todo::Pin { buffer, .. } => {
                ready(Kind::Export { buffer: buffer.into() })
            }
            Todo::Unexport(buffer) | Todo::Unpin { buffer, .. } => ready(Kind::Unexport { buffer: buffer.into() }),
            Todo::Free(buffer) => ready(Kind::Free { buffer: buffer.into() }),
            Todo::Thaw { buffer, .. } => {
                let is_sole = self.is_sole(state, buffer);
                let buffer = buffer.into();
                ready(if is_sole { Kind::Thaw { buffer } } else { Kind::ThawRefused { buffer } })
            }
            Todo::Freeze { buffer, .. } => ready(Kind::Freeze { buffer: buffer.into() }),
            Todo::CloneView { view, .. } => of_view(state, view, |buffer| Kind::CloneView { buffer }),
            Todo::DropView { view, .. } => of_view(state, view, |buffer| Kind::DropView { buffer }),
            Todo::Read(variable) => match me.variable(variable) {
                Value::Handle(buffer) => ready(Kind::Read { buffer: buffer.into() }),
                Value::View(view) => of_view(state, view, |buffer| Kind::Read { buffer }),
                Value::Reading { value, .. } => ready(Kind::Read { buffer: value.buffer.into() }),
                Value::SendEnd(..) | Value::ReceiveEnd(_) | Value::Publisher(_) | Value::Subscriber(_) => none(),
                Value::Empty => none(),
            },
            Todo::TrySend(sending) => {
                let channel = sending.channel.into();
                self.send_intents(state, thread, channel, None)
            }
            Todo::WaitSend(sending) => {
                let channel = sending.channel.into();
                if state.is_asleep(thread) {
                    return waiting(Kind::Send { channel }, send_way_out(channel, sending.patience));
                }
                self.send_intents(state, thread, channel, Some(sending.patience))
            }
            Todo::TryTake(receiving) => receive_intents(state, thread, receiving.channel.into(), None),
            Todo::Take(receiving) => {
                let channel = receiving.channel.into();
                if state.is_asleep(thread) {
                    return waiting(Kind::Receive { channel }, receive_way_out(channel, receiving.patience));
                }
                receive_intents(state, thread, channel, Some(receiving.patience))
            }
            Todo::CloneSender { channel, .. } => ready(Kind::CloneSender { channel: channel.into() }),
            Todo::DropSender(channel) => ready(Kind::DropSender { channel: channel.into() }),
            Todo::Close(channel, side) => ready(Kind::Close { channel: channel.into(), side }),
            Todo::Moor { channel, inside } => {
                ready(Kind::Moor { channel: channel.into(), inside: inside.map(usize::from) })
            }
            Todo::Probe { node, .. } => ready(Kind::Probe { channel: node.into() }),
            Todo::Ending(interpreter) => ready(Kind::Ending { interpreter: interpreter.into() }),
            Todo::Ended(interpreter) => {
                let kind = Kind::Ended { interpreter: interpreter.into() };
                if self.end_waits(state, interpreter) { waiting(kind, None) } else { ready(kind) }
            }
            Todo::Inspect { buffer, .. } => ready(Kind::Inspect { interpreter: self.owner(buffer).into() }),
            Todo::Now(_) => none(),
            Todo::Attend(interpreter) => ready(Kind::Attend { interpreter: interpreter.into() }),
            Todo::Unattend(interpreter) => ready(Kind::Unattend { interpreter: interpreter.into() }),
            Todo::Look(interpreter) | Todo::More(interpreter, _) => ready(self.found(state, interpreter)),
            Todo::Collect(interpreter) => ready(Kind::Collect { interpreter: interpreter.into() }),
            Todo::Return(buffer) => {
                ready(Kind::Return { interpreter: self.owner(buffer).into(), buffer: buffer.into() })
            }
            Todo::Empty(interpreter) => match state.returns[usize::from(interpreter)].outbox.last() {
                Some(&buffer) => ready(Kind::Return { interpreter: self.owner(buffer).into(), buffer: buffer.into() }),
                None => none(),
            },
            Todo::LetGo(interpreter) => ready(Kind::LetGo { interpreter: interpreter.into() }),
            Todo::Seek { buffer, .. } => ready(Kind::Seek { buffer: buffer.into() }),
            Todo::Join { buffer, .. } => ready(Kind::Join { buffer: buffer.into() }),
            Todo::Slot(todo) => ready(self.slot_kind(state, todo)),
        }
    }

    /// Whether a channel has space for one more message.
    pub(super) fn has_space(&self, state: &State, channel: usize) -> bool {
        self.scenario.channels[channel].capacity.is_none_or(|capacity| state.queued(channel) < capacity)
    }

    /// A send: closed comes before full, and an interruption before the deadline. Without `patience` the thread does not
    /// wait yet.
    fn send_intents(&self, state: &State, thread: usize, channel: usize, patience: Option<Patience>) -> Intents {
        if !state.channels[channel].takes_messages() {
            return ready(Kind::SendRefused { channel, why: Why::Closed });
        }
        if self.has_space(state, channel) {
            return ready(Kind::Send { channel });
        }
        match patience {
            None => ready(Kind::SendRefused { channel, why: Why::NotReady }),
            Some(_) if state.is_interrupted(thread) => ready(Kind::SendRefused { channel, why: Why::Interrupted }),
            Some(patience) => waiting(Kind::Send { channel }, send_way_out(channel, patience)),
        }
    }

    /// The channel at which a thread waits for space or for a message, and whether it could go on.
    pub(super) fn waits_at(&self, state: &State, thread: usize) -> Option<(usize, Side, bool)> {
        match *state.threads.get(thread)?.agenda.last()? {
            Todo::WaitSend(sending) => {
                let channel = usize::from(sending.channel);
                let ready = self.has_space(state, channel) || !state.channels[channel].takes_messages();
                Some((channel, Side::Send, ready || state.is_interrupted(thread)))
            }
            Todo::Take(receiving) if receiving.patience != Patience::Never => {
                let channel = usize::from(receiving.channel);
                let ChannelState { queue, .. } = &state.channels[channel];
                let ready = !queue.is_empty() || !state.channels[channel].brings_messages();
                Some((channel, Side::Receive, ready || state.is_interrupted(thread)))
            }
            _ => None,
        }
    }
}

/// A receive: a message comes before closed, closed before an interruption, and that before the deadline. Without
/// `patience` the thread does not wait yet.
fn receive_intents(state: &State, thread: usize, channel: usize, patience: Option<Patience>) -> Intents {
    let there = &state.channels[channel];
    if !there.queue.is_empty() {
        return ready(Kind::Receive { channel });
    }
    if !there.brings_messages() {
        return ready(Kind::ReceiveRefused { channel, why: Why::Closed });
    }
    match patience {
        None | Some(Patience::Never) => ready(Kind::ReceiveRefused { channel, why: Why::NotReady }),
        Some(_) if state.is_interrupted(thread) => ready(Kind::ReceiveRefused { channel, why: Why::Interrupted }),
        Some(patience) => waiting(Kind::Receive { channel }, receive_way_out(channel, patience)),
    }
}

fn send_way_out(channel: usize, patience: Patience) -> Option<Kind> {
    (patience == Patience::Deadline).then_some(Kind::SendRefused { channel, why: Why::TimedOut })
}

fn receive_way_out(channel: usize, patience: Patience) -> Option<Kind> {
    (patience == Patience::Deadline).then_some(Kind::ReceiveRefused { channel, why: Why::TimedOut })
}

/// An action on the buffer of a view.
fn of_view(state: &State, view: u8, kind: impl Fn(usize) -> Kind) -> Intents {
    match &state.views[usize::from(view)] {
        Some(view) => ready(kind(view.buffer.into())),
        None => none(),
    }
}
