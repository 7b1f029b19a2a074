//! What threads are to do.

use crate::scenario::Patience;

/// Most threads that begin with a send end.
pub const MOST_SENDERS: usize = 3;
/// Most threads that share the receive end.
pub const MOST_RECEIVERS: usize = 2;
/// Most steps of a thread.
pub const MOST_STEPS: usize = 5;

/// What some threads do with the ends of one channel. Every plan comes to its end, see [`Plan::is_sound`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Messages that the channel holds; `None` is without limit.
    pub capacity: Option<usize>,
    /// The threads that send.
    pub senders: Vec<Sending>,
    /// The threads that receive, all from the one receive end. It is dropped with the last of them.
    pub receivers: Vec<Receiving>,
}

/// A thread that begins with a send end. What it has left at its end it drops, the last one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Number of the interpreter that it sends from.
    pub interpreter: usize,
    /// What it does. Behind its last end nothing happens.
    pub steps: Vec<Send>,
}

/// A step of a thread that sends. It uses the end that it got last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// Sends the next number. Each number of a plan is another one.
    Number(Patience),
    /// Clones the end.
    Clone,
    /// Drops the end.
    Drop,
    /// Closes the channel with the end.
    Close,
    /// Lets other threads run.
    Yield,
}

/// A thread that receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiving {
    /// Number of the interpreter that it is attached to while it receives, if it is to any.
    pub home: Option<usize>,
    /// What it does.
    pub steps: Vec<Receive>,
}

/// A step of a thread that receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receive {
    /// Receives a number.
    Number(Patience),
    /// Counts the messages inside.
    Count,
    /// Closes the channel while the end is shared.
    Shut,
    /// Lets other threads run.
    Yield,
}

impl Plan {
    /// Whether it has threads of both kinds, a capacity other than 0, and nothing above its bounds.
    ///
    /// No thread both sends and receives. So a plan comes to its end whatever is done: while a sender waits for space
    /// there is something to be received, and while a receiver waits for a message there is space; and whoever has
    /// done its steps drops its end, which those that wait are told of.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sends = self.senders.iter().map(|sending| sending.steps.len());
        let receives = self.receivers.iter().map(|receiving| receiving.steps.len());
        self.capacity != Some(0)
            && (1..=MOST_SENDERS).contains(&self.senders.len())
            && (1..=MOST_RECEIVERS).contains(&self.receivers.len())
            && sends.chain(receives).all(|steps| steps <= MOST_STEPS)
    }

    /// How many interpreters it needs.
    #[must_use]
    pub fn interpreters(&self) -> usize {
        let owners = self.senders.iter().map(|sending| sending.interpreter);
        let homes = self.receivers.iter().filter_map(|receiving| receiving.home);
        owners.chain(homes).max().map_or(0, |last| last + 1)
    }
}
