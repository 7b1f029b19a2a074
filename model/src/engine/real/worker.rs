//! One thread of a scenario on the real code.

use super::attempt::{Attempt, receive};
use super::slots::Kept;
use super::value::{self, Value, Variables};
use super::{Identities, Observer, Stage, words};
use crate::engine::host::Host;
use crate::engine::tool;
use crate::scenario::{Interpreter, Located, Patience, Scenario, Step, Thread, Variable};
use crate::spec::Operation;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::trace::ChannelId;
use viewchan::{Message, Runtime, View, trace};

/// Where a thread is attached, if anywhere.
type Place<'t, 'a, H> = Option<&'t mut <H as Host>::Stay<'a>>;

/// Gives the deadline of a timed step.
pub(in crate::engine) type DeadlineOf = Arc<dyn Fn(&Located) -> Deadline + Send + Sync>;

/// What unwinds at a step `panic`. It is resumed, not raised: no panic hook speaks.
struct PlannedPanic;

tool::thread_local! {
    static RECORDING: RefCell<Option<(Arc<dyn Observer>, Thread)>> = RefCell::new(None);
}

/// Tells the observer what the calling thread does from now on, as a thread of the scenario.
fn record(as_thread: Option<(Arc<dyn Observer>, Thread)>) {
    RECORDING.with(|recording| recording.borrow_mut().clone_from(&as_thread));
    trace::set_recorder(as_thread.map(|(observer, thread)| {
        Box::new(move |event: &trace::Event| observer.event(thread, event)) as Box<dyn Fn(&trace::Event)>
    }));
}

/// Has another thread do something on behalf of the calling one, which waits for it: for faults.
pub(crate) fn delegate(work: impl FnOnce() + Send + 'static) {
    let recording = RECORDING.with(|recording| recording.borrow().clone());
    let delegate = tool::thread::spawn(move || {
        record(recording);
        work();
        record(None);
    });
    delegate.join().expect("a delegate does not panic");
}

/// Runs the steps of one thread.
pub(in crate::engine) struct Worker<H: Host, S: Strategy<H::Runtime>> {
    scenario: Arc<Scenario>,
    thread: Thread,
    interpreters: Vec<H::Runtime>,
    held: Variables<H::Runtime, S>,
    /// Where the innermost block attached it.
    home: Option<Interpreter>,
    identities: Identities,
    observer: Arc<dyn Observer>,
    deadline: DeadlineOf,
    results: Vec<String>,
}

