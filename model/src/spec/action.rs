//! Actions: what a thread does in one atomic step.
//!
//! An action is one event of the real code, one to one: `viewchan::trace::Event` has the same alphabet.

use std::fmt;

use super::slot::SlotAct;
use crate::scenario::Scenario;

/// Why an interpreter's lock is acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The thread becomes a thread of that interpreter.
    Attach,
    /// It comes back to the interpreter that it left for an operation or for a block.
    Return,
    /// It let others in at a safepoint and goes on.
    Safepoint,
    /// It turns a received message into a view.
    ViewCreation,
    /// It gives back a view, or a message that nobody will receive.
    ViewRelease,
    /// It runs an errand: it empties a return list that nobody else sees to.
    Collection,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 6] =
        [Self::Attach, Self::Return, Self::Safepoint, Self::ViewCreation, Self::ViewRelease, Self::Collection];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attach => "attach",
            Self::Return => "return",
            Self::Safepoint => "safepoint",
            Self::ViewCreation => "view creation",
            Self::ViewRelease => "view release",
            Self::Collection => "collection",
        })
    }
}

/// Why a send or a receive is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No space or no message, and the thread does not wait, or not yet.
    NotReady,
    /// The channel is closed.
    Closed,
    /// The interpreter that the thread came from began to end.
    Interrupted,
    /// The deadline passed.
    TimedOut,
}

/// A side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The send ends.
    Send,
    /// The receive end.
    Receive,
}

/// What a thread does in one atomic step. All numbers are indices into the lists of the [`Scenario`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Acquires an interpreter's lock.
    Enter {
        /// Whose.
        interpreter: usize,
        /// Why.
        cause: Cause,
    },
    /// Releases an interpreter's lock.
    Leave {
        /// Whose.
        interpreter: usize,
    },
    /// Passes a safepoint without letting anybody in.
    Stay {
        /// Where it is attached.
        interpreter: usize,
    },
    /// Takes one more reference to a buffer.
    Reference {
        /// Which.
        buffer: usize,
    },
    /// Gives back one reference.
    Dereference {
        /// To which buffer.
        buffer: usize,
    },
    /// Takes the export that a view needs: when the view is created, or for the message that will become it.
    Export {
        /// Of which buffer.
        buffer: usize,
    },
    /// Gives back the export of a released view, or of a message that will become none.
    Unexport {
        /// Of which buffer.
        buffer: usize,
    },
    /// Frees the bytes of a buffer to which nothing refers.
    Free {
        /// Which.
        buffer: usize,
    },
    /// Makes a buffer writable through its sole handle.
    Thaw {
        /// Which.
        buffer: usize,
    },
    /// May not make a buffer writable, because something else refers to it.
    ThawRefused {
        /// Which.
        buffer: usize,
    },
    /// Makes a thawed buffer, with new bytes, immutable again.
    Freeze {
        /// Which.
        buffer: usize,
    },
    /// Clones or slices a view.
    CloneView {
        /// Of which buffer.
        buffer: usize,
    },
    /// Drops one clone of a view.
    DropView {
        /// Of which buffer.
        buffer: usize,
    },
    /// Reads the bytes of a buffer through a view or a handle.
    Read {
        /// Which.
        buffer: usize,
    },
    /// Puts a message into a channel.
    Send {
        /// Which.
        channel: usize,
    },
    /// Is refused to.
    SendRefused {
        /// Which channel.
        channel: usize,
        /// For which reason.
        why: Why,
    },
    /// Takes a message out of a channel.
    Receive {
        /// Which.
        channel: usize,
    },
    /// Is refused to.
    ReceiveRefused {
        /// Which channel.
        channel: usize,
        /// For which reason.
        why: Why,
    },
    /// Clones a send end.
    CloneSender {
        /// Of which channel.
        channel: usize,
    },
    /// Drops a send end.
    DropSender {
        /// Of which channel.
        channel: usize,
    },
    /// Closes a channel, by [`Side::Send`] for further messages, by [`Side::Receive`] for good: the queued messages
    /// pass to the thread, which discards them.
    Close {
        /// Which.
        channel: usize,
        /// From which side.
        side: Side,
    },
    /// Notes where the receive end of a channel is: in flight inside another channel, or not.
    Moor {
        /// Whose receive end.
        channel: usize,
        /// Inside which channel.
        inside: Option<usize>,
    },
    /// Looks up where the receive end of a channel is.
    Probe {
        /// Whose receive end.
        channel: usize,
    },
    /// Begins the end of an interpreter: nobody comes to stay any more.
    Ending {
        /// Whose.
        interpreter: usize,
    },
    /// Completes the end of an interpreter that nobody is inside of any more.
    Ended {
        /// Whose.
        interpreter: usize,
    },
    /// Looks whether the owner of a received message is ending.
    Inspect {
        /// The owner.
        interpreter: usize,
    },
    /// Has come to stay in an interpreter, and sees to its return list from here on.
    Attend {
        /// Whose list.
        interpreter: usize,
    },
    /// Is about to leave it. If something is on the list and nobody else is to see to it, the thread takes the errand.
    Unattend {
        /// Whose list.
        interpreter: usize,
    },
    /// Finds nothing on the return list of its interpreter.
    Look {
        /// Whose list.
        interpreter: usize,
    },
    /// Takes a buffer off the return list of its interpreter.
    Collect {
        /// Whose list.
        interpreter: usize,
    },
    /// Puts a buffer on the return list of its owner. If nobody is to see to the list, the thread takes the errand.
    Return {
        /// Whose list.
        interpreter: usize,
        /// Which buffer.
        buffer: usize,
    },
    /// Looks whether its errand is still needed, and gives it up if not.
    LetGo {
        /// Whose list the errand is about.
        interpreter: usize,
    },
    /// Looks for its interpreter's proxy of a buffer; what is found takes the message over.
    Seek {
        /// Of which buffer.
        buffer: usize,
    },
    /// Brings a new view to its interpreter's proxy of the buffer, or makes it the proxy.
    Join {
        /// Of which buffer.
        buffer: usize,
    },
    /// Does something with a broadcast slot.
    Slot {
        /// Which.
        slot: usize,
        /// What.
        act: SlotAct,
    },
}

