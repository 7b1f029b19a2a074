//! A scenario is data: interpreters, buffers, channels, and threads with their steps.
//!
//! One file serves every engine: the specification explores it, loom and shuttle run the real code on it, real threads repeat
//! it. The file format is documented in the module [`mod@parse`]; [`write()`] writes it. A [`mod@crowd`] is made to measure.

pub mod crowd;
pub mod parse;
mod shipped;
mod size;
mod write;

pub use parse::{MOST_BYTES, ParseError, parse};
pub use shipped::shipped;
pub use size::{MOST_LOOM_THREADS, MOST_STEPS};
pub use write::{line, write};

use std::collections::BTreeMap;

/// How thoroughly a scenario is explored under loom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Every interleaving: no preemption bound, nothing truncated.
    Exhaustive,
    /// Every interleaving with at most this many preemptions. Never called exhaustive.
    Bounded {
        /// Preemptions that loom may insert into one execution.
        preemptions: usize,
    },
}

/// A way of sharing, as `viewchan::strategy` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// The object itself is shared: every clone and every drop visits the owner.
    Shared,
    /// A count for each receiving interpreter: its first view and its last release visit the owner.
    Proxy,
    /// The design of 2017: creating a view and releasing it visit the owner.
    View,
    /// The message becomes the view: only the release visits the owner.
    Handover,
    /// As handover, and a release goes on the owner's return list.
    Deferred,
    /// A broadcast slot whose value is read in place.
    Epoch,
}

impl Strategy {
    /// All strategies, in the order of the table in the README.
    pub const ALL: [Self; 6] = [Self::Shared, Self::Proxy, Self::View, Self::Handover, Self::Deferred, Self::Epoch];

    /// The strategies of a channel: all but the broadcast slot.
    pub const OF_CHANNELS: [Self; 5] = [Self::Shared, Self::Proxy, Self::View, Self::Handover, Self::Deferred];

    /// Its name in files, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Proxy => "proxy",
            Self::View => "view",
            Self::Handover => "handover",
            Self::Deferred => "deferred",
            Self::Epoch => "epoch",
        }
    }

    /// The strategy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

/// What becomes of a message whose owner ends before it is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Undelivered {
    /// It is received as if nothing had happened.
    #[default]
    Deliver,
    /// The receiver gets an error in its place.
    Error,
    /// It is passed over.
    Remove,
}

impl Undelivered {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Deliver, Self::Error, Self::Remove];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Error => "error",
            Self::Remove => "remove",
        }
    }

    /// The policy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// A whole scenario, checked: every name in it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The name, after the race that it is about; equals the file's stem.
    pub name: String,
    /// One sentence: which race, and what must hold.
    pub about: String,
    /// How loom explores it, unless `bounded_for` says otherwise.
    pub tier: Tier,
    /// The strategies that it is for, in the order of [`Strategy::ALL`]; at least one.
    pub strategies: Vec<Strategy>,
    /// Strategies under which loom explores it with at most so many preemptions, whatever `tier` says.
    pub bounded_for: BTreeMap<Strategy, usize>,
    /// How many returned buffers are collected at a time, and released together: 1 unless it is about that.
    pub batch: usize,
    /// The defect of CPython that it is a regression scenario for, `D1` to `D14`.
    pub defect: Option<String>,
    /// The fault that reproduces the defect; refuted on this scenario.
    pub fault: Option<String>,
    /// Names of the interpreters. An [`Interpreter`] is an index into this.
    pub interpreters: Vec<String>,
    /// The buffers. A [`Buffer`] is an index into this.
    pub buffers: Vec<BufferDecl>,
    /// The channels. A [`Channel`] is an index into this.
    pub channels: Vec<ChannelDecl>,
    /// The broadcast slots. A [`Slot`] is an index into this. Where there is one, there are no channels and no views.
    pub slots: Vec<SlotDecl>,
    /// The threads, at least one.
    pub threads: Vec<ThreadDecl>,
}

