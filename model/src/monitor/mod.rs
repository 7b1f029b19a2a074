//! Trace refinement: every event of an execution is a legal step of the specification.
//!
//! A [`Monitor`] follows one execution. For each event it finds the action that the event stands for, takes that step in
//! the specification, and compares the numbers in the event with the state after it. SPEC.md has the table of events
//! and actions; `translate` is its code.
//!
//! It is sound because an event is emitted in the critical section, or right after the atomic operation, that is its
//! linearisation point, and because nothing of the monitor is visible to the model: it uses the standard library only
//! and is never held across an operation of the code under test.

mod graph;
mod identities;
mod order;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod rows;
mod translate;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_life;

pub use graph::{Agreement, Graph};
pub use identities::Identities;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub use rows::Row;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use rows::Rows;

use crate::scenario::{Buffer, Scenario, Thread};
use crate::spec::{Action, Guarantee, Kind, Refusal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use translate::Meaning;
use viewchan::trace::Event;

/// What an execution did that it must not do.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The guarantee that is broken, or `None` if the code did something lawful that the specification does not do there.
    pub guarantee: Option<&'static str>,
    /// What happened.
    pub why: String,
    /// The steps up to there, in words.
    pub trace: Vec<String>,
}

/// Follows one execution.
pub struct Monitor {
    graph: Arc<Mutex<Graph>>,
    run: Mutex<Run>,
}

struct Run {
    identities: Identities,
    state: graph::StateId,
    trace: Vec<Action>,
}

impl Monitor {
    /// Follows an execution from the scenario's initial state.
    pub fn new(graph: Arc<Mutex<Graph>>, identities: Identities) -> Self {
        let state = lock(&graph).initial();
        Self { graph, run: Mutex::new(Run { identities, state, trace: Vec::new() }) }
    }

    /// A thread emitted an event.
    ///
    /// # Errors
    ///
    /// When it is not a legal step, or its numbers are wrong.
    pub fn event(&self, thread: Thread, event: &Event) -> Result<(), Failure> {
        let mut run = lock(&self.run);
        let mut graph = lock(&self.graph);
        let meaning = translate::meaning(event, &run.identities, || graph.wants(run.state, thread));
        let kind = match meaning {
            Meaning::Action(kind) => kind,
            Meaning::Unknown => {
                let why = format!("{event:?} of thread {thread} is about something that the scenario does not have");
                return Err(run.failure(&mut graph, None, why));
            }
            Meaning::Unwanted(did) => {
                let why = graph.explain_unwanted(run.state, thread, did);
                return Err(run.failure(&mut graph, Some(Guarantee::G3.id()), why));
            }
        };
        translate::identify(event, kind, &mut run.identities);
        let (before, action) = (run.state, Action { thread, kind });
        run.step(&mut graph, action)?;
        let (real, specified) = (translate::numbers(event, &run.identities), graph.reported(before, action, run.state));
        if real == specified {
            return Ok(());
        }
        let why = format!("the code reports {real:?}, and the specification has {specified:?}");
        Err(run.failure(&mut graph, None, why))
    }

    /// A thread read a buffer or a view of it.
    ///
    /// # Errors
    ///
    /// As for [`event`](Self::event).
    pub fn read(&self, thread: Thread, buffer: Buffer) -> Result<(), Failure> {
        lock(&self.run).step(&mut lock(&self.graph), Action { thread, kind: Kind::Read { buffer } })
    }

    /// All threads are done, with these results: checks the end and takes the execution into the graph.
    ///
    /// # Errors
    ///
    /// When something is left over, or the results are not those of the specification.
    pub fn finish(&self, results: &[Vec<String>]) -> Result<(), Failure> {
        let run = lock(&self.run);
        let mut graph = lock(&self.graph);
        let outcome = outcome(graph.scenario(), results);
        match graph.finish(run.state, &outcome, &run.trace) {
            Ok(()) => Ok(()),
            Err((guarantee, why)) => Err(run.failure(&mut graph, guarantee, why)),
        }
    }

    /// The steps so far, in words.
    pub fn trace(&self) -> Vec<String> {
        lock(&self.run).narrate(&mut lock(&self.graph))
    }
}

impl Run {
    fn step(&mut self, graph: &mut Graph, action: Action) -> Result<(), Failure> {
        let (guarantee, why) = match graph.step(self.state, action) {
            Ok(state) => {
                self.state = state;
                self.trace.push(action);
                return Ok(());
            }
            Err(Refusal::Violation(violation)) => (Some(violation.guarantee.id()), violation.why),
            Err(Refusal::Blocked) => {
                (None, format!("{}, and the specification would have to wait here", graph.narrate(self.state, action)))
            }
            Err(Refusal::Unexpected { why }) => (None, why),
        };
        Err(self.failure(graph, guarantee, why))
    }

    fn failure(&self, graph: &mut Graph, guarantee: Option<&'static str>, why: String) -> Failure {
        Failure { guarantee, why, trace: self.narrate(graph) }
    }

    fn narrate(&self, graph: &mut Graph) -> Vec<String> {
        let mut state = graph.initial();
        let mut narrate = |&action| {
            let line = graph.narrate(state, action);
            state = graph.step(state, action).expect("taken before");
            line
        };
        self.trace.iter().map(&mut narrate).collect()
    }
}

/// The outcome of an execution, in the form of [`Rules::outcome`](crate::spec::Rules::outcome).
pub fn outcome(scenario: &Scenario, results: &[Vec<String>]) -> String {
    let thread = |(thread, results): (&crate::scenario::ThreadDecl, &Vec<String>)| {
        let results = if results.is_empty() { "-".to_owned() } else { results.join(" ") };
        format!("{}: {results}", thread.name)
    };
    scenario.threads.iter().zip(results).map(thread).collect::<Vec<_>>().join(" | ")
}

/// Locks; a panic elsewhere is reported elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
