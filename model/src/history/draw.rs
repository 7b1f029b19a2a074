//! A history as a person reads it: a column for each thread, time runs downwards.

use super::{Answer, Event, History, Operation, What};
use crate::scenario::Patience;
use std::fmt;

const WIDTH: usize = 22;

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.capacity {
            Some(capacity) => writeln!(f, "a channel for {capacity} at a time")?,
            None => writeln!(f, "a channel without limit")?,
        }
        let senders = (1..=self.senders).map(|number| format!("sender {number}"));
        let receivers = (1..=self.receivers).map(|number| format!("receiver {number}"));
        let heads: String = senders.chain(receivers).map(|name| format!("{name:WIDTH$}")).collect();
        writeln!(f, "{}", heads.trim_end())?;
        for Event { thread, what } in &self.events {
            writeln!(f, "{:indent$}{what}", "", indent = thread * WIDTH)?;
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoked(operation) => operation.fmt(f),
            Self::Answered(answer) => write!(f, "└ {answer}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Send(number, patience) => {
                write!(f, "{} {number}", word(patience, ["send", "try-send", "send-timeout"]))
            }
            Self::Receive(patience) => f.write_str(word(patience, ["recv", "try-recv", "recv-timeout"])),
            Self::Clone => f.write_str("clone a send end"),
            Self::DropSend => f.write_str("drop a send end"),
            Self::Close => f.write_str("close a send end"),
            Self::Count => f.write_str("len"),
            Self::Shut => f.write_str("shut"),
            Self::DropReceive => f.write_str("drop the receive end"),
        }
    }
}

fn word(patience: Patience, [forever, never, deadline]: [&'static str; 3]) -> &'static str {
    match patience {
        Patience::Forever => forever,
        Patience::Never => never,
        Patience::Deadline => deadline,
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Sent => f.write_str("sent"),
            Self::Received(number) => write!(f, "{number}"),
            Self::Counted(inside) => write!(f, "{inside} inside"),
            Self::NotReady => f.write_str("not ready"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Closed => f.write_str("closed"),
            Self::Waits => f.write_str("waits"),
        }
    }
}
