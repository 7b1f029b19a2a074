//! The real code under loom: every interleaving of a scenario's threads, each execution followed by a monitor.
//!
//! A failure ends the process: loom cannot unwind out of a broken model safely (it may panic twice, or abort on a
//! deadlock). So [`explore`] is meant for a child process of its own, and reports through a callback before it dies.
//!
//! Each model runs twice, see [`Mode`]. Nothing is ever truncated: all of loom's limits are set here, and the environment
//! variables that would change them are refused.

use super::host::Reference;
use super::real::{DeadlineOf, Observer, Stage, Worker};
use crate::monitor::{Failure, Graph, Monitor};
use crate::scenario::{self, Buffer, Holding, Located, Patience, Scenario, Step, Thread, Tier};
use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use viewchan::Interpreter;
use viewchan::channel::Nudge;
use viewchan::strategy::Strategy;
use viewchan::sync::{Deadline, LOADS_AS_RMW, MODEL_UNWINDS};
use viewchan::trace::Event;

/// How atomic loads are modelled. loom does not race a thread's own earlier loads, so one way alone is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As loads: they may read stale values.
    Plain,
    /// As read-modify-writes that add zero: they race with everything.
    Rmw,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Rmw];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Rmw => "rmw",
        }
    }
}

/// Threads that loom has room for, the main thread included.
const MAX_THREADS: usize = 5;
/// More branches than this in one execution mean a livelock: loom panics, and the run fails.
const MAX_BRANCHES: usize = 10_000;

/// The first variable of the environment that would change what loom explores.
pub fn meddling_variable() -> Option<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.into_iter().find(|name| name.starts_with("LOOM_") && name != "LOOM_LOG")
}

/// Explores a scenario with the type `S`, which is to behave as `strategy`, and returns what all executions visited.
///
/// Calls `fail` with the first failure and expects it to end the process.
///
/// # Panics
///
/// If a `LOOM_*` variable is set that changes what loom explores: the claim of the result would be false.
pub fn explore<S: Strategy<Interpreter>>(
    scenario: &Arc<Scenario>,
    strategy: scenario::Strategy,
    mode: Mode,
    fail: fn(Failure) -> !,
) -> Graph {
    assert_eq!(meddling_variable(), None, "this variable changes what loom explores; unset it");
    LOADS_AS_RMW.store(mode == Mode::Rmw, Ordering::Relaxed);
    MODEL_UNWINDS.store(scenario.threads.iter().any(|thread| has_panic(&thread.steps)), Ordering::Relaxed);
    let graph = Arc::new(Mutex::new(Graph::new(scenario, strategy)));
    fail_on_panic(fail);
    let model = {
        let (scenario, graph) = (Arc::clone(scenario), Arc::clone(&graph));
        move || execution::<S>(&scenario, &graph, fail)
    };
    builder(scenario.tier(strategy)).check(model);
    drop(std::panic::take_hook());
    *PRESENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let graph = Arc::into_inner(graph).expect("the model is gone");
    graph.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn builder(tier: Tier) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = MAX_THREADS;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = match tier {
        Tier::Exhaustive => None,
        Tier::Bounded { preemptions } => Some(preemptions),
    };
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

/// The monitor of the present execution, for the panic hook.
static PRESENT: Mutex<Option<Arc<Monitor>>> = Mutex::new(None);

/// Makes every panic a failure. The scenarios' own panics do not get here: they resume, they are not raised.
fn fail_on_panic(fail: fn(Failure) -> !) {
    std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let monitor = PRESENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let why = info.payload_as_str().unwrap_or("a panic without a message").trim().to_owned();
        let guarantee = why.contains("deadlock").then_some("G6");
        fail(Failure { guarantee, why, trace: monitor.map(|monitor| monitor.trace()).unwrap_or_default() })
    }));
}

/// Tells the monitor, and ends the process when it objects.
struct Strict {
    monitor: Arc<Monitor>,
    fail: fn(Failure) -> !,
}

impl Observer for Strict {
    fn event(&self, thread: Thread, event: &Event) {
        self.monitor.event(thread, event).unwrap_or_else(|failure| (self.fail)(failure));
    }

    fn read(&self, thread: Thread, buffer: Buffer) {
        self.monitor.read(thread, buffer).unwrap_or_else(|failure| (self.fail)(failure));
    }
}

/// One execution: thread 0 is the main thread, the others are spawned, and so is one for each deadline.
fn execution<S: Strategy<Interpreter>>(scenario: &Arc<Scenario>, graph: &Arc<Mutex<Graph>>, fail: fn(Failure) -> !) {
    let mut stage = Stage::<Reference, S>::set(scenario);
    let alarms = alarms(scenario, &stage);
    let deadlines: HashMap<usize, Deadline> = alarms.iter().map(|alarm| (alarm.step, alarm.deadline.clone())).collect();
    let monitor = Arc::new(Monitor::new(Arc::clone(graph), stage.identities.clone()));
    *PRESENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&monitor));
    let observer: Arc<dyn Observer> = Arc::new(Strict { monitor: Arc::clone(&monitor), fail });

    let deadline_of: DeadlineOf =
        Arc::new(move |step| deadlines.get(&ptr::from_ref(step).addr()).cloned().unwrap_or_else(Deadline::never));
    let worker = |thread| Worker::new(scenario, thread, &mut stage, Arc::clone(&observer), Arc::clone(&deadline_of));
    let workers: Vec<_> = (0..scenario.threads.len()).map(worker).collect();
    drop(stage);

    let mut workers = workers.into_iter();
    let first = workers.next().expect("a scenario has a thread");
    let others: Vec<_> = workers.map(|worker| loom::thread::spawn(move || worker.run())).collect();
    let alarms: Vec<_> = alarms.into_iter().map(|alarm| loom::thread::spawn(move || alarm.ring())).collect();
    let mut results = vec![first.run()];
    results.extend(others.into_iter().map(|other| other.join().expect("a worker does not panic")));
    for alarm in alarms {
        alarm.join().expect("an alarm does not panic");
    }
    monitor.finish(&results).unwrap_or_else(|failure| fail(failure));
}

/// Lets the deadline of one timed step pass, at any moment: loom has no clock.
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
        for_each_timed(&decl.steps, &mut |located, end| {
            let (Some(Holding::SendEnd(channel)) | Some(Holding::ReceiveEnd(channel))) = decl.holds.get(end) else {
                panic!("line {}: a timed step needs an end that its thread holds from the start", located.line);
            };
            let nudge = stage.nudges[*channel].clone();
            let deadline = Deadline::after(std::time::Duration::ZERO);
            alarms.push(Alarm { step: ptr::from_ref(located).addr(), deadline, nudge });
        });
    }
    alarms
}

fn has_panic(steps: &[Located]) -> bool {
    steps.iter().any(|located| match &located.step {
        Step::Attach { unwind: Some(_), .. } => true,
        Step::Attach { body, .. } | Step::Detach { body } => has_panic(body),
        _ => false,
    })
}

fn for_each_timed(steps: &[Located], found: &mut impl FnMut(&Located, usize)) {
    for located in steps {
        match &located.step {
            Step::Attach { body, .. } | Step::Detach { body } => for_each_timed(body, found),
            Step::Send { end, patience: Patience::Deadline, .. }
            | Step::Receive { end, patience: Patience::Deadline, .. } => found(located, *end),
            _ => {}
        }
    }
}
