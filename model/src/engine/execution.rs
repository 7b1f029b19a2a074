//! One execution of a scenario whose threads a tool schedules, followed by a monitor: what loom and shuttle have in common.
//! And the same without a monitor, by which it is measured what a monitor costs.
//!
//! A failure ends the process: what is left of a broken model cannot be unwound safely (it may panic twice, or abort). So
//! whoever explores calls [`fail_on_panic`] first, with a function that reports the failure and does not return, and does it
//! in a child process of its own.

use super::host::Reference;
use super::real::{DeadlineOf, Observer, Stage, Worker};
use super::tool;
use crate::monitor::{Failure, Graph, Monitor};
use crate::scenario::{Buffer, Holding, Patience, Scenario, Step, Thread};
use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use viewchan::Interpreter;
use viewchan::channel::Nudge;
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::trace::Event;

/// The monitor of the present execution, for the panic hook.
static PRESENT: Mutex<Option<Arc<Monitor>>> = Mutex::new(None);

/// The failure that the present panic is about, where it is more than its message.
static RAISED: Mutex<Option<Failure>> = Mutex::new(None);

/// Ends the execution with a failure.
fn raise(failure: Failure) -> ! {
    let why = failure.why.clone();
    *lock(&RAISED) = Some(failure);
    panic!("{why}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is told of a panic, while something is explored.
static FAIL: Mutex<Option<fn(Failure) -> !>> = Mutex::new(None);

/// Makes every panic a failure, until [`passed`]. The scenarios' own panics do not get here: they resume, they are not raised.
///
/// The hook is set once, and stays: loom's coroutines put their own before it when the first of them is made, never again, and
/// it is that one which keeps quiet about the panics that end them.
pub(super) fn fail_on_panic(fail: fn(Failure) -> !) {
    static HOOK: Once = Once::new();
    *lock(&FAIL) = Some(fail);
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let fail = *lock(&FAIL);
            match fail {
                Some(fail) => fail(failure(info)),
                None => before(info),
            }
        }));
    });
}

/// The failure that a panic is about.
fn failure(info: &PanicHookInfo<'_>) -> Failure {
    if let Some(failure) = lock(&RAISED).take() {
        return failure;
    }
    let monitor = lock(&PRESENT).clone();
    let why = info.payload_as_str().unwrap_or("a panic without a message").trim().to_owned();
    let guarantee = why.contains("deadlock").then_some("G6");
    Failure { guarantee, why, trace: monitor.map(|monitor| monitor.trace()).unwrap_or_default() }
}

/// All executions have passed: panics are no failures of theirs any more. Gives what they visited.
pub(super) fn passed(graph: Arc<Mutex<Graph>>) -> Graph {
    *lock(&FAIL) = None;
    *lock(&PRESENT) = None;
    let graph = Arc::into_inner(graph).expect("the model is gone");
    graph.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the monitor, and ends the execution when it objects.
struct Strict(Arc<Monitor>);

impl Observer for Strict {
    fn event(&self, thread: Thread, event: &Event) {
        self.0.event(thread, event).unwrap_or_else(|failure| raise(failure));
    }

    fn read(&self, thread: Thread, buffer: Buffer) {
        self.0.read(thread, buffer).unwrap_or_else(|failure| raise(failure));
    }
}

/// One execution, followed by a monitor.
pub(super) fn execution<S: Strategy<Interpreter>>(scenario: &Arc<Scenario>, graph: &Arc<Mutex<Graph>>) {
    let stage = Stage::<Reference, S>::set(scenario);
    let monitor = Arc::new(Monitor::new(Arc::clone(graph), stage.identities.clone()));
    *lock(&PRESENT) = Some(Arc::clone(&monitor));
    let results = perform(scenario, stage, Arc::new(Strict(Arc::clone(&monitor))));
    monitor.finish(&results).unwrap_or_else(|failure| raise(failure));
}

/// Told of nothing.
struct Nobody;

impl Observer for Nobody {
    fn is_told(&self) -> bool {
        false
    }

    fn event(&self, _thread: Thread, _event: &Event) {}

    fn read(&self, _thread: Thread, _buffer: Buffer) {}
}

/// The same execution, which nobody judges. It is no check of anything.
pub(super) fn unmonitored<S: Strategy<Interpreter>>(scenario: &Arc<Scenario>) {
    perform(scenario, Stage::<Reference, S>::set(scenario), Arc::new(Nobody));
}

/// Thread 0 is the main thread, the others are spawned, and so is one for each deadline. Gives the results of each.
fn perform<S: Strategy<Interpreter>>(
    scenario: &Arc<Scenario>,
    mut stage: Stage<Reference, S>,
    observer: Arc<dyn Observer>,
) -> Vec<Vec<String>> {
    let alarms = alarms(scenario, &stage);
    let deadlines: HashMap<usize, Deadline> = alarms.iter().map(|alarm| (alarm.step, alarm.deadline.clone())).collect();
    let deadline_of: DeadlineOf =
        Arc::new(move |step| deadlines.get(&ptr::from_ref(step).addr()).cloned().unwrap_or_else(Deadline::never));
    let worker = |thread| Worker::new(scenario, thread, &mut stage, Arc::clone(&observer), Arc::clone(&deadline_of));
    let workers: Vec<_> = (0..scenario.threads.len()).map(worker).collect();
    drop(stage);

    let mut workers = workers.into_iter();
    let first = workers.next().expect("a scenario has a thread");
    let others: Vec<_> = workers.map(|worker| tool::thread::spawn(move || worker.run())).collect();
    let alarms: Vec<_> = alarms.into_iter().map(|alarm| tool::thread::spawn(move || alarm.ring())).collect();
    let mut results = vec![first.run()];
    results.extend(others.into_iter().map(|other| other.join().expect("a worker does not panic")));
    for alarm in alarms {
        alarm.join().expect("an alarm does not panic");
    }
    results
}

/// Lets the deadline of one timed step pass, at any moment: a model has no clock.
struct Alarm<S: Strategy<Interpreter>> {
    /// The address of the step in the scenario: its identity.
    step: usize,
    deadline: Deadline,
    nudge: Nudge<Interpreter, S>,
}

impl<S: Strategy<Interpreter>> Alarm<S> {
    fn ring(self) {
        self.nudge.nudge(&self.deadline);
    }
}

/// One alarm for each timed step. Its channel is the one that the end belongs to at the start.
fn alarms<S: Strategy<Interpreter>>(scenario: &Scenario, stage: &Stage<Reference, S>) -> Vec<Alarm<S>> {
    let mut alarms = Vec::new();
    for decl in &scenario.threads {
        for located in decl.preorder() {
            let (Step::Send { end, patience: Patience::Deadline, .. }
            | Step::Receive { end, patience: Patience::Deadline, .. }) = &located.step
            else {
                continue;
            };
            let (Some(Holding::SendEnd(channel)) | Some(Holding::ReceiveEnd(channel))) = decl.holds.get(*end) else {
                panic!("line {}: a timed step needs an end that its thread holds from the start", located.line);
            };
            let nudge = stage.nudges[*channel].clone();
            let deadline = Deadline::after(std::time::Duration::ZERO);
            alarms.push(Alarm { step: ptr::from_ref(located).addr(), deadline, nudge });
        }
    }
    alarms
}
