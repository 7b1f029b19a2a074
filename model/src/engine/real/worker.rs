//! One thread of a scenario on the real code.

use super::slots::Kept;
use super::value::{self, Value};
use super::{Identities, Observer, Stage, life};
use crate::scenario::{Located, Patience, Scenario, Step, Thread, Variable};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use viewchan::channel::Payload;
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::trace::ChannelId;
use viewchan::{Attached, BufferMut, Interpreter, Message, ReceiveEnd, SendEnd, ThawError, trace};

type Token<'t, 'a> = Option<&'t mut Attached<'a>>;

/// Gives the deadline of a timed step.
pub(in crate::engine) type DeadlineOf = Arc<dyn Fn(&Located) -> Deadline + Send + Sync>;

/// What unwinds at a step `panic`. It is resumed, not raised: no panic hook speaks.
struct PlannedPanic;

#[cfg(feature = "loom")]
loom::thread_local! {
    static RECORDING: std::cell::RefCell<Option<(Arc<dyn Observer>, Thread)>> = std::cell::RefCell::new(None);
}

/// Tells the observer what the calling thread does from now on, as a thread of the scenario.
fn record(as_thread: Option<(Arc<dyn Observer>, Thread)>) {
    #[cfg(feature = "loom")]
    RECORDING.with(|recording| recording.borrow_mut().clone_from(&as_thread));
    trace::set_recorder(as_thread.map(|(observer, thread)| {
        Box::new(move |event: &trace::Event| observer.event(thread, event)) as Box<dyn Fn(&trace::Event)>
    }));
}

/// Has another thread do something on behalf of the calling one, which waits for it: for faults.
#[cfg(feature = "loom")]
pub(crate) fn delegate(work: impl FnOnce() + 'static) {
    let recording = RECORDING.with(|recording| recording.borrow().clone());
    let delegate = loom::thread::spawn(move || {
        record(recording);
        work();
        record(None);
    });
    delegate.join().expect("a delegate does not panic");
}

/// Runs the steps of one thread.
pub(in crate::engine) struct Worker<S: Strategy<Interpreter>> {
    scenario: Arc<Scenario>,
    thread: Thread,
    interpreters: Vec<Interpreter>,
    held: Vec<Option<Value<S>>>,
    identities: Identities,
    observer: Arc<dyn Observer>,
    deadline: DeadlineOf,
    results: Vec<String>,
}