impl<H: Host, S: Strategy<H::Runtime>> Worker<H, S> {
    /// Takes a thread's part out of the stage.
    pub(in crate::engine) fn new(
        scenario: &Arc<Scenario>,
        thread: Thread,
        stage: &mut Stage<H, S>,
        observer: Arc<dyn Observer>,
        deadline: DeadlineOf,
    ) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            thread,
            interpreters: stage.interpreters.clone(),
            held: std::mem::take(&mut stage.held[thread]),
            home: None,
            identities: stage.identities.clone(),
            observer,
            deadline,
            results: Vec::new(),
        }
    }

    /// Runs the thread to its end and returns the results of its steps.
    pub(in crate::engine) fn run(mut self) -> Vec<String> {
        if self.observer.is_told() {
            record(Some((Arc::clone(&self.observer), self.thread)));
        }
        let scenario = Arc::clone(&self.scenario);
        self.steps(&scenario.threads[self.thread].steps, None);
        for variable in 0..self.held.len() {
            self.drop_held(variable);
        }
        record(None);
        self.results
    }

    fn steps(&mut self, steps: &[Located], mut place: Place<'_, '_, H>) {
        for located in steps {
            self.observer.begins(self.thread, self.operation(&located.step));
            self.step(located, place.as_deref_mut());
            self.observer.begins(self.thread, Operation::Idle);
        }
    }

    /// What a step does, in the words of the specification.
    fn operation(&self, step: &Step) -> Operation {
        match *step {
            Step::Attach { .. } => Operation::Attach,
            Step::Detach { .. } => Operation::Detach,
            Step::Safepoint => Operation::Safepoint,
            Step::Send { .. } | Step::Publish { .. } => Operation::Send,
            Step::Receive { .. } | Step::Peek { .. } => Operation::Receive,
            Step::Copy { .. } => Operation::Copy,
            Step::Clone { .. } => Operation::Clone,
            Step::Slice { .. } => Operation::Slice,
            Step::Read { .. } => Operation::Read,
            Step::Release { .. } => Operation::Release,
            Step::Drop { what } => self.held[what].as_ref().map_or(Operation::Idle, Value::drop_operation),
            Step::Thaw { .. } => Operation::Thaw,
            Step::Close { .. } => Operation::Close,
            Step::End { .. } => Operation::End,
            Step::Undelivered { .. } => Operation::Idle,
        }
    }

    fn step(&mut self, located: &Located, place: Place<'_, '_, H>) {
        match &located.step {
            Step::Attach { interpreter, body, unwind } => self.attach(*interpreter, body, unwind.as_deref(), place),
            Step::Detach { body } => self.detach(body, place),
            Step::Safepoint => place.into_iter().for_each(H::safepoint),
            Step::Send { end, what, patience } => self.send(*end, *what, *patience, located, place),
            Step::Receive { end, into, patience } => self.receive(*end, *into, *patience, located),
            Step::Copy { what, into } => self.copy(*what, *into, place),
            Step::Clone { view, into } => self.derive(*view, *into, View::clone),
            Step::Slice { view, into } => self.derive(*view, *into, |view| view.slice(1..)),
            Step::Read { what } => self.read(*what),
            Step::Release { view } => match self.held[*view].take() {
                Some(Value::View(view)) => view.release(),
                Some(Value::Reading(reading)) => drop(reading),
                other => self.held[*view] = other,
            },
            Step::Drop { what } => drop(self.held[*what].take()),
            Step::Thaw { handle } => self.thaw(*handle, place),
            Step::Close { end } => match self.held[*end].take() {
                Some(Value::SendEnd(end)) => end.close(),
                Some(Value::ReceiveEnd(end)) => end.close(),
                other => self.held[*end] = other,
            },
            Step::Publish { publisher, what } => self.publish(*publisher, *what, place),
            Step::Peek { subscriber, into } => self.peek(*subscriber, *into),
            Step::End { interpreter } => self.end(*interpreter),
            Step::Undelivered { end, policy } => {
                if let Some(Value::SendEnd(end)) = &mut self.held[*end] {
                    words::set_undelivered(end, *policy);
                }
            }
        }
    }

    /// Drops what a variable holds, as a step of its own.
    fn drop_held(&mut self, variable: Variable) {
        if let Some(value) = self.held[variable].take() {
            self.observer.begins(self.thread, value.drop_operation());
            drop(value);
            self.observer.begins(self.thread, Operation::Idle);
        }
    }

    /// Is a thread of this interpreter from now on. Returns whose it was before.
    fn move_to(&mut self, home: Option<Interpreter>) -> Option<Interpreter> {
        self.observer.moves(self.thread, home);
        std::mem::replace(&mut self.home, home)
    }

    fn attach(&mut self, index: Interpreter, body: &[Located], unwind: Option<&[Variable]>, place: Place<'_, '_, H>) {
        let interpreter = self.interpreters[index].clone();
        let work = |stay: &mut H::Stay<'_>| {
            let before = self.move_to(Some(index));
            self.steps(body, Some(stay));
            let _leaves_at_last = Leaving { worker: self, dropped: unwind.unwrap_or_default(), before };
            if unwind.is_some() {
                resume_unwind(Box::new(PlannedPanic));
            }
        };
        match catch_unwind(AssertUnwindSafe(|| H::attach(place, &interpreter, work))) {
            Ok(Ok(())) => {}
            Ok(Err(_ended)) => self.results.push("gone".to_owned()),
            Err(panic) if panic.is::<PlannedPanic>() => self.results.push("panicked".to_owned()),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn detach(&mut self, body: &[Located], place: Place<'_, '_, H>) {
        let mut work = || {
            let before = self.move_to(None);
            self.steps(body, None);
            self.move_to(before);
            self.observer.begins(self.thread, Operation::Detach);
        };
        match place {
            Some(stay) => H::detach(stay, work),
            None => work(),
        }
    }

    fn end(&mut self, interpreter: Interpreter) {
        let ended = H::end(&self.interpreters[interpreter]);
        self.results.push(if ended.is_ok() { "ended" } else { "ended-before" }.to_owned());
    }

    fn send(&mut self, end: Variable, what: Variable, patience: Patience, at: &Located, place: Place<'_, '_, H>) {
        let via = match self.held[end].take() {
            Some(Value::SendEnd(via)) => via,
            other => {
                self.held[end] = other;
                return;
            }
        };
        let deadline = (self.deadline)(at);
        let token = place.as_deref().map(H::token);
        let attempt = Attempt::<H, S> { via: &via, patience, deadline: &deadline, token };
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

    fn publish(&mut self, publisher: Variable, what: Variable, place: Place<'_, '_, H>) {
        let Some(stay) = place else { return };
        let handle = self.held[what].take();
        let Some(Value::Publisher(publisher)) = &self.held[publisher] else {
            self.held[what] = handle;
            return;
        };
        let (result, back) = match handle {
            Some(Value::Handle(buffer)) => match publisher.publish(H::token(stay), buffer) {
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

    fn copy(&mut self, what: Variable, into: Variable, place: Place<'_, '_, H>) {
        if self.held[into].is_some() {
            return;
        }
        self.held[into] = match (&self.held[what], place) {
            (Some(Value::Handle(buffer)), Some(stay)) if is_home::<H>(buffer, stay) => {
                Some(Value::Handle(buffer.clone_ref(H::token(stay))))
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
        derive: impl FnOnce(&View<H::Runtime, S>) -> View<H::Runtime, S>,
    ) {
        if let (Some(Value::View(view)), None) = (&self.held[view], &self.held[into]) {
            self.held[into] = Some(Value::View(derive(view)));
        }
    }

    fn read(&mut self, what: Variable) {
        let bytes: &[u8] = match &self.held[what] {
            Some(Value::View(view)) => view,
            Some(Value::Reading(reading)) => reading.bytes(),
            Some(Value::Handle(buffer)) => H::bytes(buffer),
            _ => return,
        };
        let result = value::describe(bytes, &self.scenario.buffers);
        if let Some((buffer, _)) = value::parse(bytes) {
            self.observer.read(self.thread, buffer);
        }
        self.results.push(result);
    }

    fn thaw(&mut self, handle: Variable, place: Place<'_, '_, H>) {
        let Some(stay) = place else { return };
        let buffer = match self.held[handle].take() {
            Some(Value::Handle(buffer)) if is_home::<H>(&buffer, stay) => buffer,
            other => {
                self.held[handle] = other;
                return;
            }
        };
        let (buffer, result) = match H::thaw(stay, buffer, value::rewrite) {
            Ok(buffer) => (buffer, "thawed"),
            Err(buffer) => (buffer, "refused"),
        };
        self.held[handle] = Some(Value::Handle(buffer));
        self.results.push(result.to_owned());
    }

    fn channel_name(&self, id: ChannelId) -> &str {
        let known = self.identities.channel(id);
        known.map_or("unknown", |channel| &self.scenario.channels[channel].name)
    }
}

/// Whether the thread is attached to the owner of a buffer.
fn is_home<H: Host>(buffer: &viewchan::Buffer<H::Runtime>, stay: &H::Stay<'_>) -> bool {
    H::Runtime::here(H::token(stay)).id() == buffer.owner().id()
}

/// The end of an `attach` block, also by a panic: what the thread drops on its way out, then the way out.
struct Leaving<'w, H: Host, S: Strategy<H::Runtime>> {
    worker: &'w mut Worker<H, S>,
    dropped: &'w [Variable],
    before: Option<Interpreter>,
}

impl<H: Host, S: Strategy<H::Runtime>> Drop for Leaving<'_, H, S> {
    fn drop(&mut self) {
        self.dropped.iter().for_each(|&variable| self.worker.drop_held(variable));
        self.worker.move_to(self.before);
        self.worker.observer.begins(self.worker.thread, Operation::Attach);
    }
}
