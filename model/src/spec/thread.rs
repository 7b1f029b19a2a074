//! The state of one thread: where it is, what it does next, what it holds.

use super::action::{Cause, Side, Why};
use super::life::Decision;
use super::operation::Operation;
use super::slot::{Place, Shown, SlotTodo};
use crate::scenario::{self, ChannelDecl, Holding, Undelivered};

/// What a variable holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    #[default]
    Empty,
    /// A handle on this buffer: one reference.
    Handle(u8),
    /// A clone of the view with this number.
    View(u8),
    /// A send end of this channel, and what becomes of the messages sent through it when their owner ends.
    SendEnd(u8, Undelivered),
    /// The receive end of this channel.
    ReceiveEnd(u8),
    /// The publisher of this slot.
    Publisher(u8),
    /// A subscriber of this slot.
    Subscriber(u8),
    /// A reading of this slot, with its guard and its reader.
    Reading { slot: u8, value: Shown },
}

/// What a thread has in its hands in the middle of an operation: no variable holds it any more, or not yet.
///
/// The hands are empty between operations. What an operation leaves in them is lost, and the count shows it (G3, G9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim {
    /// A handle that is being dropped.
    Handle(u8),
    /// A message that is not in a channel: it was taken out and becomes a view or is discarded, or it was exported and
    /// is about to be sent. A new reference that a clone is made of counts as one too.
    Message { buffer: u8, version: u16 },
    /// A message whose owner was seen ending, and whose policy is not to deliver it: it is discarded.
    Undeliverable { buffer: u8, version: u16 },
    /// A message for which no proxy was found.
    Sought { buffer: u8, version: u16 },
    /// A new view that has not joined its proxy yet.
    Fresh { buffer: u8, version: u16 },
    /// A view without clones that still has its export.
    View(u8),
    /// A view without clones and without export: one reference is left.
    Reference(u8),
    /// The writable bytes of a thawed buffer.
    Bytes(u8),
    /// A send end that is being dropped.
    SendEnd(u8),
    /// A receive end that is being dropped.
    ReceiveEnd(u8),
    /// A holder of this slot: a reader without a reading, or whatever is being dropped.
    Holder(u8),
    /// A guard without a reading.
    Guard(Place),
    /// A value that was taken out of this slot and is about to be retired.
    Replaced { slot: u8, value: Shown },
}

/// How long an operation waits: `scenario::Patience`, ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Patience {
    Never,
    Deadline,
    Forever,
}

impl From<scenario::Patience> for Patience {
    fn from(patience: scenario::Patience) -> Self {
        match patience {
            scenario::Patience::Never => Self::Never,
            scenario::Patience::Deadline => Self::Deadline,
            scenario::Patience::Forever => Self::Forever,
        }
    }
}

/// A send in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sending {
    /// Into which channel.
    pub(super) channel: u8,
    /// The variable whose content is sent.
    pub(super) what: u8,
    /// The policy of the end through which it is sent.
    pub(super) undelivered: Undelivered,
    pub(super) patience: Patience,
}

/// A receive in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Receiving {
    /// From which channel.
    pub(super) channel: u8,
    /// The variable for what is received.
    pub(super) into: u8,
    /// The number of the view that a buffer becomes.
    pub(super) view: u8,
    pub(super) patience: Patience,
}

impl Receiving {
    /// Where the view goes that is made of what is received.
    pub(super) fn window(self) -> Window {
        Window { into: self.into, view: self.view, is_copy: false }
    }
}