impl<S: Strategy<Interpreter>> Worker<S> {
    /// Takes a thread's part out of the stage.
    pub(in crate::engine) fn new(
        scenario: &Arc<Scenario>,
        thread: Thread,
        stage: &mut Stage<S>,
        observer: Arc<dyn Observer>,
        deadline: DeadlineOf,
    ) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            thread,
            interpreters: stage.interpreters.clone(),
            held: std::mem::take(&mut stage.held[thread]),
            identities: stage.identities.clone(),
            observer,
            deadline,
            results: Vec::new(),
        }
    }

    /// Runs the thread to its end and returns the results of its steps.
    pub(in crate::engine) fn run(mut self) -> Vec<String> {
        record(Some((Arc::clone(&self.observer), self.thread)));
        let scenario = Arc::clone(&self.scenario);
        self.steps(&scenario.threads[self.thread].steps, None);
        for variable in 0..self.held.len() {
            drop(self.held[variable].take());
        }
        record(None);
        self.results
    }

    fn steps(&mut self, steps: &[Located], mut token: Token<'_, '_>) {
        for located in steps {
            self.step(located, token.as_deref_mut());
        }
    }

    fn step(&mut self, located: &Located, token: Token<'_, '_>) {
        match &located.step {
            Step::Attach { interpreter, body, unwind } => self.attach(*interpreter, body, unwind.as_deref(), token),
            Step::Detach { body } => match token {
                Some(token) => token.detach(|| self.steps(body, None)),
                None => self.steps(body, None),
            },
            Step::Safepoint => {
                if let Some(token) = token {
                    token.safepoint();
                }
            }
            Step::Send { end, what, patience } => self.send(*end, *what, *patience, located, token),
            Step::Receive { end, into, patience } => self.receive(*end, *into, *patience, located),
            Step::Copy { what, into } => self.copy(*what, *into, token),
            Step::Clone { view, into } => self.derive(*view, *into, |view| view.clone()),
            Step::Slice { view, into } => self.derive(*view, *into, |view| view.slice(1..)),
            Step::Read { what } => self.read(*what),
            Step::Release { view } => match self.held[*view].take() {
                Some(Value::View(view)) => view.release(),
                Some(Value::Reading(reading)) => drop(reading),
                other => self.held[*view] = other,
            },
            Step::Drop { what } => drop(self.held[*what].take()),
            Step::Thaw { handle } => self.thaw(*handle, token),
            Step::Close { end } => match self.held[*end].take() {
                Some(Value::SendEnd(end)) => end.close(),
                Some(Value::ReceiveEnd(end)) => end.close(),
                other => self.held[*end] = other,
            },
            Step::Publish { publisher, what } => self.publish(*publisher, *what, token),
            Step::Peek { subscriber, into } => self.peek(*subscriber, *into),
            Step::End { interpreter } => self.end(*interpreter),
            Step::Undelivered { end, policy } => {
                if let Some(Value::SendEnd(end)) = &mut self.held[*end] {
                    life::set_undelivered(end, *policy);
                }
            }
        }
    }

    fn attach(&mut self, interpreter: usize, body: &[Located], unwind: Option<&[Variable]>, token: Token<'_, '_>) {
        let interpreter = self.interpreters[interpreter].clone();
        let mut work = |token: &mut Attached<'_>| {
            self.steps(body, Some(token));
            if let Some(names) = unwind {
                let _dropped_while_unwinding: Vec<_> = names.iter().map(|&name| self.held[name].take()).collect();
                resume_unwind(Box::new(PlannedPanic));
            }
        };
        match catch_unwind(AssertUnwindSafe(|| life::attach(token, &interpreter, &mut work))) {
            Ok(Ok(())) => {}
            Ok(Err(_ended)) => self.results.push("gone".to_owned()),
            Err(panic) if panic.is::<PlannedPanic>() => self.results.push("panicked".to_owned()),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn end(&mut self, interpreter: usize) {
        let ended = life::end(&self.interpreters[interpreter]);
        self.results.push(if ended.is_ok() { "ended" } else { "ended-before" }.to_owned());
    }

    fn send(&mut self, end: Variable, what: Variable, patience: Patience, at: &Located, token: Token<'_, '_>) {
        let Some(Value::SendEnd(via)) = self.held[end].take() else { return };
        let deadline = (self.deadline)(at);
        let attempt = Attempt { via: &via, patience, deadline: &deadline, token: token.as_deref() };
        let (result, back) = match self.held[what].take() {
            Some(Value::Handle(buffer)) => attempt.send(buffer, Value::Handle),
            Some(Value::SendEnd(end)) => attempt.send(end, Value::SendEnd),
            Some(Value::ReceiveEnd(end)) => attempt.send(end, Value::ReceiveEnd),
            other => (None, other),
        };
        self.held[what] = back;
        self.held[end] = Some(Value::SendEnd(via));
        self.results.extend(result.map(str::to_owned));
    }

    fn receive(&mut self, end: Variable, into: Variable, patience: Patience, at: &Located) {
        let Some(Value::ReceiveEnd(via)) = &self.held[end] else { return };
        if self.held[into].is_some() {
            return;
        }
        let result = match receive(via, patience, &(self.deadline)(at)) {
            Ok(Message::View(view)) => {
                let result = value::describe(&view, &self.scenario.buffers);
                self.held[into] = Some(Value::View(view));
                result
            }
            Ok(Message::SendEnd(end)) => {
                let result = format!("{}.tx", self.channel_name(end.channel_id()));
                self.held[into] = Some(Value::SendEnd(end));
                result
            }
            Ok(Message::ReceiveEnd(end)) => {
                let result = format!("{}.rx", self.channel_name(end.channel_id()));
                self.held[into] = Some(Value::ReceiveEnd(end));
                result
            }
            Ok(_) => unreachable!("there are three kinds of messages"),
            Err(why) => why.to_owned(),
        };
        self.results.push(result);
    }

    fn publish(&mut self, publisher: Variable, what: Variable, token: Token<'_, '_>) {
        let Some(token) = token else { return };
        let handle = self.held[what].take();
        let Some(Value::Publisher(publisher)) = &self.held[publisher] else {
            self.held[what] = handle;
            return;
        };
        let (result, back) = match handle {
            Some(Value::Handle(buffer)) => match publisher.publish(token, buffer) {
                Ok(()) => (Some("published"), None),
                Err(refused) => (Some("not-owner"), Some(Value::Handle(refused.into_inner()))),
            },
            other => (None, other),
        };
        self.held[what] = back;
        self.results.extend(result.map(str::to_owned));
    }

    fn peek(&mut self, subscriber: Variable, into: Variable) {
        let (Some(Value::Subscriber(subscriber)), None) = (&self.held[subscriber], &self.held[into]) else { return };
        let reading = Kept::peek(subscriber);
        let described = reading.as_ref().map(|reading| value::describe(reading.bytes(), &self.scenario.buffers));
        self.results.push(described.unwrap_or_else(|| "nothing".to_owned()));
        self.held[into] = reading.map(Value::Reading);
    }

    fn copy(&mut self, what: Variable, into: Variable, token: Token<'_, '_>) {
        if self.held[into].is_some() {
            return;
        }
        self.held[into] = match (&self.held[what], token) {
            (Some(Value::Handle(buffer)), Some(token)) if token.interpreter() == buffer.owner() => {
                Some(Value::Handle(buffer.clone_ref(token)))
            }
            (Some(Value::SendEnd(end)), _) => Some(Value::SendEnd(end.clone())),
            (Some(Value::Subscriber(subscriber)), _) => Some(Value::Subscriber(subscriber.clone())),
            _ => None,
        };
    }

    fn derive(
        &mut self,
        view: Variable,
        into: Variable,
        derive: impl FnOnce(&viewchan::View<Interpreter, S>) -> viewchan::View<Interpreter, S>,
    ) {
        if let (Some(Value::View(view)), None) = (&self.held[view], &self.held[into]) {
            self.held[into] = Some(Value::View(derive(view)));
        }
    }

    fn read(&mut self, what: Variable) {
        let bytes: &[u8] = match &self.held[what] {
            Some(Value::View(view)) => view,
            Some(Value::Reading(reading)) => reading.bytes(),
            Some(Value::Handle(buffer)) => buffer,
            _ => return,
        };
        let result = value::describe(bytes, &self.scenario.buffers);
        if let Some((buffer, _)) = value::parse(bytes) {
            self.observer.read(self.thread, buffer);
        }
        self.results.push(result);
    }

    fn thaw(&mut self, handle: Variable, token: Token<'_, '_>) {
        let Some(token) = token else { return };
        let buffer = match self.held[handle].take() {
            Some(Value::Handle(buffer)) if token.interpreter() == buffer.owner() => buffer,
            other => {
                self.held[handle] = other;
                return;
            }
        };
        let (buffer, result) = match buffer.try_thaw(token) {
            Ok(bytes) => (rewrite(bytes).freeze(token), "thawed"),
            Err(ThawError::InUse(buffer)) => (buffer, "refused"),
            Err(other) => unreachable!("the buffers of scenarios are not foreign: {other}"),
        };
        self.held[handle] = Some(Value::Handle(buffer));
        self.results.push(result.to_owned());
    }

    fn channel_name(&self, id: ChannelId) -> &str {
        let known = self.identities.channel(id);
        known.map_or("unknown", |channel| &self.scenario.channels[channel].name)
    }
}

