//! The state of one thread: where it is, what it does next, what it holds.

use std::fmt;

use super::action::{Cause, Side, Why};
use crate::scenario::{self, Holding};

/// What a thread is doing, for the lock table and for G1: which locks it may acquire depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Nothing: it has not begun, or has finished.
    #[default]
    Idle,
    /// Begins or ends an `attach` block.
    Attach,
    /// Begins or ends a `detach` block.
    Detach,
    /// Passes a safepoint.
    Safepoint,
    /// Sends.
    Send,
    /// Receives, view creation included.
    Receive,
    /// Copies a buffer handle or a send end.
    Copy,
    /// Clones a view.
    Clone,
    /// Slices a view.
    Slice,
    /// Reads.
    Read,
    /// Drops a view that has other clones, or does not know yet that it has none.
    Release,
    /// Drops the last clone of a view.
    LastRelease,
    /// Drops a buffer handle.
    DropHandle,
    /// Drops a send end.
    DropEnd,
    /// Closes a channel.
    Close,
    /// Discards the messages of a channel whose receive end is gone.
    Discard,
    /// Thaws a buffer, writes to it and freezes it again.
    Thaw,
}

impl Operation {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Safepoint => "safepoint",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Copy => "copy",
            Self::Clone => "clone",
            Self::Slice => "slice",
            Self::Read => "read",
            Self::Release => "release",
            Self::LastRelease => "last-release",
            Self::DropHandle => "drop-handle",
            Self::DropEnd => "drop-end",
            Self::Close => "close",
            Self::Discard => "discard",
            Self::Thaw => "thaw",
        }
    }

    /// Whether a thread that does this may become a thread of an interpreter on the way: G1 forbids it to everything
    /// that a view or a channel does.
    pub(super) fn may_attach(self) -> bool {
        matches!(self, Self::Idle | Self::Attach | Self::Detach | Self::DropHandle)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a variable holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    #[default]
    Empty,
    /// A handle on this buffer: one reference.
    Handle(u8),
    /// A clone of the view with this number.
    View(u8),
    /// A send end of this channel.
    SendEnd(u8),
    /// The receive end of this channel.
    ReceiveEnd(u8),
}

/// What a thread has in its hands in the middle of an operation: no variable holds it any more, or not yet.
///
/// The hands are empty between operations. What an operation leaves in them is lost, and the count shows it (G3, G9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim {
    /// A handle that is being dropped.
    Handle(u8),
    /// A message that was taken out of a channel: it becomes a view, or is discarded.
    Message { buffer: u8, version: u16 },
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

/// A pending atomic action of a thread, with what it does to the thread's own variables.
///
/// Most stand for one [`Kind`](super::Kind). `Safepoint`, `Thaw`, `TrySend`, `WaitSend` and `Take` decide between
/// several when their turn comes.
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
    Dereference(u8),
    Export {
        buffer: u8,
        into: u8,
        view: u8,
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
    /// Receive, wait or give up, attached to nobody.
    Take(Receiving),
    CloneSender {
        channel: u8,
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
    /// `send` of a buffer by a thread that is not attached to its owner.
    NotOwner,
    /// `send` of a receive end to where nobody could receive it any more.
    Unreachable,
    /// `recv`, `read`: a buffer, and how often it had been rewritten.
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

    /// Whether some variable holds `value`.
    pub(super) fn holds(&self, value: Value) -> bool {
        self.variables.contains(&value)
    }

    /// Whether the thread has `claim` in its hands.
    pub(super) fn has(&self, claim: Claim) -> bool {
        self.hands.contains(&claim)
    }

    /// Puts the first claim down that `matches`, and returns it.
    pub(super) fn put_down(&mut self, matches: impl Fn(Claim) -> bool) -> Option<Claim> {
        let position = self.hands.iter().position(|&claim| matches(claim))?;
        Some(self.hands.remove(position))
    }
}

impl Claim {
    /// The buffer that gets a reference back when this claim is given up in a [`Todo::Dereference`].
    pub(super) fn reference(self) -> Option<u8> {
        match self {
            Self::Handle(buffer) | Self::Message { buffer, .. } | Self::Reference(buffer) => Some(buffer),
            Self::View(_) | Self::Bytes(_) | Self::SendEnd(_) | Self::ReceiveEnd(_) => None,
        }
    }
}

impl Value {
    /// What a variable holds before the threads start. The view of buffer `b` that existed before has the number `b`.
    pub(super) fn initial(holding: Holding) -> Self {
        match holding {
            Holding::Handle(buffer) => Self::Handle(small(buffer)),
            Holding::View(buffer) => Self::View(small(buffer)),
            Holding::SendEnd(channel) => Self::SendEnd(small(channel)),
            Holding::ReceiveEnd(channel) => Self::ReceiveEnd(small(channel)),
        }
    }
}

/// Narrows an index. [`Rules::new`](super::Rules::new) has checked that the scenario is small enough.
pub(super) fn small(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}