/// A pending atomic action of a thread, with what it does to the thread's own variables.
///
/// Most stand for one [`Kind`](super::Kind); `Now` stands for none. `Safepoint`, `Thaw`, `TrySend`, `WaitSend`, `TryTake`,
/// `Take` and `Look` decide between several when their turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Todo {
    Enter(u8, Cause),
    Leave(u8),
    /// Stay, or leave and enter again.
    Safepoint(u8),
    Reference {
        buffer: u8,
        into: u8,
    },
    /// Take the reference for one more view of a buffer whose views are not counted together.
    ReferenceView {
        buffer: u8,
        version: u16,
    },
    Dereference(u8),
    /// Make a view of the message in hand.
    Export {
        buffer: u8,
        window: Window,
    },
    /// Make a view of the message in hand; it is not in its variable yet.
    ExportFresh(u8),
    /// Export the buffer in the variable `from`: it is a message from here on.
    Pin {
        buffer: u8,
        from: u8,
    },
    /// The opposite.
    Unpin {
        buffer: u8,
        into: u8,
    },
    Unexport(u8),
    Free(u8),
    /// Thaw through the handle in this variable, or be refused.
    Thaw {
        buffer: u8,
        handle: u8,
    },
    Freeze {
        buffer: u8,
        handle: u8,
    },
    CloneView {
        view: u8,
        into: u8,
    },
    /// Drop the clone in the variable `from`.
    DropView {
        view: u8,
        from: u8,
    },
    Read(u8),
    /// Send if there is space, else wait or give up.
    TrySend(Sending),
    /// Wait for space, attached to nobody.
    WaitSend(Sending),
    /// Receive if there is a message, else wait or give up.
    TryTake(Receiving),
    /// Receive, wait or give up, attached to nobody.
    Take(Receiving),
    CloneSender {
        channel: u8,
        undelivered: Undelivered,
        into: u8,
    },
    DropSender(u8),
    Close(u8, Side),
    Moor {
        channel: u8,
        inside: Option<u8>,
    },
    /// Walk one step up from `node`, to see whether the send would lock an end into itself. `seen` has a bit for each
    /// channel that the walk has been at, the moving end's own included.
    Probe {
        node: u8,
        seen: u64,
        sending: Sending,
    },
    /// Begin the end of this interpreter.
    Ending(u8),
    /// Complete it.
    Ended(u8),
    /// Look whether the owner of the message in hand is ending.
    Inspect {
        buffer: u8,
        undelivered: Undelivered,
        receiving: Receiving,
    },
    /// Not an action: decide as soon as what stands before is done.
    Now(Decision),
    Attend(u8),
    Unattend(u8),
    /// Collect a batch, if there is something.
    Look(u8),
    Collect(u8),
    /// Collect one more of a batch, if there is one, and so many after it.
    More(u8, u8),
    /// Put this buffer on its owner's return list.
    Return(u8),
    /// Put all that is in the outbox of this interpreter on their owner's return list.
    Empty(u8),
    LetGo(u8),
    Seek {
        buffer: u8,
        window: Window,
    },
    Join {
        buffer: u8,
        window: Window,
    },
    Slot(SlotTodo),
}

/// Where a new view goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Window {
    /// The variable.
    pub(super) into: u8,
    /// The number of the view.
    pub(super) view: u8,
    /// Whether it is a clone or a slice that counts at the owner itself.
    pub(super) is_copy: bool,
}

/// What to do when an `attach` or `detach` block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Block {
    /// Nothing: the thread was already where the block put it.
    Same,
    /// Go back to where the thread was attached before, if anywhere.
    Left(Option<u8>),
}

/// What a step of a thread came to. Only steps that can end differently have a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum StepResult {
    /// `send`.
    Sent,
    /// `send`: withdrawn, the thread keeps what it wanted to send.
    SendRefused(Why),
    /// `recv`: nothing was received.
    ReceiveRefused(Why),
    /// `send` or `publish` of a buffer by a thread that is not attached to its owner.
    NotOwner,
    /// `send` of a receive end to where nobody could receive it any more.
    Unreachable,
    /// `recv`, `peek`, `read`: a buffer, and how often it had been rewritten.
    Bytes { buffer: u8, version: u16 },
    /// `recv` of a send end.
    SendEnd(u8),
    /// `recv` of a receive end.
    ReceiveEnd(u8),
    /// `thaw`.
    Thawed,
    /// `thaw` of a buffer to which something else refers.
    ThawRefused,
    /// `attach` block that ended in `panic`.
    Panicked,
    /// `attach` to an interpreter that is ending or has ended.
    Gone,
    /// `end`.
    Ended,
    /// `end` of an interpreter that was ending, or had ended, before.
    EndedBefore,
    /// `recv` of a message that is not delivered, because its owner is ending or has ended.
    OwnerEnded,
    /// `publish`.
    Published,
    /// `peek` of a slot in which nothing was published.
    Nothing,
    /// A release that did not happen: only in broken protocols (G8).
    ReleaseFailed,
}

/// A thread. Everything in here is its own: no other thread's action changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ThreadState {
    /// The instruction to expand when the agenda is done.
    pub(super) position: u16,
    /// What it is doing now.
    pub(super) operation: Operation,
    /// What it was doing when it began to run errands.
    pub(super) interrupted: Option<Operation>,
    /// The interpreters whose return list it is to see to, the one that it took last at the end.
    pub(super) errands: Vec<u8>,
    /// The interpreter whose thread it is: where the innermost block attached it. An operation leaves it for a moment.
    pub(super) home: Option<u8>,
    /// The open `attach` and `detach` blocks, the innermost one last.
    pub(super) blocks: Vec<Block>,
    /// Its pending actions, the *next one last*. Empty only when the thread has finished.
    pub(super) agenda: Vec<Todo>,
    /// See [`Claim`].
    pub(super) hands: Vec<Claim>,
    /// Its variables, in the order of `ThreadDecl::variables`.
    pub(super) variables: Vec<Value>,
    /// The results of its steps so far.
    pub(super) results: Vec<StepResult>,
}