/// The next version of a buffer's bytes, written in place.
fn rewrite(mut bytes: BufferMut) -> BufferMut {
    let (buffer, version) = value::parse(&bytes).expect("a thawed buffer says what it is");
    bytes.copy_from_slice(&value::bytes(buffer, version + 1));
    bytes
}

/// A send about to happen.
struct Attempt<'s, 'a, S: Strategy<Interpreter>> {
    via: &'s SendEnd<Interpreter, S>,
    patience: Patience,
    deadline: &'s Deadline,
    token: Option<&'s Attached<'a>>,
}

impl<S: Strategy<Interpreter>> Attempt<'_, '_, S> {
    /// Sends; the result, and the payload if it was not sent.
    fn send<P: Payload<Interpreter, S>>(
        self,
        payload: P,
        wrap: fn(P) -> Value<S>,
    ) -> (Option<&'static str>, Option<Value<S>>) {
        // The parser lets nobody send outside an interpreter: there would be no token.
        let Some(token) = self.token else { return (None, Some(wrap(payload))) };
        let sent = match self.patience {
            Patience::Forever => self.via.send(token, payload).map_err(life::unsent),
            Patience::Never => self.via.try_send(token, payload).map_err(life::untried),
            Patience::Deadline => self.via.send_deadline(token, payload, self.deadline).map_err(life::unsent_in_time),
        };
        match sent {
            Ok(()) => (Some("sent"), None),
            Err((why, payload)) => (Some(why), Some(wrap(payload))),
        }
    }
}

fn receive<S: Strategy<Interpreter>>(
    via: &ReceiveEnd<Interpreter, S>,
    patience: Patience,
    deadline: &Deadline,
) -> Result<Message<Interpreter, S>, &'static str> {
    match patience {
        Patience::Forever => via.recv().map_err(life::not_received),
        Patience::Never => via.try_recv().map_err(life::nothing_received),
        Patience::Deadline => via.recv_deadline(deadline).map_err(life::not_received_in_time),
    }
}
