//! Histories of one channel, recorded on real threads and checked for linearizability.
//!
//! A [`Plan`] says what some threads do with the ends of one channel. [`record`] does it and notes every invocation and
//! every response, in the order of real time. The [`History`] is linearizable if each operation can be given a moment
//! between its invocation and its response so that, in the order of these moments, [`Sequential`], the channel without
//! threads, would have answered the same. stateright's tester looks for such an order.
//!
//! One channel is enough: a history of several is linearizable exactly if the part of each is.
//!
//! ```
//! use viewchan_model::history::{Plan, Receive, Receiving, Send, Sending, check};
//! use viewchan_model::scenario::{Patience, Strategy};
//!
//! let send = Sending { interpreter: 0, steps: vec![Send::Number(Patience::Forever)] };
//! let receive = Receiving { home: Some(1), steps: vec![Receive::Number(Patience::Forever)] };
//! let plan = Plan { capacity: Some(1), senders: vec![send], receivers: vec![receive] };
//! check(&plan, Strategy::Handover)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bounds
//!
//! The tester tries one order after the other and remembers none. A plan is therefore small: see [`Plan`]. The run is
//! bounded as well, by [`LIMIT`]: a plan always comes to its end, so one that takes longer hangs, and has failed.

mod draw;
mod flaw;
mod plan;
mod real;
mod record;
mod sequential;

pub use flaw::{Flaw, Flawed};
pub use plan::{MOST_RECEIVERS, MOST_SENDERS, MOST_STEPS, Plan, Receive, Receiving, Send, Sending};
pub use real::Real;
pub use record::{LIMIT, ReceiveSide, SendSide, Subject, record};
pub use sequential::{Answer, Operation, Sequential};

use crate::engine::strategy::with_strategy;
use crate::scenario::Strategy;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use thiserror::Error;

/// What happened, in the order of real time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The capacity of the channel.
    pub capacity: Option<usize>,
    /// Threads that begin with a send end. They have the first numbers.
    pub senders: usize,
    /// Threads that share the receive end. They have the numbers behind those.
    pub receivers: usize,
    /// What happened.
    pub events: Vec<Event>,
}

/// An invocation or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The thread.
    pub thread: usize,
    /// Which of the two.
    pub what: What,
}

/// See [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The thread begins an operation.
    Invoked(Operation),
    /// The operation is over.
    Answered(Answer),
}

/// What was wrong with a run. The history is in it, up to there.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    /// No order of the operations explains the answers.
    #[error("no order of these operations explains the answers:\n{0}")]
    NotLinearizable(History),
    /// A plan always comes to its end, but this one did not.
    #[error("threads hang:\n{0}")]
    Hangs(History),
    /// A thread panicked.
    #[error("a thread panicked:\n{0}")]
    Panics(History),
    /// Something was not given back.
    #[error("{0}, after:\n{1}")]
    LeftOver(String, History),
    /// There is no such strategy.
    #[error("{0}")]
    Missing(String),
}

/// Runs a plan with the channel that ships, and checks the history.
///
/// # Errors
///
/// What went wrong.
pub fn check(plan: &Plan, strategy: Strategy) -> Result<History, Failure> {
    with_strategy!(strategy, S => check_subject(plan, Real::<S>::default())).map_err(Failure::Missing)?
}

/// The same with any channel.
///
/// # Errors
///
/// What went wrong.
pub fn check_subject(plan: &Plan, subject: impl Subject) -> Result<History, Failure> {
    let history = record(plan, subject)?;
    if history.is_linearizable() { Ok(history) } else { Err(Failure::NotLinearizable(history)) }
}

impl History {
    /// Whether some order of the operations explains the answers.
    ///
    /// # Panics
    ///
    /// If it is no history: a thread invokes something before it has an answer, or has an answer without having asked.
    #[must_use]
    pub fn is_linearizable(&self) -> bool {
        let mut tester = LinearizabilityTester::new(Sequential::of(self));
        for &Event { thread, what } in &self.events {
            // Receivers come first: the tester tries threads in order, and what they received leaves few orders.
            let rank = (thread < self.senders, thread);
            let noted = match what {
                What::Invoked(operation) => tester.on_invoke(rank, operation).map(drop),
                What::Answered(answer) => tester.on_return(rank, answer).map(drop),
            };
            noted.expect("a thread does one thing at a time");
        }
        tester.is_consistent()
    }
}