/// A thread does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// Index of the thread in [`Scenario::threads`].
    pub thread: usize,
    /// What it does.
    pub kind: Kind,
}

impl Action {
    /// What the thread does, as the label of an arrow in a sequence diagram: "acquires A for view release".
    ///
    /// [`Rules::narrate`](super::Rules::narrate) knows the state as well, and names also the message.
    pub fn describe(&self, scenario: &Scenario) -> String {
        self.kind.describe(&Names(Some(scenario)))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} {}", self.thread, self.kind.describe(&Names(None)))
    }
}

impl Kind {
    fn describe(&self, names: &Names<'_>) -> String {
        match *self {
            Self::Enter { interpreter, cause } => describe_entry(&names.interpreter(interpreter), cause),
            Self::Leave { interpreter } => format!("leaves {}", names.interpreter(interpreter)),
            Self::Stay { interpreter } => format!("stays in {} at a safepoint", names.interpreter(interpreter)),
            Self::Reference { buffer } => format!("takes a reference to {}", names.buffer(buffer)),
            Self::Dereference { buffer } => format!("gives back a reference to {}", names.buffer(buffer)),
            Self::Export { buffer } => format!("exports {} to a view", names.buffer(buffer)),
            Self::Unexport { buffer } => format!("gives back the export of {}", names.buffer(buffer)),
            Self::Free { buffer } => format!("frees {}", names.buffer(buffer)),
            Self::Thaw { buffer } => format!("thaws {}", names.buffer(buffer)),
            Self::ThawRefused { buffer } => format!("may not thaw {}", names.buffer(buffer)),
            Self::Freeze { buffer } => format!("freezes {} with new bytes", names.buffer(buffer)),
            Self::CloneView { buffer } => format!("clones a view of {}", names.buffer(buffer)),
            Self::DropView { buffer } => format!("drops a view of {}", names.buffer(buffer)),
            Self::Read { buffer } => format!("reads {}", names.buffer(buffer)),
            Self::Send { channel } => format!("sends into {}", names.channel(channel)),
            Self::SendRefused { channel, why } => {
                format!("cannot send into {}: {}", names.channel(channel), describe_refusal(why, "full"))
            }
            Self::Receive { channel } => format!("receives from {}", names.channel(channel)),
            Self::ReceiveRefused { channel, why } => {
                format!("cannot receive from {}: {}", names.channel(channel), describe_refusal(why, "empty"))
            }
            Self::CloneSender { channel } => format!("clones a send end of {}", names.channel(channel)),
            Self::DropSender { channel } => format!("drops a send end of {}", names.channel(channel)),
            Self::Close { channel, side: Side::Send } => format!("closes {} for sending", names.channel(channel)),
            Self::Close { channel, side: Side::Receive } => format!("closes {} for receiving", names.channel(channel)),
            Self::Moor { channel, inside: Some(host) } => {
                format!("moors the receive end of {} in {}", names.channel(channel), names.channel(host))
            }
            Self::Moor { channel, inside: None } => format!("unmoors the receive end of {}", names.channel(channel)),
            Self::Probe { channel } => format!("looks up the receive end of {}", names.channel(channel)),
            Self::Ending { interpreter } => format!("begins the end of {}", names.interpreter(interpreter)),
            Self::Ended { interpreter } => format!("completes the end of {}", names.interpreter(interpreter)),
            Self::Inspect { interpreter } => format!("looks whether {} is ending", names.interpreter(interpreter)),
            Self::Attend { interpreter } => format!("attends to the return list of {}", names.interpreter(interpreter)),
            Self::Unattend { interpreter } => {
                format!("no longer attends to the return list of {}", names.interpreter(interpreter))
            }
            Self::Look { interpreter } => {
                format!("finds nothing on the return list of {}", names.interpreter(interpreter))
            }
            Self::Collect { interpreter } => {
                format!("takes a buffer off the return list of {}", names.interpreter(interpreter))
            }
            Self::Return { interpreter, buffer } => {
                format!("puts {} on the return list of {}", names.buffer(buffer), names.interpreter(interpreter))
            }
            Self::LetGo { interpreter } => format!("looks whether {} still needs it", names.interpreter(interpreter)),
            Self::Seek { buffer } => format!("looks for a proxy of {}", names.buffer(buffer)),
            Self::Join { buffer } => format!("brings its view to the proxy of {}", names.buffer(buffer)),
            Self::Slot { slot, act } => act.describe(&names.slot(slot), |buffer| names.buffer(buffer)),
        }
    }
}