impl ThreadState {
    /// Puts `plan` before all else that the thread has to do.
    pub(super) fn first(&mut self, plan: Vec<Todo>) {
        self.agenda.extend(plan.into_iter().rev());
    }

    /// Puts `plan` behind all else that the operation has to do.
    pub(super) fn last(&mut self, plan: Vec<Todo>) {
        self.agenda.splice(..0, plan.into_iter().rev());
    }

    /// What a variable holds; one that does not exist is empty.
    pub(super) fn variable(&self, variable: u8) -> Value {
        self.variables.get(usize::from(variable)).copied().unwrap_or_default()
    }

    /// Whether a variable can take something in.
    pub(super) fn is_empty(&self, variable: u8) -> bool {
        usize::from(variable) < self.variables.len() && self.variable(variable) == Value::Empty
    }

    /// Changes what a variable holds.
    pub(super) fn assign(&mut self, variable: u8, value: Value) {
        if let Some(place) = self.variables.get_mut(usize::from(variable)) {
            *place = value;
        }
    }

    /// Whether some variable holds a send end of `channel`.
    pub(super) fn holds_send_end(&self, channel: u8) -> bool {
        self.variables.iter().any(|value| matches!(*value, Value::SendEnd(held, _) if held == channel))
    }

    /// Whether some variable holds `value`.
    pub(super) fn holds(&self, value: Value) -> bool {
        self.variables.contains(&value)
    }

    /// Whether the thread has `claim` in its hands.
    pub(super) fn has(&self, claim: Claim) -> bool {
        self.hands.contains(&claim)
    }

    /// Puts the claim down that `matches` and was picked up last, and returns it.
    pub(super) fn put_down(&mut self, matches: impl Fn(Claim) -> bool) -> Option<Claim> {
        let position = self.hands.iter().rposition(|&claim| matches(claim))?;
        Some(self.hands.remove(position))
    }
}

impl Claim {
    /// The buffer that gets a reference back when this claim is given up in a [`Todo::Dereference`].
    pub(super) fn reference(self) -> Option<u8> {
        match self {
            Self::Handle(buffer) | Self::Message { buffer, .. } | Self::Reference(buffer) => Some(buffer),
            Self::Undeliverable { buffer, .. } | Self::Sought { buffer, .. } => Some(buffer),
            Self::Fresh { .. } | Self::View(_) | Self::Bytes(_) | Self::SendEnd(_) | Self::ReceiveEnd(_) => None,
            Self::Holder(_) | Self::Guard(_) | Self::Replaced { .. } => None,
        }
    }

    /// The message that this is.
    pub(super) fn message(self) -> Option<u8> {
        match self {
            Self::Message { buffer, .. } | Self::Undeliverable { buffer, .. } | Self::Sought { buffer, .. } => {
                Some(buffer)
            }
            _ => None,
        }
    }

    /// The version that a message, or a view that is none yet, shows of its buffer.
    pub(super) fn shows(self) -> Option<(u8, u16)> {
        match self {
            Self::Message { buffer, version }
            | Self::Undeliverable { buffer, version }
            | Self::Sought { buffer, version }
            | Self::Fresh { buffer, version } => Some((buffer, version)),
            _ => None,
        }
    }
}

impl Value {
    /// What a variable holds before the threads start. The view of buffer `b` that existed before has the number `b`.
    pub(super) fn initial(holding: Holding, channels: &[ChannelDecl]) -> Self {
        match holding {
            Holding::Handle(buffer) => Self::Handle(small(buffer)),
            Holding::View(buffer) => Self::View(small(buffer)),
            Holding::SendEnd(channel) => Self::SendEnd(small(channel), channels[channel].undelivered),
            Holding::ReceiveEnd(channel) => Self::ReceiveEnd(small(channel)),
            Holding::Publisher(slot) => Self::Publisher(small(slot)),
            Holding::Subscriber(slot) => Self::Subscriber(small(slot)),
        }
    }
}

/// Narrows an index. [`Rules::new`](super::Rules::new) has checked that the scenario is small enough.
pub(super) fn small(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}