/// Index of an interpreter in [`Scenario::interpreters`].
pub type Interpreter = usize;
/// Index of a buffer in [`Scenario::buffers`].
pub type Buffer = usize;
/// Index of a channel in [`Scenario::channels`].
pub type Channel = usize;
/// Index of a slot in [`Scenario::slots`].
pub type Slot = usize;
/// Index of a thread in [`Scenario::threads`].
pub type Thread = usize;
/// Index of a variable in [`ThreadDecl::variables`].
pub type Variable = usize;

/// A buffer, frozen before the threads start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferDecl {
    /// Its name.
    pub name: String,
    /// The interpreter that owns it.
    pub owner: Interpreter,
}

/// A channel, made before the threads start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelDecl {
    /// Its name.
    pub name: String,
    /// Messages that it can hold; `None` is unbounded.
    pub capacity: Option<usize>,
    /// What becomes of its messages when their owner ends.
    pub undelivered: Undelivered,
}

/// A broadcast slot, made before the threads start, empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDecl {
    /// Its name.
    pub name: String,
}

/// A thread: what it holds at the start and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadDecl {
    /// Its name.
    pub name: String,
    /// Variable names, the initially held ones first.
    pub variables: Vec<String>,
    /// What the first variables hold at the start, in order.
    pub holds: Vec<Holding>,
    /// What it does. Attachment is a step like any other: `in = "A"` in the file is a [`Step::Attach`] around all
    /// steps. Whatever a thread still holds after its last step is dropped in the order of `variables`, attached to
    /// nobody.
    pub steps: Vec<Located>,
}

/// What a variable holds when the thread starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// One handle of its owner on a buffer.
    Handle(Buffer),
    /// A view of a buffer, opened before the threads start. All threads that hold the view of one buffer hold clones
    /// of one view.
    View(Buffer),
    /// A send end of a channel. Several threads may hold one: clones.
    SendEnd(Channel),
    /// The receive end of a channel. Only one thread can hold it.
    ReceiveEnd(Channel),
    /// The publisher of a slot. Only one thread can hold it.
    Publisher(Slot),
    /// A subscriber of a slot. Several threads may hold one: clones.
    Subscriber(Slot),
}

/// A step and the line of the file that it stands on (counted from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The step.
    pub step: Step,
    /// Its text, as written in the file.
    pub text: String,
    /// Its line in the file.
    pub line: usize,
}

/// How long an operation waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Patience {
    /// Not at all: `try-send`, `try-recv`.
    Never,
    /// Until a deadline that may pass at any moment: `send-timeout`, `recv-timeout`.
    Deadline,
    /// As long as it takes: `send`, `recv`.
    Forever,
}