fn describe_entry(interpreter: &str, cause: Cause) -> String {
    match cause {
        Cause::Attach => format!("attaches to {interpreter}"),
        Cause::Return => format!("returns to {interpreter}"),
        Cause::Safepoint => format!("goes on in {interpreter} after a safepoint"),
        Cause::ViewCreation | Cause::ViewRelease | Cause::Collection => {
            format!("acquires {interpreter} for {cause}")
        }
    }
}

fn describe_refusal(why: Why, not_ready: &'static str) -> &'static str {
    match why {
        Why::NotReady => not_ready,
        Why::Closed => "closed",
        Why::Interrupted => "its interpreter is ending",
        Why::TimedOut => "timed out",
    }
}

/// The names of a scenario, or numbers where there is no scenario or no name.
struct Names<'a>(Option<&'a Scenario>);

impl Names<'_> {
    fn interpreter(&self, index: usize) -> String {
        let name = self.0.and_then(|scenario| scenario.interpreters.get(index).cloned());
        name.unwrap_or_else(|| format!("interpreter {index}"))
    }

    fn buffer(&self, index: usize) -> String {
        let name = self.0.and_then(|scenario| scenario.buffers.get(index)).map(|buffer| buffer.name.clone());
        name.unwrap_or_else(|| format!("buffer {index}"))
    }

    fn channel(&self, index: usize) -> String {
        let name = self.0.and_then(|scenario| scenario.channels.get(index)).map(|channel| channel.name.clone());
        name.unwrap_or_else(|| format!("channel {index}"))
    }

    fn slot(&self, index: usize) -> String {
        let name = self.0.and_then(|scenario| scenario.slots.get(index)).map(|slot| slot.name.clone());
        name.unwrap_or_else(|| format!("slot {index}"))
    }
}
