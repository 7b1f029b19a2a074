//! The channel without threads: what each operation answers if nothing else happens meanwhile.

use super::History;
use crate::scenario::Patience;
use stateright::semantics::SequentialSpec;
use std::collections::VecDeque;

/// What a thread does to the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sends a number.
    Send(u8, Patience),
    /// Clones a send end.
    Clone,
    /// Drops a send end.
    DropSend,
    /// Closes the channel with a send end.
    Close,
    /// Receives a number.
    Receive(Patience),
    /// Counts the messages inside.
    Count,
    /// Closes the channel while the receive end is shared.
    Shut,
    /// Lets go of the receive end. The last one that does drops it.
    DropReceive,
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing can be said of it.
    Done,
    /// The number is in the channel.
    Sent,
    /// This number was received.
    Received(u8),
    /// So many messages are inside.
    Counted(usize),
    /// There is no space, or no message, and no patience.
    NotReady,
    /// There was no space, or no message, until the deadline.
    TimedOut,
    /// The channel is closed.
    Closed,
    /// None, as long as nothing else happens. No channel gives this answer.
    Waits,
}

/// The channel without threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequential {
    capacity: Option<usize>,
    queue: VecDeque<u8>,
    /// Send ends that exist.
    senders: usize,
    /// Threads that have not let go of the receive end.
    receivers: usize,
    send_closed: bool,
    receiver_gone: bool,
}

impl Sequential {
    /// The channel at the beginning of a history.
    pub(super) fn of(history: &History) -> Self {
        Self {
            capacity: history.capacity,
            queue: VecDeque::new(),
            senders: history.senders,
            receivers: history.receivers,
            send_closed: false,
            receiver_gone: false,
        }
    }

    fn send(&mut self, number: u8, patience: Patience) -> Answer {
        if self.send_closed || self.receiver_gone {
            return Answer::Closed;
        }
        if self.capacity.is_some_and(|capacity| self.queue.len() >= capacity) {
            return unready(patience);
        }
        self.queue.push_back(number);
        Answer::Sent
    }

    fn receive(&mut self, patience: Patience) -> Answer {
        match self.queue.pop_front() {
            Some(number) => Answer::Received(number),
            None if self.senders == 0 || self.send_closed || self.receiver_gone => Answer::Closed,
            None => unready(patience),
        }
    }

    fn shut(&mut self) {
        self.receiver_gone = true;
        self.queue.clear();
    }
}

fn unready(patience: Patience) -> Answer {
    match patience {
        Patience::Never => Answer::NotReady,
        Patience::Deadline => Answer::TimedOut,
        Patience::Forever => Answer::Waits,
    }
}

impl SequentialSpec for Sequential {
    type Op = Operation;
    type Ret = Answer;

    fn invoke(&mut self, operation: &Operation) -> Answer {
        match *operation {
            Operation::Send(number, patience) => return self.send(number, patience),
            Operation::Receive(patience) => return self.receive(patience),
            Operation::Count => return Answer::Counted(self.queue.len()),
            Operation::Clone => self.senders += 1,
            Operation::DropSend => self.senders -= 1,
            Operation::Close => {
                self.senders -= 1;
                self.send_closed = true;
            }
            Operation::Shut => self.shut(),
            Operation::DropReceive => {
                self.receivers -= 1;
                if self.receivers == 0 {
                    self.shut();
                }
            }
        }
        Answer::Done
    }
}
