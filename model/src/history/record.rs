//! Running a plan, and noting what happens.

use super::{Answer, Event, Failure, History, Operation, Plan, Receive, Send, What};
use crate::scenario::Patience;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a plan may take. Those that come to their end need some thousandths of it.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A channel of numbers: the one that ships, or one that is wrong on purpose.
pub trait Subject {
    /// Its send end.
    type Send: SendSide;
    /// A share of its receive end.
    type Receive: ReceiveSide;

    /// Makes the channel: for each thread of the plan an end, or a share of the receive end.
    fn open(&mut self, plan: &Plan) -> (Vec<Self::Send>, Vec<Self::Receive>);

    /// All ends are gone.
    ///
    /// # Errors
    ///
    /// What is left over.
    fn close(self) -> Result<(), String>;
}

/// A send end of numbers. Dropping it drops the end.
pub trait SendSide: std::marker::Send + Sized + 'static {
    /// Sends a number.
    fn send(&self, number: u8, patience: Patience) -> Answer;
    /// Another end.
    fn duplicate(&self) -> Self;
    /// Closes the channel.
    fn close(self);
}

/// A share of a receive end of numbers. Dropping the last one drops the end.
pub trait ReceiveSide: std::marker::Send + 'static {
    /// Receives a number.
    fn receive(&mut self, patience: Patience) -> Answer;
    /// Counts the messages inside.
    fn count(&self) -> usize;
    /// Closes the channel while the end is shared.
    fn shut(&mut self);
}

/// Runs a plan with a channel: each thread of it on a thread of its own, all beginning together.
///
/// # Errors
///
/// When threads hang or panic, or something is left over.
///
/// # Panics
///
/// If the plan is [not sound](Plan::is_sound).
pub fn record<S: Subject>(plan: &Plan, mut subject: S) -> Result<History, Failure> {
    assert!(plan.is_sound(), "not a plan: {plan:?}");
    let (senders, receivers) = subject.open(plan);
    let log = Arc::new(Log::default());
    let start = Arc::new(Barrier::new(senders.len() + receivers.len()));
    let (running, ended) = mpsc::channel::<()>();
    let mut threads = Vec::new();
    for (thread, (end, sending)) in senders.into_iter().zip(&plan.senders).enumerate() {
        let (steps, worker) = (sending.steps.clone(), Worker::new(thread, &log, &start, &running));
        threads.push(thread::spawn(move || worker.send(end, &steps)));
    }
    for (place, (end, receiving)) in receivers.into_iter().zip(&plan.receivers).enumerate() {
        let worker = Worker::new(plan.senders.len() + place, &log, &start, &running);
        let steps = receiving.steps.clone();
        threads.push(thread::spawn(move || worker.receive(end, &steps)));
    }
    drop(running);
    // Nobody sends anything: the channel is closed when the last worker has ended.
    let hangs = ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
    let history = || History {
        capacity: plan.capacity,
        senders: plan.senders.len(),
        receivers: plan.receivers.len(),
        events: log.events.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    };
    if hangs {
        return Err(Failure::Hangs(history())); // The threads stay behind.
    }
    let panics = threads.into_iter().filter_map(|thread| thread.join().err()).count() > 0;
    if panics {
        return Err(Failure::Panics(history()));
    }
    subject.close().map_err(|left_over| Failure::LeftOver(left_over, history()))?;
    Ok(history())
}

/// What happened so far. Its lock is held for the note only, never while something is done.
#[derive(Default)]
struct Log {
    events: Mutex<Vec<Event>>,
}

impl Log {
    fn push(&self, thread: usize, what: What) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(Event { thread, what });
    }
}

/// A thread of a plan.
struct Worker {
    thread: usize,
    log: Arc<Log>,
    start: Arc<Barrier>,
    /// Dropped with the worker, also by a panic.
    _running: mpsc::Sender<()>,
}

impl Worker {
    fn new(thread: usize, log: &Arc<Log>, start: &Arc<Barrier>, running: &mpsc::Sender<()>) -> Self {
        Self { thread, log: Arc::clone(log), start: Arc::clone(start), _running: running.clone() }
    }

    fn note(&self, operation: Operation, work: impl FnOnce() -> Answer) {
        self.log.push(self.thread, What::Invoked(operation));
        let answer = work();
        self.log.push(self.thread, What::Answered(answer));
    }

    fn note_done(&self, operation: Operation, work: impl FnOnce()) {
        self.note(operation, || {
            work();
            Answer::Done
        });
    }

    fn send<E: SendSide>(&self, first: E, steps: &[Send]) {
        let mut ends = vec![first];
        self.start.wait();
        for (place, step) in (1_u8..).zip(steps) {
            let Some(end) = ends.pop() else { break };
            match *step {
                Send::Number(patience) => {
                    let number = 10 * (self.thread as u8 + 1) + place;
                    self.note(Operation::Send(number, patience), || end.send(number, patience));
                    ends.push(end);
                }
                Send::Clone => {
                    let mut clone = None;
                    self.note_done(Operation::Clone, || clone = Some(end.duplicate()));
                    ends.push(end);
                    ends.extend(clone);
                }
                Send::Drop => self.note_done(Operation::DropSend, || drop(end)),
                Send::Close => self.note_done(Operation::Close, || end.close()),
                Send::Yield => {
                    thread::yield_now();
                    ends.push(end);
                }
            }
        }
        while let Some(end) = ends.pop() {
            self.note_done(Operation::DropSend, || drop(end));
        }
    }

    fn receive<E: ReceiveSide>(&self, mut end: E, steps: &[Receive]) {
        self.start.wait();
        for step in steps {
            match *step {
                Receive::Number(patience) => self.note(Operation::Receive(patience), || end.receive(patience)),
                Receive::Count => self.note(Operation::Count, || Answer::Counted(end.count())),
                Receive::Shut => self.note_done(Operation::Shut, || end.shut()),
                Receive::Yield => thread::yield_now(),
            }
        }
        self.note_done(Operation::DropReceive, || drop(end));
    }
}