/// One step of a thread. A step whose variables are empty when it is reached is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `attach INTERPRETER` … `end`: leave the present interpreter if any, enter this one, do the body, leave it, go
    /// back. With `unwind`, the body ended in `panic`: the drops run while the panic unwinds, still attached; it is
    /// caught behind the block.
    Attach {
        /// Whom to enter.
        interpreter: Interpreter,
        /// What to do inside.
        body: Vec<Located>,
        /// `None`: the block ends normally. `Some`: it ends by `panic NAME…`, and these variables drop while it
        /// unwinds.
        unwind: Option<Vec<Variable>>,
    },
    /// `detach` … `end`: leave the present interpreter, do the body, come back.
    Detach {
        /// What to do outside.
        body: Vec<Located>,
    },
    /// `safepoint`: let a waiting thread of this interpreter in.
    Safepoint,
    /// `send END WHAT`, `try-send`, `send-timeout`: the variable is empty afterwards if it was sent, else it keeps its
    /// value.
    Send {
        /// A send end.
        end: Variable,
        /// A buffer handle or a channel end.
        what: Variable,
        /// How long to wait for space.
        patience: Patience,
    },
    /// `recv END NAME`, `try-recv`, `recv-timeout`.
    Receive {
        /// A receive end.
        end: Variable,
        /// Where the received view or end goes; must be empty.
        into: Variable,
        /// How long to wait for a message.
        patience: Patience,
    },
    /// `copy WHAT NAME`: another handle of a buffer (attached to its owner), another clone of a send end or a subscriber.
    Copy {
        /// A buffer handle, a send end or a subscriber.
        what: Variable,
        /// Where the copy goes.
        into: Variable,
    },
    /// `clone VIEW NAME`.
    Clone {
        /// A view.
        view: Variable,
        /// Where the clone goes.
        into: Variable,
    },
    /// `slice VIEW NAME`: a view of the bytes without the first one.
    Slice {
        /// A view.
        view: Variable,
        /// Where the slice goes.
        into: Variable,
    },
    /// `read WHAT`: read every byte of a view, a reading or a buffer handle.
    Read {
        /// A view, a reading or a buffer handle.
        what: Variable,
    },
    /// `release VIEW`: the explicit form of `drop`.
    Release {
        /// A view or a reading.
        view: Variable,
    },
    /// `drop WHAT`: drop whatever the variable holds.
    Drop {
        /// Anything.
        what: Variable,
    },
    /// `thaw HANDLE`: thaw, write new bytes, freeze again; refused while anything else refers to the buffer.
    Thaw {
        /// A buffer handle.
        handle: Variable,
    },
    /// `close END`: close the channel from this side; the end is gone afterwards.
    Close {
        /// Either end.
        end: Variable,
    },
    /// `end INTERPRETER`: nobody can attach to it any more; it has ended when the last thread has left it.
    End {
        /// Which.
        interpreter: Interpreter,
    },
    /// `publish PUBLISHER HANDLE`: the buffer becomes the slot's current value; the variable is empty afterwards, unless the
    /// thread is not attached to the buffer's owner.
    Publish {
        /// A publisher.
        publisher: Variable,
        /// A buffer handle.
        what: Variable,
    },
    /// `peek SUBSCRIBER NAME`: a reading of the slot's current value, with a reader of its own.
    Peek {
        /// A subscriber.
        subscriber: Variable,
        /// Where the reading goes.
        into: Variable,
    },
    /// `undelivered END POLICY`: what becomes of the messages sent through this end from now on.
    Undelivered {
        /// A send end.
        end: Variable,
        /// The policy.
        policy: Undelivered,
    },
}

impl Scenario {
    /// How loom explores it under a strategy.
    pub fn tier(&self, strategy: Strategy) -> Tier {
        match self.bounded_for.get(&strategy) {
            Some(&preemptions) => Tier::Bounded { preemptions },
            None => self.tier,
        }
    }

    /// Threads that hold this at the start.
    pub fn holders(&self, holding: Holding) -> usize {
        let holders = self.threads.iter();
        holders.filter(|thread| thread.holds.contains(&holding)).count()
    }
}

impl ThreadDecl {
    /// All steps in the order in which the thread runs them: a block stands before the steps of its body.
    pub fn preorder(&self) -> Vec<&Located> {
        let mut steps = Vec::new();
        collect(&self.steps, &mut steps);
        steps
    }
}

fn collect<'a>(body: &'a [Located], steps: &mut Vec<&'a Located>) {
    for located in body {
        steps.push(located);
        collect(located.step.body(), steps);
    }
}

impl Step {
    /// The steps inside a block; none for any other step.
    pub fn body(&self) -> &[Located] {
        match self {
            Self::Attach { body, .. } | Self::Detach { body } => body,
            _ => &[],
        }
    }

    /// Whether it is a block that ends by a panic.
    pub fn panics(&self) -> bool {
        matches!(self, Self::Attach { unwind: Some(_), .. })
    }

    /// How long a sending or receiving step waits; `None` for any other step.
    pub fn patience(&self) -> Option<Patience> {
        match self {
            Self::Send { patience, .. } | Self::Receive { patience, .. } => Some(*patience),
            _ => None,
        }
    }
}
